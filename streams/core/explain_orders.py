"""The life of an order, step by step: what each does, what is refunded, and what money counts or waits."""

from typing import Literal, TypeAlias

import msgspec

from streams.core.credit import Outcome
from streams.core.facts import Status, Step, moment
from streams.core.orders import read_order

Role: TypeAlias = Literal[
    "base", "other_currency", "refund", "refund_replaced", "closes", "freezes", "releases", "hold_replaced", "status",
]  # fmt: skip
"""`freezes` and `releases` only of the step that decides; `status` of the step that gives the order its status."""


class StepStory(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an order and what it is good for."""

    event_id: str
    at_ms: int
    status: Status
    roles: list[Role]
    amount_minor: int | None
    currency: str | None
    refund_id: str | None


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """What a refund id comes to."""

    refund_id: str
    amount_minor: int
    event_id: str  # of the latest step with that id
    replaced: list[str]  # event ids of the earlier ones


class OrderStory(msgspec.Struct, frozen=True, kw_only=True):
    """An order: its steps by time, and its money."""

    order_id: str
    base: str  # event id
    status: Status
    paid: bool
    closed: bool
    frozen: bool
    steps: list[StepStory]
    refunds: list[Refund]
    currency: str | None
    amount_minor: int  # of the base
    refunds_minor: int  # their sum, which may be more than the amount
    refunded_minor: int  # of that at most the amount
    gross_counted_minor: int  # while credited
    refunded_counted_minor: int
    held_minor: int  # what will count once the order is released


def story_of_order(steps: list[Step], outcome: Outcome) -> OrderStory:
    """Read the steps of one order, at least one, in any order."""
    steps = sorted(steps, key=moment)
    order = read_order(steps)
    base = order.base
    heeded = [step for step in steps if not _other_currency(step, base)]
    refunds = _refunds(heeded)
    hold = next((step for step in reversed(heeded) if step.status in ("frozen", "unfrozen")), None)
    counts = {refund.event_id for refund in refunds}
    return OrderStory(
        order_id=base.order_id,
        base=base.event_id,
        status=order.status,
        paid=order.paid,
        closed=order.closed,
        frozen=order.frozen,
        steps=[_step(step, _roles(step, base=base, heeded=heeded, hold=hold, counts=counts)) for step in steps],
        refunds=refunds,
        currency=base.currency,
        amount_minor=order.amount_minor,
        refunds_minor=sum(refund.amount_minor for refund in refunds),
        refunded_minor=order.refunded_minor,
        gross_counted_minor=outcome.gross_minor,
        refunded_counted_minor=outcome.refunded_minor,
        held_minor=order.amount_minor - order.refunded_minor if outcome.state == "held" else 0,
    )


def _other_currency(step: Step, base: Step) -> bool:
    return base.currency is not None and step.currency is not None and step.currency != base.currency


def _roles(step: Step, *, base: Step, heeded: list[Step], hold: Step | None, counts: set[str]) -> list[Role]:
    if _other_currency(step, base):
        return ["other_currency"]
    roles: list[Role] = []
    if step is base:
        roles.append("base")
    if step.status == "closed":
        roles.append("closes")
    if step is hold:
        roles.append("freezes" if step.status == "frozen" else "releases")
    elif step.status in ("frozen", "unfrozen"):
        roles.append("hold_replaced")
    if step.refund_id is not None:
        roles.append("refund" if step.event_id in counts else "refund_replaced")
    if step is heeded[-1]:
        roles.append("status")
    return roles


def _refunds(steps: list[Step]) -> list[Refund]:
    """What each refund id comes to; `steps` ascend."""
    by_id: dict[str, list[Step]] = {}
    for step in steps:
        if step.refund_id is not None:
            by_id.setdefault(step.refund_id, []).append(step)
    return [
        Refund(
            refund_id=refund_id,
            amount_minor=of_one[-1].amount_minor or 0,
            event_id=of_one[-1].event_id,
            replaced=[step.event_id for step in of_one[:-1]],
        )
        for refund_id, of_one in by_id.items()
    ]


def _step(step: Step, roles: list[Role]) -> StepStory:
    return StepStory(
        event_id=step.event_id,
        at_ms=step.at_ms,
        status=step.status,
        roles=roles,
        amount_minor=step.amount_minor,
        currency=step.currency,
        refund_id=step.refund_id,
    )
