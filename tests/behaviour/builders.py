"""Builders for stories: they name what a story is about, everything else stands at a sensible default.

Times are milliseconds after `MIDNIGHT_MS`; a record that is given no event id gets one that shows its time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.generators.policies import DEFAULT_POLICY, MIDNIGHT_MS, Document
from tests.generators.records import Written

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Expected: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What arrives, in this order, and what must come out of it in any order."""

    name: str
    records: Sequence[Written]
    policies: Sequence[Document] = (DEFAULT_POLICY,)
    counters: Mapping[str, Expected]
    """All notes' counters, zero values left out."""
    results: Mapping[str, Expected] = field(default_factory=dict)
    """All results by result id (of token t1; of others TOKEN/RESULT_ID); of each only the fields named here."""
    superseded: frozenset[str] = frozenset()
    """All identities, named likewise, that a losing content made: void or never seen."""
    refusals: Mapping[str, str | None] = field(default_factory=dict)
    """Reasons of some clicks of t1 by event id; None: accepted."""
    topics: Mapping[str, Expected] = field(default_factory=dict)
    """Some lines of the ledger by topic."""
    seen: Mapping[str, int] = field(default_factory=lambda: {"currency_mismatch": 0, "order_reused": 0})


def identity(name: str) -> tuple[str, str]:
    """Token and result id of the identity that a story writes as RESULT_ID, of token t1, or as TOKEN/RESULT_ID."""
    token, _, result_id = name.rpartition("/")
    return token or "t1", result_id


def named(fields: Mapping[str, Any], wanted: Mapping[str, Any]) -> Expected:
    """Of `fields` only those that a story names."""
    return {name: fields[name] for name in wanted}


def after(ms: int) -> int:
    """The event time so many milliseconds after the stories' midnight."""
    return MIDNIGHT_MS + ms


def click(event: str | None = None, *, at: int = 0, note: str = "n1", **fields: object) -> Written:
    """A click-out on an ad note to merchant m1 at Tmall."""
    return _fact(
        "click-out",
        event or f"click@{at}",
        at,
        {"note_id": note, "note_kind": "ad", "link": "note", "category": "fmcg.skincare"} | fields,
    )


def entry(event: str | None = None, *, at: int, **fields: object) -> Written:
    """A shop entry at merchant m1's on Tmall."""
    return _fact("shop-entry", event or f"entry@{at}", at, fields)


def favourite(event: str | None = None, *, at: int, **fields: object) -> Written:
    """An item favourited."""
    return _fact("shop-action", event or f"favourite@{at}", at, {"action": "favourite"} | fields)


def cart(event: str | None = None, *, at: int, **fields: object) -> Written:
    """An item put in the cart."""
    return _fact("shop-action", event or f"cart@{at}", at, {"action": "cart"} | fields)


def step(status: str, event: str | None = None, *, at: int, order: str = "o1", **fields: object) -> Written:
    """An order step that carries no money."""
    return _fact("order", event or f"{order}-{status}@{at}", at, {"order_id": order, "status": status} | fields)


def deposit(event: str | None = None, *, at: int, amount: int = 20, order: str = "o1", **fields: object) -> Written:
    """A deposit of 20 fen."""
    return step("deposit", event, at=at, order=order, **_money(amount, fields))


def paid(event: str | None = None, *, at: int, amount: int = 100, order: str = "o1", **fields: object) -> Written:
    """A payment of 100 fen."""
    return step("paid", event, at=at, order=order, **_money(amount, fields))


def refund(event: str | None = None, *, at: int, amount: int = 30, order: str = "o1", **fields: object) -> Written:
    """Refund r1, of 30 fen."""
    return step("refunded", event, at=at, order=order, **_money(amount, {"refund_id": "r1"} | fields))


def metric(event: str | None = None, *, at: int, note: str = "n1", **fields: object) -> Written:
    """A note's own figures."""
    figures = {"reads": 0, "likes": 0, "saves": 0} | fields
    return Written("note-metric", {"event_id": event or f"metric@{at}", "note_id": note, "at_ms": after(at)} | figures)


def policy(version: int = 1, **changes: object) -> Document:
    """The default policy with some of its top level replaced."""
    return DEFAULT_POLICY | {"version": version} | changes


def windows(**changes: str) -> dict[str, str]:
    """The default windows with some changed."""
    return {**DEFAULT_POLICY["windows"], **changes}


def platforms(**changes: Document) -> dict[str, Document]:
    """The default platforms with some changed or added."""
    return {**DEFAULT_POLICY["platforms"], **changes}


def credited(click_id: str = "click@0", **fields: object) -> Expected:
    """A result credited to a click."""
    return {"outcome": "credited", "reason": None, "click_id": click_id, "nearest_click_id": None} | fields


def refused(reason: str, nearest: str | None = None, **fields: object) -> Expected:
    """A refused result."""
    return {"outcome": "refused", "reason": reason, "click_id": None, "nearest_click_id": nearest} | fields


def pending(click_id: str = "click@0", **fields: object) -> Expected:
    """An order that waits to be paid."""
    return _uncredited("pending", "not_paid", click_id) | fields


def held(click_id: str = "click@0", **fields: object) -> Expected:
    """A frozen order."""
    return _uncredited("held", "order_frozen", click_id) | fields


def withdrawn(click_id: str = "click@0", **fields: object) -> Expected:
    """A closed order."""
    return _uncredited("withdrawn", "order_closed", click_id) | fields


def _uncredited(outcome: str, reason: str, click_id: str) -> Expected:
    money = {"gross_minor": 0, "refunded_minor": 0, "net_minor": 0}
    return {"outcome": outcome, "reason": reason, "click_id": click_id, "nearest_click_id": None} | money


def _money(amount: int, fields: Mapping[str, object]) -> dict[str, Any]:
    return {"amount_minor": amount, "currency": "CNY", **fields}


def _fact(topic: str, event: str, at: int, fields: Mapping[str, object]) -> Written:
    common = {"event_id": event, "token": "t1", "at_ms": after(at), "platform": "tmall", "merchant_id": "m1"}
    return Written(topic, {**common, **fields})
