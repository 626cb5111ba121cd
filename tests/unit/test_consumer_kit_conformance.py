"""The conformance test accepts what is right and names, number by number and story by story, what is wrong."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec
import orjson
import pytest

from app.consumer_kit.conformance import Difference, differences
from app.consumer_kit.published import Record
from app.consumer_kit.recording import POINT, Recording
from streams.errors import Misconfigured

Fields: TypeAlias = dict[str, Any]

RECORDING = Recording()
COMPARED = ("token", "result_id", "revision", "outcome", "note_id", "currency", "gross_minor", "refunded_minor")
DIGEST = "7d17147d491f7d55e2a329b54e84e7c8652e1e69608317e71284a3db933b8487"


def delivered(*ends: str) -> list[Fields]:
    """The results of transactions with these ends, in the order in which a reader gets them."""
    told = [one for one in RECORDING.transactions if one.end in ends]
    return [fields_of(record) for transaction in told for record in transaction.records]


def fields_of(record: Record) -> Fields:
    fields: Fields = orjson.loads(record.value)
    return fields


def latest(
    results: Iterable[Fields],
    key: Callable[[Fields], Any] = lambda one: (one["token"], one["result_id"]),
    order: Callable[[Fields], Any] = lambda one: one["revision"],
) -> list[Fields]:
    """Of each identity by `key` the result that is the greatest by `order`, of equals the last one."""
    kept: dict[Any, Fields] = {}
    for result in results:
        identity = key(result)
        if identity not in kept or order(result) >= order(kept[identity]):
            kept[identity] = result
    return list(kept.values())


def report(results: Iterable[Fields]) -> bytes:
    """What a consumer reports that adds up these results."""
    notes: dict[str, dict[str, dict[str, int]]] = {}
    for one in results:
        if one["kind"] == "order" and one["outcome"] == "credited":
            nothing = {"orders": 0, "gross_minor": 0, "refunded_minor": 0}
            amounts = notes.setdefault(one["note_id"], {}).setdefault(one["currency"], nothing)
            amounts["orders"] += 1
            amounts["gross_minor"] += one["gross_minor"]
            amounts["refunded_minor"] += one["refunded_minor"]
    return orjson.dumps(notes)


TOLD = delivered("commit")
NAIVE = {
    "sums all records": (TOLD, {"grown", "repeated", "moved-from", "many-at-once", "void"}),
    "takes the last one delivered": (
        latest(TOLD, order=lambda _: 0),
        {"reordered", "void-first", "late-from", "late-to"},
    ),
    "takes the first one delivered": (
        latest(reversed(TOLD), order=lambda _: 0),
        {"grown", "void", "moved-to", "other-currency"},
    ),
    "ignores void": (latest(one for one in TOLD if one["outcome"] != "void"), {"void", "void-first", "absent"}),
    "ignores all that is not credited": (
        latest(one for one in TOLD if one["outcome"] == "credited"),
        {"void", "closed", "frozen", "lost"},
    ),
    "leaves a moved credit with the old note": (
        latest(TOLD, lambda one: (one["token"], one["result_id"], one.get("note_id"))),
        {"moved-from", "there", "late-from"},
    ),
    "reads what is not committed": (latest(delivered("commit", "abort")), {"aborted", "never"}),
    "compares revisions as text": (latest(TOLD, order=lambda one: str(one["revision"])), {"numbers"}),
    "knows results by their result id alone": (latest(TOLD, lambda one: one["result_id"]), {"two-tokens"}),
    "knows results by their token alone": (
        latest(TOLD, lambda one: one["token"]),
        {"two-orders", "currencies", "large"},
    ),
    "glues token and result id together": (latest(TOLD, lambda one: f"{one['token']}:{one['result_id']}"), {"glued"}),
    "counts entries as orders": (
        [{**one, "kind": "order", "currency": one.get("currency") or "CNY"} for one in latest(TOLD)],
        {"visited"},
    ),
    "leaves out orders that cost nothing": ([one for one in latest(TOLD) if one.get("gross_minor")], {"free"}),
}


def test_the_recording_is_the_same_everywhere() -> None:
    told = [
        [one.end, *map(fields.get, COMPARED)]
        for one in RECORDING.transactions
        for fields in map(fields_of, one.records)
    ]
    assert hashlib.sha256(orjson.dumps(told)).hexdigest() == DIGEST


def test_totals_computed_plainly_are_right() -> None:
    assert differences(RECORDING, report(latest(TOLD))) == []
    assert differences(RECORDING, msgspec.json.encode(RECORDING.totals)) == []


@pytest.mark.parametrize("naive", NAIVE)
def test_a_naive_consumer_is_caught_by_its_stories(naive: str) -> None:
    results, stories = NAIVE[naive]
    wrong = differences(RECORDING, report(results))
    assert stories <= {one.note_id for one in wrong}
    assert {one.point for one in wrong} <= set(RECORDING.points.values())


def test_a_difference_says_where_what_and_why() -> None:
    wrong = differences(RECORDING, report(one for one in TOLD if one["token"] == "t.moved"))
    (moved,) = [one for one in wrong if one.note_id == "moved-from" and one.name == "gross_minor"]
    assert moved == Difference(
        "moved-from", "CNY", "gross_minor", 5_000, 0,
        "a credit that moves is taken from the old note and given to the new one",
    )  # fmt: skip
    assert str(moved) == (
        "moved-from, CNY: gross_minor is 5000, should be 0"
        " (a credit that moves is taken from the old note and given to the new one)"
    )


def test_notes_that_were_never_recorded_are_named() -> None:
    right = orjson.loads(report(latest(TOLD)))
    wrong = differences(RECORDING, orjson.dumps({**right, "mine": {"CNY": {"orders": 1}}, "empty": {"CNY": {}}}))
    assert wrong == [Difference("mine", "CNY", "orders", 1, 0, "the recording has no such note")]


def test_what_is_missing_is_wrong_and_not_passed_over() -> None:
    wrong = differences(RECORDING, b"{}")
    numbers = [
        number
        for currencies in RECORDING.totals.values()
        for amounts in currencies.values()
        for number in (amounts.orders, amounts.gross_minor, amounts.refunded_minor)
    ]
    assert len(wrong) == sum(map(bool, numbers))
    assert POINT in {one.point for one in wrong}


@pytest.mark.parametrize("text", [b"", b"[]", b'{"a":1}', b'{"a":{"orders":1}}', b'{"a":{"CNY":{"orders":"1"}}}'])
def test_what_is_no_report_is_refused_with_the_right_shape(text: bytes) -> None:
    with pytest.raises(Misconfigured, match=r"this is no report: .*must be JSON such as \{NOTE: \{CURRENCY"):
        differences(RECORDING, text)
