"""A producer's records are checked as the worker would read them, and what is probably not meant is told."""

import json
from collections.abc import Sequence
from typing import Final, TypeAlias

import pytest

from app.validating.files import LineRecord
from app.validating.kinds import MOST_KINDS, Fault, Kinds, Page, Place
from app.validating.memory import Awaited, Recent
from app.validating.spelling import LONGEST_NAME, MOST_NAMES, Spelling, alike
from app.validating.validation import Validation
from streams.murmur2 import partition_of
from tests.behaviour.bad_records import DELIVERED, Delivered
from tests.behaviour.builders import cart, click, deposit, entry, metric, paid, refund, step
from tests.generators.policies import DEFAULT_POLICY
from tests.generators.records import Written

PLATFORMS: Final = frozenset(("taobao", "tmall", "jd", "xhs"))
PARTITIONS: Final = 4


def checked(*records: Written, partition: int | None = None) -> Validation:
    """What is found in these records, each on a line of its own."""
    found = Validation(PLATFORMS)
    for number, one in enumerate(records, 1):
        page = Page(one.topic, partition, PARTITIONS, lines=True)
        found.check(page, [LineRecord(number, 0, one.key, one.value)])
    found.finish()
    return found


def faults(found: Validation) -> list[tuple[str | None, str, str | None, int]]:
    return [(kind.topic, kind.code, kind.field, of.count) for kind, of in found.faults.most_first()]


def warnings(found: Validation) -> list[tuple[str, str, str, str]]:
    return [(kind.topic, kind.about, kind.subject, kind.meant) for kind, _ in found.watch.warnings.most_first()]


@pytest.mark.parametrize("delivered", DELIVERED, ids=lambda delivered: delivered.name)
def test_a_record_has_the_code_that_its_dead_letter_would_have(delivered: Delivered) -> None:
    found = Validation(PLATFORMS)
    page = Page(delivered.topic, None, PARTITIONS, lines=True)
    found.check(page, [LineRecord(7, 0, delivered.key, delivered.value)])  # type: ignore[arg-type]  # Kafka has None

    assert [kind.code for kind, _ in found.faults.most_first()] == ([delivered.code] if delivered.code else [])
    assert (found.total, found.wrong) == (1, int(delivered.code is not None))
    assert [example.place for _, of in found.faults.most_first() for example in of.examples] == [Place(None, 7)] * (
        found.wrong
    )


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (entry(at=1).but(at_ms=None), ("shop-entry", "missing_field", "at_ms")),
        (paid(at=1).but(amount_minor=None, currency=None), ("order", "missing_field", "amount_minor, currency")),
        (entry(at=1).but(at_ms="x"), ("shop-entry", "bad_field", "at_ms")),
        (entry(at=1).but(merchant_id="a b"), ("shop-entry", "bad_field", "merchant_id")),
        (paid(at=1).but(currency="cny"), ("order", "bad_field", "currency")),
        (step("gone", at=1), ("order", "bad_field", "status")),
        (metric(at=1).but(reads=-1), ("note-metric", "bad_field", "reads")),
        (entry(at=1).but(unread="x" * 70_000), ("shop-entry", "too_large", None)),
    ],
)
def test_a_fault_names_its_field(record: Written, fault: tuple[str, str, str | None]) -> None:
    assert faults(checked(record)) == [(*fault, 1)]


def test_faults_of_one_kind_are_counted_together_and_the_first_ones_shown() -> None:
    found = checked(*(entry(f"e{number}", at=1).but(platform=f"{number}/{number}") for number in range(5)))

    assert faults(found) == [("shop-entry", "bad_field", "platform", 5)]
    assert [example.place.number for example in found.faults.most_first()[0][1].examples] == [1, 2, 3]


