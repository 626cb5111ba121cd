"""The result of every entry, action and order of one journey."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.oracle.credit import Click, credit
from tests.oracle.intake import Fields
from tests.oracle.orders import Order
from tests.oracle.policy import greatest_lead_ms

OF_THE_CLICK = ("note_id", "note_kind", "link", "campaign_id", "creator_id", "poster_id", "boost_id", "category")
NO_ORDER = {
    "order_id": None,
    "status": None,
    "currency": None,
    "gross_minor": 0,
    "refunded_minor": 0,
    "net_minor": 0,
}


@dataclass(frozen=True)
class Result:
    """One result: its fields as readers see them, except the revision, and the clicks behind it."""

    fields: Fields
    winner: Click | None
    nearest: Click | None


def result_id(topic: str, fields: Fields) -> str | None:
    """The identity, within its token, of the result that this content makes; clicks make none."""
    if topic == "shop-entry":
        return f"entry:{fields['event_id']}"
    if topic == "shop-action":
        return f"{fields['action']}:{fields['event_id']}"
    return f"order:{fields['order_id']}" if topic == "order" else None


def entry_result(entry: Fields, clicks: Sequence[Click]) -> Result:
    """A shop entry: credited or refused."""
    return _result(entry, clicks, kind="entry", identity=f"entry:{entry['event_id']}")


def action_result(action: Fields, clicks: Sequence[Click]) -> Result:
    """A favourite or an item put in the cart: credited or refused."""
    return _result(action, clicks, kind=action["action"], identity=f"{action['action']}:{action['event_id']}")


def order_result(order: Order, clicks: Sequence[Click]) -> Result:
    """An order: without a candidate refused, whatever its steps say; else credited unless something hinders it."""
    order_id = order.base["order_id"]
    result = _result(order.base, clicks, kind="order", identity=f"order:{order_id}")
    if result.winner is not None:
        outcome, reason = order.hindrance() or ("credited", None)
        result.fields.update(outcome=outcome, reason=reason)
    result.fields.update(order_id=order_id, status=order.status, currency=order.base.get("currency"))
    if result.fields["outcome"] == "credited":
        gross, refunded = order.base["amount_minor"], order.refunded_minor()
        result.fields.update(gross_minor=gross, refunded_minor=refunded, net_minor=gross - refunded)
    return result


def _result(fact: Fields, clicks: Sequence[Click], *, kind: str, identity: str) -> Result:
    """What all kinds share; the stage of a fact has the name of its kind."""
    winner, reason, nearest = credit(clicks, fact, kind)
    won = winner.fields if winner else {}
    missed = nearest.fields if nearest else {}
    click = winner or nearest
    judge = click.policy if click else None
    fields = {
        "result_id": identity,
        "kind": kind,
        "outcome": "credited" if winner else "refused",
        "reason": reason,
        **{name: fact[name] for name in ("token", "platform", "merchant_id", "at_ms")},
        **{name: won.get(name) for name in OF_THE_CLICK},
        "click_id": won.get("event_id"),
        "click_at_ms": won.get("at_ms"),
        "nearest_note_id": missed.get("note_id"),
        "nearest_click_id": missed.get("event_id"),
        **NO_ORDER,
        "policy_version": judge["version"] if judge else None,
        # Once everything up to there is in, only order steps and conflicts can change the result.
        "final_at_ms": fact["at_ms"] + greatest_lead_ms(judge) if judge else None,
    }
    return Result(fields, winner, nearest)
