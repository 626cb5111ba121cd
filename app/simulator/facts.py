"""Facts as the simulator makes them, and their records: keys, values and the fields that are their content."""

import json
from typing import Any, NamedTuple, TypeAlias

import msgspec

from streams.topics import CLICK_OUT, NOTE_METRIC, ORDER, SHOP_ACTION, SHOP_ENTRY

TOPICS = (CLICK_OUT, SHOP_ENTRY, SHOP_ACTION, ORDER, NOTE_METRIC)


class Outgoing(NamedTuple):
    """A record to be sent, if not to `partition` then where its key belongs."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None  # None: the moment of sending


class Shop(msgspec.Struct, frozen=True, gc=False):
    """A merchant's shop on one platform."""

    platform: str
    merchant_id: str


class Link(msgspec.Struct, frozen=True, gc=False):
    """A link under a note that leads to a shop: all that clicks on it have in common."""

    note_id: str
    note_kind: str
    link: str
    shop: Shop
    category: str
    campaign_id: str | None
    creator_id: str | None
    poster_id: str | None
    wire: str  # the fields above as a piece of a JSON object


class Click(msgspec.Struct, frozen=True, gc=False):
    """A reader followed a link."""

    event_id: str
    token: str
    at_ms: int
    to: Link
    boost_id: str | None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A shop's page was entered."""

    event_id: str
    token: str
    at_ms: int
    shop: Shop


class Action(msgspec.Struct, frozen=True, gc=False):
    """An item was favourited or put in the cart."""

    event_id: str
    token: str
    at_ms: int
    shop: Shop
    action: str


class Step(msgspec.Struct, frozen=True, gc=False):
    """One step in the life of an order; amount, currency and refund_id only where the status carries them."""

    event_id: str
    token: str
    at_ms: int
    shop: Shop
    order_id: str
    status: str
    amount_minor: int | None = None
    currency: str | None = None
    refund_id: str | None = None


class NoteMetric(msgspec.Struct, frozen=True, gc=False):
    """A note's own figures up to one moment."""

    event_id: str
    note_id: str
    at_ms: int
    reads: int
    likes: int
    saves: int
    comments: int | None = None
    shares: int | None = None


Fact: TypeAlias = Click | Entry | Action | Step | NoteMetric

TOPIC_OF: dict[type[Fact], str] = {
    Click: CLICK_OUT, Entry: SHOP_ENTRY, Action: SHOP_ACTION, Step: ORDER, NoteMetric: NOTE_METRIC,
}  # fmt: skip


def make_link(  # noqa: PLR0913  # the fields of a link
    *,
    note_id: str,
    note_kind: str,
    link: str,
    shop: Shop,
    category: str,
    campaign_id: str | None = None,
    creator_id: str | None = None,
    poster_id: str | None = None,
) -> Link:
    """A link with its wire form worked out once, for all the clicks to come."""
    fields = {
        "note_id": note_id, "note_kind": note_kind, "link": link, "platform": shop.platform,
        "merchant_id": shop.merchant_id, "category": category,
        "campaign_id": campaign_id, "creator_id": creator_id, "poster_id": poster_id,
    }  # fmt: skip
    wire = json.dumps({name: value for name, value in fields.items() if value is not None}, separators=(",", ":"))
    return Link(note_id, note_kind, link, shop, category, campaign_id, creator_id, poster_id, wire[1:-1])


def key_of(fact: Fact) -> bytes:
    """The record key of a fact."""
    return (fact.note_id if isinstance(fact, NoteMetric) else fact.token).encode()


def value_of(fact: Fact) -> bytes:
    """The JSON of a fact; by string formatting, which costs half of any encoder here."""
    if isinstance(fact, Click):
        return _click_value(fact)
    if isinstance(fact, Entry):
        return f"{_shop_fact(fact)}}}".encode()
    if isinstance(fact, Action):
        return f'{_shop_fact(fact)},"action":"{fact.action}"}}'.encode()
    return _step_value(fact) if isinstance(fact, Step) else _metric_value(fact)


def _click_value(click: Click) -> bytes:
    boost = f',"boost_id":"{click.boost_id}"' if click.boost_id else ""
    return (
        f'{{"event_id":"{click.event_id}","token":"{click.token}","at_ms":{click.at_ms},{click.to.wire}{boost}}}'
    ).encode()


def _step_value(step: Step) -> bytes:
    text = f'{_shop_fact(step)},"order_id":"{step.order_id}","status":"{step.status}"'
    if step.amount_minor is not None:
        text += f',"amount_minor":{step.amount_minor},"currency":"{step.currency}"'
    if step.refund_id is not None:
        text += f',"refund_id":"{step.refund_id}"'
    return (text + "}").encode()


def _metric_value(metric: NoteMetric) -> bytes:
    text = (
        f'{{"event_id":"{metric.event_id}","note_id":"{metric.note_id}","at_ms":{metric.at_ms},'
        f'"reads":{metric.reads},"likes":{metric.likes},"saves":{metric.saves}'
    )
    if metric.comments is not None:
        text += f',"comments":{metric.comments}'
    if metric.shares is not None:
        text += f',"shares":{metric.shares}'
    return (text + "}").encode()


def _shop_fact(fact: Entry | Action | Step) -> str:
    return (
        f'{{"event_id":"{fact.event_id}","token":"{fact.token}","at_ms":{fact.at_ms},'
        f'"platform":"{fact.shop.platform}","merchant_id":"{fact.shop.merchant_id}"'
    )


def content_of(fact: Fact) -> dict[str, Any]:
    """The fields of a fact that are present, by name."""
    return json.loads(value_of(fact))  # type: ignore[no-any-return]


def canonical(fact: Fact) -> bytes:
    """Canonical JSON of the content: of two with the same time the greater one stands."""
    return json.dumps(content_of(fact), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