def test_different_faults_of_one_field_are_different_kinds() -> None:
    found = checked(entry(at=1).but(at_ms=1), entry(at=1).but(at_ms="1"), entry(at=1).but(at_ms=2))

    assert [(fault[2], fault[3]) for fault in faults(found)] == [("at_ms", 2), ("at_ms", 1)]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (b"1", json.dumps(DEFAULT_POLICY).encode(), None),
        (b"2", json.dumps(DEFAULT_POLICY).encode(), "key_mismatch"),
        (None, json.dumps(DEFAULT_POLICY).encode(), "key_mismatch"),
        (b"1", json.dumps(DEFAULT_POLICY | {"lead": "soon"}).encode(), "bad_field"),
        (b"1", json.dumps(DEFAULT_POLICY | {"leads": "1s"}).encode(), "bad_field"),
        (b"1", json.dumps(DEFAULT_POLICY | {"windows": None}).encode(), "missing_field"),
        (b"1", b'{"version": 1}' + b" " * 70_000, "too_large"),
        (b"1", b"[]", "not_json"),
        (b"1", b"version: 1", "not_json"),
        (b"1", b"", "not_json"),
    ],
)
def test_policies_are_checked_as_well(key: bytes | None, value: bytes, code: str | None) -> None:
    found = Validation(PLATFORMS)

    found.check(Page("policy", 0, 1, lines=False), [LineRecord(1, 0, key, value)])

    assert [fault[1] for fault in faults(found)] == ([code] if code else [])


