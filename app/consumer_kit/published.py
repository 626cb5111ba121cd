"""Records of the topic `conversion` as Redcat publishes them, to try consumers with."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from streams.codec import encode_result
from streams.core.policy import Stage
from streams.core.results import Published, Result

AT_MS: Final = 1_790_000_000_000
DAY_MS: Final = 86_400_000
REASONS: Final[Mapping[Published, Any]] = {
    "refused": "window_passed",
    "pending": "not_paid",
    "held": "order_frozen",
    "withdrawn": "order_closed",
}


class Record(NamedTuple):
    """A record; its key is the token."""

    token: str
    result_id: str
    revision: int
    kind: str
    value: bytes


class Transaction(NamedTuple):
    """Records that become readable together, or never."""

    end: Literal["commit", "abort"]
    records: tuple[Record, ...]


class Amounts(msgspec.Struct, frozen=True):
    """What a note has brought in one currency; money in its minor units."""

    orders: int = 0
    gross_minor: int = 0
    refunded_minor: int = 0


Totals: TypeAlias = dict[str, dict[str, Amounts]]
"""By note and currency."""


def commit(*records: Record) -> Transaction:
    """A transaction that is committed."""
    return Transaction("commit", records)


def abort(*records: Record) -> Transaction:
    """A transaction that is aborted."""
    return Transaction("abort", records)


def order(
    note: str,
    revision: int,
    gross_minor: int,
    refunded_minor: int = 0,
    *,
    of: str | None = None,
    currency: str = "CNY",
) -> Record:
    """A credited order's result; `of` is "TOKEN ORDER_ID" if they are not to be made from the note."""
    token, order_id = of.split() if of else _own(note)
    return _record(
        Result(
            f"order:{order_id}", revision, "order", "credited", None, token, "tmall", "m1", AT_MS, **_click(note),
            order_id=order_id, status="paid", gross_minor=gross_minor, refunded_minor=refunded_minor,
            net_minor=gross_minor - refunded_minor, currency=currency, policy_version=1, final_at_ms=AT_MS,
        )
    )  # fmt: skip


def without_money(note: str, revision: int, outcome: Published, *, of: str | None = None) -> Record:
    """An order's result while it is not credited; `of` as above."""
    token, order_id = of.split() if of else _own(note)
    if outcome == "void":
        return _record(Result(f"order:{order_id}", revision, "order", outcome, "superseded", token))
    clicked = {"nearest_note_id": note, "nearest_click_id": f"c.{note}"} if outcome == "refused" else _click(note)
    return _record(
        Result(
            f"order:{order_id}", revision, "order", outcome, REASONS[outcome], token, "tmall", "m1", AT_MS, **clicked,
            order_id=order_id, status="paid", currency="CNY", policy_version=1, final_at_ms=AT_MS,
        )
    )  # fmt: skip


def visit(note: str, kind: Stage) -> Record:
    """A credited entry, favourite or cart."""
    token, _ = _own(note)
    return _record(
        Result(
            f"{kind}:e.{note}", 1, kind, "credited", None, token, "tmall", "m1", AT_MS,
            **_click(note), policy_version=1, final_at_ms=AT_MS,
        )
    )  # fmt: skip


def altered(record: Record, **changed: Any) -> Record:
    """A record with other contents in some fields; None leaves a field out."""
    fields = {**msgspec.json.decode(record.value), **changed}
    value = msgspec.json.encode({name: content for name, content in fields.items() if content is not None})
    return Record(record.token, fields["result_id"], record.revision, fields["kind"], value)


def _record(result: Result) -> Record:
    return Record(result.token, result.result_id, result.revision, result.kind, encode_result(result))


def _own(note: str) -> tuple[str, str]:
    """Token and id of a note's own order."""
    return f"t.{note}", f"o.{note}"


def _click(note: str) -> dict[str, Any]:
    """The fields of the click that won."""
    return {
        "note_id": note, "note_kind": "ad", "link": "note", "campaign_id": "c1", "creator_id": "k1",
        "category": "outdoor.running", "click_id": f"c.{note}", "click_at_ms": AT_MS - DAY_MS,
    }  # fmt: skip
