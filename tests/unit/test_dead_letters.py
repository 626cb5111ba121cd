"""Letters say what their headers say, whoever wrote them; a selection takes those that fit."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest

from app.dead_letters.letters import CODES, Letter, json_of, letter_of
from app.dead_letters.listing import Listing
from app.dead_letters.selection import Selection, select, time_ms
from streams.arrivals import Aside, dead_letter
from streams.errors import Misconfigured
from tests.behaviour.bad_records import DELIVERED
from tests.unit.dead_letters import NOW_MS, Stored, letter

HOUR_MS = 3_600_000


@pytest.mark.parametrize("key", [b"t1", b"\xff\x00", b"", None])
def test_a_letter_of_the_worker_says_all_about_the_record(key: bytes | None) -> None:
    record = Stored(offset=42, timestamp=5, key=key, value=b"\xff{")
    sent = dead_letter(Aside("order", record, "not_json", "no JSON: 红"), 3)

    found = letter_of(sent.partition, Stored(9, sent.timestamp, sent.key, sent.value, [*sent.headers]))

    assert found == Letter(3, 9, "not_json", "no JSON: 红", "order", 3, 42, 5, key, b"\xff{", [])


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], {}),
        ([("__dlq.error.code", b"c")], {"code": "c"}),
        ([("__dlq.error.code", b"c"), ("__dlq.error.code", b"d")], {"code": "c"}),
        ([("__dlq.error.code", None)], {}),
        ([("__dlq.error.message", b"a\xffb")], {"message": "a\ufffdb"}),
        ([("__dlq.original.offset", b"12")], {"original_offset": 12}),
        ([("__dlq.original.offset", b"-1")], {}),
        ([("__dlq.original.offset", b"1e3")], {}),
        ([("__dlq.original.offset", b"")], {}),
        ([("__dlq.original.offset", b"9" * 5_000)], {}),
        ([("__dlq.original.timestamp", b"77")], {"timestamp_ms": 77}),
        ([("__dlq.original.timestamp", b"soon")], {}),
        ([("__dlq.original.key", b"k")], {"key": b"k"}),
        ([("__dlq.original.key", None)], {"key": None}),
        ([("trace", b"1"), ("__dlq.note", None)], {"headers": [("trace", b"1"), ("__dlq.note", None)]}),
    ],
)
def test_a_letter_of_others_may_say_less(headers: list[tuple[str, bytes | None]], expected: dict[str, Any]) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("code", "message", "topic", "original_partition", "original_offset"), None
    ) | {"timestamp_ms": NOW_MS, "key": b"t1", "headers": []}

    found = letter_of(0, Stored(headers=headers))

    assert {name: getattr(found, name) for name in nothing} == nothing | expected


def test_a_letter_without_any_time_is_as_old_as_can_be() -> None:
    assert letter_of(0, Stored(timestamp=-1)).timestamp_ms == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}', {"value": '{"a": 1}'}),
        ("红\x00\x1b\n".encode(), {"value": "红\x00\x1b\n"}),
        (b"", {"value": ""}),
        (b"a\xff", {"value_base64": "Yf8="}),
        (None, {"value": None}),
    ],
)
def test_json_loses_no_byte(content: bytes | None, expected: dict[str, str | None]) -> None:
    found = json_of(letter(content, headers=[("h", content)]), replayed=True)

    assert {name: text for name, text in found.items() if name.startswith("value")} == expected
    assert found["headers"] == [{"name": "h", **expected}]
    assert (found["key"], found["replayed"]) == ("t1", True)
    assert orjson.loads(orjson.dumps(found)) == found


def test_every_code_that_a_record_can_get_is_known() -> None:
    assert set(CODES) >= {record.code for record in DELIVERED if record.code} | {"internal", "token_overflow"}


@pytest.fixture(params=["Asia/Shanghai", "UTC"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A local time zone."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("1800000000000", NOW_MS),
        ("2027-01-15T08:00:00Z", NOW_MS),
        ("2027-01-15T16:00:00+08:00", NOW_MS),
        (" 2027-01-15 16:00+08:00 ", NOW_MS),
        ("2027-01-15T08:00:00.001Z", NOW_MS + 1),
        ("90m", NOW_MS - 90 * 60_000),
        ("2d", NOW_MS - 48 * HOUR_MS),
        ("0s", NOW_MS),
        ("999999999d", 10**12),
    ],
)
def test_a_time_may_be_written_in_several_ways(zone: str, text: str, expected_ms: int) -> None:
    assert time_ms(text, option="--since", now_ms=NOW_MS) == expected_ms, zone


def test_a_time_without_offset_is_local(zone: str) -> None:
    offset_ms = 8 * HOUR_MS if zone == "Asia/Shanghai" else 0

    assert time_ms("2027-01-15T08:00", option="--since", now_ms=NOW_MS) == NOW_MS - offset_ms
    assert time_ms("2027-01-15", option="--since", now_ms=NOW_MS) == NOW_MS - 8 * HOUR_MS - offset_ms


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-1", "1800000000", "18000000000000", "1970-01-01", "9999-12-31", "0001-01-01", "5w", "2027-13-01"],
)
def test_what_is_no_time_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"^--since: .* is no time; give 2026-11-11, .* or 90m, 6h, 2d for ago$"):
        time_ms(text, option="--since", now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((["late"], None, None, None), "--code: 'late' is none of too_large, not_json, .*, internal"),
        (([""], None, None, None), "--code: '' is none of"),
        ((None, ["orders"], None, None), "--topic: 'orders' is none of click-out, shop-entry, .*order"),
        ((None, None, "1h", "2h"), "--until 2h is not after --since 1h"),
        ((None, None, "1h", "1h"), "--until 1h is not after --since 1h"),
    ],
)
def test_a_selection_that_cannot_be_meant_is_refused(options: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        select(*options, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ((None, None, None, None), True),
        (([], [], None, None), True),
        ((["internal"], None, None, None), True),
        ((["bad_field", "internal"], ["order", "shop-entry"], None, None), True),
        ((["bad_field"], None, None, None), False),
        ((None, ["order"], None, None), False),
        ((["internal"], ["order"], None, None), False),
        ((None, None, str(NOW_MS), None), True),
        ((None, None, str(NOW_MS + 1), None), False),
        ((None, None, None, str(NOW_MS + 1)), True),
        ((None, None, None, str(NOW_MS)), False),
        ((None, None, "1h", "0s"), False),
    ],
)
def test_options_hold_together_and_times_are_half_open(options: tuple[Any, ...], fits: bool) -> None:
    assert select(*options, now_ms=NOW_MS).fits(letter()) == fits


def test_a_letter_that_names_no_code_or_topic_fits_where_none_is_asked_for() -> None:
    nameless = letter(code=None, topic=None)

    assert Selection().fits(nameless)
    assert not select(["internal"], None, None, None, now_ms=NOW_MS).fits(nameless)
    assert not select(None, ["order"], None, None, now_ms=NOW_MS).fits(nameless)


@pytest.mark.parametrize(("most", "offsets"), [(0, []), (2, [1, 2]), (9, [3, 0, 1, 2])])
def test_a_listing_counts_all_letters_and_keeps_the_latest(most: int, offsets: Sequence[int]) -> None:
    listing = Listing(most)
    for offset, at_ms, code in ((0, 20, "internal"), (1, 30, "internal"), (2, 30, None), (3, 10, "not_json")):
        listing.add(letter(offset=offset, timestamp_ms=at_ms, code=code), replayed=offset == 1)

    assert [(shown.letter.offset, shown.replayed) for shown in listing.latest] == [(at, at == 1) for at in offsets]
    assert listing.json() == {
        "letters": 4,
        "replayed": 1,
        "topics": {"shop-entry": {"internal": 2, "not_json": 1, "unknown": 1}},
    }