Warnings: TypeAlias = list[tuple[str, str, str, str]]
NOTHING: Final[Warnings] = []
WARNINGS: Final[dict[str, tuple[Sequence[Written], Warnings]]] = {
    "what is as it should be": ([click(), entry(at=1), cart(at=2), paid(at=3), refund(at=4), metric(at=5)], NOTHING),
    "the same again is no conflict": ([click("c"), click("c"), click("c").but(boost_id=None)], NOTHING),
    "another content is": ([click("c"), click("c", note="n2")], [("click-out", "conflict", "", "")]),
    "of another token it is another fact": ([entry("e", at=1), entry("e", at=2, token="t2")], NOTHING),
    "of another topic it is another fact": ([entry("e", at=1), cart("e", at=2)], NOTHING),
    "figures can contradict each other": (
        [metric("m", at=1, reads=1), metric("m", at=1, reads=2)],
        [("note-metric", "conflict", "", "")],
    ),
    "what is not read on a status is no conflict": (
        [step("received", "s", at=1), step("received", "s", at=1, amount_minor=1)],
        NOTHING,
    ),
    "a misspelt optional field": ([click(campain_id="c1")], [("click-out", "spelling", "campain_id", "campaign_id")]),
    "a field in camel case": ([click(boostId="b1")], [("click-out", "spelling", "boostId", "boost_id")]),
    "half of a name": ([click(poster="u1")], [("click-out", "spelling", "poster", "poster_id")]),
    "not where the right one stands as well": ([click(campain_id="c1", campaign_id="c1")], NOTHING),
    "a field of nobody": ([click(trace="x", ip="::1")], NOTHING),
    "a misspelt needed field": (
        [Written("shop-entry", {"eventId": "e"} | {k: v for k, v in entry(at=1).fields.items() if k != "event_id"})],
        [("shop-entry", "spelling", "eventId", "event_id")],
    ),
    "seconds": ([entry(at=1).but(at_ms=1_750_176_000)], [("shop-entry", "time_unit", "at_ms", "seconds")]),
    "seconds with a fraction": (
        [entry(at=1).but(at_ms=1_750_176_000.5)],
        [("shop-entry", "time_unit", "at_ms", "seconds")],
    ),
    "microseconds": (
        [metric(at=1).but(at_ms=1_750_176_000_000_000)],
        [("note-metric", "time_unit", "at_ms", "microseconds")],
    ),
    "nanoseconds": (
        [entry(at=1).but(at_ms=1_750_176_000 * 10**9)],
        [("shop-entry", "time_unit", "at_ms", "nanoseconds")],
    ),
    "no time in any unit": ([entry(at=1).but(at_ms=at) for at in (5, True, "5", 10**400, -1e300)], NOTHING),
    "a platform that nobody lists": ([entry(at=1, platform="douyin")], [("shop-entry", "platform", "douyin", "")]),
    "a platform in capitals": ([entry(at=1, platform="TMall")], [("shop-entry", "platform", "TMall", "tmall")]),
    "an order without its click": ([click(), paid(at=1, token="t2")], [("order", "no_click", "", "")]),
    "an order before its click": ([paid(at=1), click()], NOTHING),
    "orders alone": ([paid(at=1), paid(at=2, token="t2", order="o2")], NOTHING),
    "an order in two currencies": (
        [deposit(at=1), paid(at=2, currency="USD")],
        [("order", "currencies", "CNY, USD", "")],
    ),
    "two orders, each in its currency": ([paid(at=1), paid(at=2, order="o2", currency="USD")], NOTHING),
    "an order under two tokens": ([paid(at=1), paid(at=1, token="t2")], [("order", "two_tokens", "", "")]),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_probably_not_meant_is_told(name: str) -> None:
    records, expected = WARNINGS[name]

    assert warnings(checked(*records)) == expected


def test_a_valid_record_in_another_partition_than_its_keys_is_told() -> None:
    right = partition_of(b"t1", PARTITIONS)

    assert warnings(checked(click(), partition=right)) == []
    assert warnings(checked(click(), partition=(right + 1) % PARTITIONS)) == [("click-out", "partition", "", "")]
    assert warnings(checked(click().but(at_ms=1), partition=(right + 1) % PARTITIONS)) == []


def test_repeats_are_counted() -> None:
    found = checked(click("c"), click("c"), entry("e", at=1), click("c"))

    assert found.watch.repeated == {"click-out": 2}


def test_memory_is_bounded_and_says_when_it_forgot() -> None:
    recent = Recent[int](size=3)
    assert [recent.before(key, key) for key in range(6)] == [None] * 6
    assert [recent.before(key, 9) for key in (5, 0, 3)] == [5, 0, 3]
    assert not recent.forgetful
    assert recent.before(6, 6) is None
    assert (recent.forgetful, recent.before(3, 9), recent.before(0, 9)) == (True, 3, None)


def awaited(size: int, *facts: tuple[str, str]) -> Awaited:
    """A memory that was told of clicks and orders of tokens."""
    memory = Awaited(size)
    for number, (what, token) in enumerate(facts):
        if what == "click":
            memory.clicked([token])
        else:
            memory.ordered(token, Page("order", None, 1, lines=True), LineRecord(number, 0, b"", b""))
    return memory


def test_no_token_is_said_to_lack_a_click_that_may_have_been_forgotten() -> None:
    memory = awaited(2, ("click", "a"), ("click", "b"), ("click", "c"), ("order", "c"), ("order", "d"))

    assert (list(memory.without_click()), memory.forgetful) == ([], True)


def test_a_late_click_is_found_although_memory_is_full() -> None:
    memory = awaited(2, ("order", "x"), ("order", "y"), ("click", "a"), ("click", "b"), ("click", "x"))

    assert [token for token, _ in memory.without_click()] == ["y"]
    assert not memory.forgetful


def test_endless_kinds_are_told_apart_less() -> None:
    kinds = Kinds[Fault](examples=1)
    for number in range(10 * MOST_KINDS):
        kinds.add(Fault("order", "bad_field", f"f{number}", ""), Place(None, number), None, b"x")

    assert len(kinds.most_first()) == MOST_KINDS + 1
    assert kinds.most_first()[0][0] == Fault("order", "bad_field", None, "")
    assert sum(found.count for _, found in kinds.most_first()) == 10 * MOST_KINDS


def test_endless_platforms_are_told_apart_less() -> None:
    found = checked(*(entry(f"e{number}", at=1, platform=f"p{number}") for number in range(MOST_KINDS + 5)))

    assert warnings(found)[0] == ("shop-entry", "platform", "", "")
    assert len(warnings(found)) == MOST_KINDS + 1


def test_endless_names_are_looked_at_no_more() -> None:
    spelling = Spelling()
    for number in range(2 * MOST_NAMES):
        spelling.meant("order", f"x{number}")

    assert spelling.meant("order", "orderId") == ""
    assert Spelling().meant("order", "orderId") == "order_id"
    assert alike("a" * (LONGEST_NAME + 1), ["a" * LONGEST_NAME]) == ""
