"""A letter is replayed as a record that will be taken, or it is left alone with a reason."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from app.dead_letters.fix import Fix
from app.dead_letters.letters import Letter
from app.dead_letters.plan import Plan, Problem
from app.dead_letters.replayed import Replayed
from app.dead_letters.report import EXAMPLES, MOST_PROBLEMS, Report, judged
from app.dead_letters.selection import Selection
from streams.murmur2 import partition_of
from streams.records import Message
from tests.behaviour.bad_records import DELIVERED, Delivered
from tests.unit.dead_letters import ENTRY, NOW_MS, ORDER, letter

PARTITIONS = 8
METRIC = {"note_id": "n1", "event_id": "e1", "at_ms": NOW_MS, "reads": 1, "likes": 0, "saves": 0}


def plan(fix: str | None = None, **said: Any) -> Plan:
    return Plan(Selection(), PARTITIONS, NOW_MS, fix=None if fix is None else Fix(fix), **said)


def test_a_letter_is_replayed_as_the_record_that_it_was() -> None:
    one = letter(ENTRY, partition=3, offset=9, timestamp_ms=5, headers=[("trace", b"x"), ("h", None)])

    found = plan().record_of(one)

    assert found == Message(
        "shop-entry",
        partition_of(b"t1", PARTITIONS),
        5,
        b"t1",
        letter(ENTRY).value,
        [("trace", b"x"), ("__dlq.replay.of", b"3:9")],
    )


@pytest.mark.parametrize("record", DELIVERED, ids=[record.name for record in DELIVERED])
def test_only_what_will_be_taken_is_replayed(record: Delivered) -> None:
    found = plan().record_of(letter(record.value, topic=record.topic, key=record.key))

    if record.code is None:
        assert isinstance(found, Message)
        assert (found.topic, found.key, found.value) == (record.topic, record.key, record.value)
    else:
        assert isinstance(found, Problem)
        assert found.reason == "still_invalid"
        assert found.message.startswith(f"{record.code}: ")


@pytest.mark.parametrize(
    ("fix", "topic", "value", "key", "expected"),
    [
        (".", "shop-entry", ENTRY, b"t1", b"t1"),
        (".", "shop-entry", ENTRY, b"wrong", b"t1"),
        (".", "shop-entry", ENTRY, None, b"t1"),
        ('.token = "t2"', "shop-entry", ENTRY, b"t1", b"t2"),
        (".token = $key", "shop-entry", ENTRY | {"token": "typo"}, b"t1", b"t1"),
        ('.token = "t3"', "order", {**ORDER, "token": None}, None, b"t3"),
        (".", "note-metric", METRIC, b"t1", b"n1"),
        ('.note_id = "n2" | .token = "t"', "note-metric", METRIC, b"n1", b"n2"),
    ],
)
def test_with_a_fix_the_key_is_the_token_or_note_of_the_record(
    fix: str, topic: str, value: object, key: bytes | None, expected: bytes
) -> None:
    found = plan(fix).record_of(letter(value, topic=topic, key=key))

    assert isinstance(found, Message)
    assert (found.key, found.partition) == (expected, partition_of(expected, PARTITIONS))


@pytest.mark.parametrize(
    ("fix", "said", "reason", "message"),
    [
        (None, {"topic": None}, "no_topic", "the letter does not say which topic; known are click-out, "),
        (None, {"topic": "policy"}, "no_topic", "'policy' is no topic of records; known are click-out, "),
        (".at_ms.x", {}, "fix_failed", "Cannot index number"),
        (".at_ms |= tostring", {}, "still_invalid", "bad_field: "),
        ("del(.token)", {}, "still_invalid", "missing_field: missing: token"),
        (".token = 5", {"key": b"t1"}, "still_invalid", "bad_field: "),
        ('.token = "\\ud83d\\ude00"', {}, "still_invalid", "bad_field: "),
        ('.rest = ("x" * 65536)', {}, "still_invalid", "too_large: "),
        (None, {"key": b"wrong"}, "still_invalid", "key_mismatch: "),
    ],
)
def test_what_is_left_alone_has_a_reason(fix: str | None, said: dict[str, Any], reason: str, message: str) -> None:
    found = plan(fix).record_of(letter(ENTRY, **said))

    assert isinstance(found, Problem)
    assert (found.reason, found.message[: len(message)]) == (reason, message)


@pytest.mark.parametrize(
    ("topic", "value", "age_ms", "kept_ms", "replayed"),
    [
        ("shop-entry", ENTRY, 1_000, 1_000, True),
        ("shop-entry", ENTRY, 1_001, 1_000, False),
        ("shop-entry", ENTRY, NOW_MS, None, True),
        ("note-metric", METRIC, NOW_MS, 1_000, True),
    ],
)
def test_what_is_older_than_journeys_are_kept_needs_force(
    topic: str, value: dict[str, object], age_ms: int, kept_ms: int | None, *, replayed: bool
) -> None:
    old = letter(value, topic=topic, key=str(value.get("note_id", "t1")).encode(), timestamp_ms=NOW_MS - age_ms)

    found = plan(kept_ms=kept_ms).record_of(old)

    assert isinstance(found, Message) == replayed
    if isinstance(found, Problem):
        assert found.reason == "too_old"
        assert "--force" in found.message


async def listed(letters: Iterable[Letter]) -> AsyncIterator[Letter]:
    for one in letters:
        yield one


async def judge(letters: Iterable[Letter], limit: int | None = None, before: Iterable[Letter] = ()) -> Report:
    replayed, report = Replayed(), Report()
    for one in before:
        replayed.add(one)
    async for _ in judged(listed(letters), plan(limit=limit), replayed, report):
        pass
    return report


async def test_a_report_counts_every_letter_once() -> None:
    letters = [
        *(letter(offset=offset) for offset in range(4)),
        letter({}, offset=5, code="bad_field"),
        letter(offset=6, topic=None, code=None),
        letter(offset=7, code=None),
    ]

    report = await judge(letters, before=letters[1:2])

    assert report.json() == {
        "selected": 7,
        "replayed_before": 1,
        "replayable": 4,
        "replayed": 0,
        "topics": {"shop-entry": {"internal": 3, "unknown": 1}},
        "left_alone": {"no_topic": 1, "still_invalid": 1},
        "problems": [
            {
                "partition": 0,
                "offset": offset,
                "topic": topic,
                "code": code,
                "reason": reason,
                "message": report.problems[number].message,
            }
            for number, (offset, topic, code, reason) in enumerate(
                [(5, "shop-entry", "bad_field", "still_invalid"), (6, None, None, "no_topic")]
            )
        ],
    }


@pytest.mark.parametrize(
    ("limit", "selected", "replayable"), [(1, 2, 1), (2, 4, 2), (4, 8, 4), (5, 9, 4), (None, 9, 4)]
)
async def test_a_limit_is_one_of_letters_that_can_be_replayed(
    limit: int | None, selected: int, replayable: int
) -> None:
    letters = [letter({} if offset % 2 == 0 else ENTRY, offset=offset) for offset in range(9)]

    report = await judge(letters, limit, before=letters[:1])

    assert (report.selected, report.replayable.total(), report.replayed_before) == (selected, replayable, 1)


async def test_a_report_stays_small() -> None:
    bad = await judge(letter({}, offset=offset) for offset in range(MOST_PROBLEMS + 5))
    good = await judge(letter(offset=offset) for offset in range(EXAMPLES + 5))

    assert (len(bad.problems), bad.left_alone.total()) == (MOST_PROBLEMS, MOST_PROBLEMS + 5)
    assert (len(good.examples), good.replayable.total()) == (EXAMPLES, EXAMPLES + 5)
