"""What is written can be read again, whatever it is; what was not written by us is refused with a clear error."""

import contextlib
import uuid
from collections.abc import Callable
from string import ascii_letters, digits

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.redis_store.cells import NAMES, TABLE_FROM, cell_id, definition, name_code, name_of, read_cells
from app.redis_store.forms import (
    pack_entry,
    pack_state,
    pack_tip,
    unpack_entry,
    unpack_lane,
    unpack_state,
    unpack_tip,
)
from app.redis_store.keys import pack_token, pack_tokens, unpack_token
from app.redis_store.resp import argument, command, pairs
from streams.errors import LaneStopped, Misconfigured
from streams.records import Entry, LastRecord, Marker, Message, ResultRecord, Tip
from tests.contract.builders import change

IDS = st.text(ascii_letters + digits + "._~:@+-", min_size=1, max_size=128)
HEX = st.text("0123456789abcdefABCDEF", min_size=30, max_size=34)
UUIDS = st.uuids()
TOKENS = st.one_of(
    *(IDS, IDS.map(lambda text: text[:16])),
    *(HEX, HEX.map(str.lower), UUIDS.map(str), UUIDS.map(lambda known: known.hex)),
)
TIPS = st.builds(Tip, IDS, st.integers(0, 2**62))
OFFSETS = st.integers(0, 2**62)
SPANS = st.dictionaries(IDS, st.lists(st.tuples(OFFSETS, OFFSETS), max_size=3), max_size=3)
POSITIONS = st.dictionaries(IDS, OFFSETS, max_size=4)
LAST_RECORDS = st.dictionaries(IDS, st.builds(LastRecord, OFFSETS, OFFSETS, OFFSETS), max_size=4)
VERSIONS = st.lists(st.integers(1, 99), max_size=3)
ENTRIES = st.builds(
    Entry,
    st.builds(Marker, TIPS, POSITIONS, VERSIONS, SPANS, last_records=LAST_RECORDS),
    st.integers(0, 2**43),
    st.lists(st.builds(ResultRecord, st.binary(), IDS, IDS, st.binary()), max_size=3),
    st.lists(
        st.builds(
            Message, IDS, st.integers(0, 99), st.integers(-1, 2**43), st.none() | st.binary(), st.none() | st.binary(),
            st.lists(st.tuples(IDS, st.binary()), max_size=2),
        ),
        max_size=2,
    ),
)  # fmt: skip


@given(TOKENS)
@example("a" * 32)
@example("A" * 32)
@example("123e4567-e89b-12d3-a456-426614174000")
@example("exactly15chars.")
@example("0_0_0_0_0_0_0_0_0_0_0_0_0_0_0_0_")
def test_a_token_is_packed_without_loss(token: str) -> None:
    assert unpack_token(pack_token(token)) == token


@given(st.lists(TOKENS, max_size=6, unique=True))
def test_different_tokens_have_different_keys_and_many_are_packed_like_one(tokens: list[str]) -> None:
    packed = pack_tokens(tokens)
    assert len(set(packed)) == len(tokens)
    assert packed == [pack_token(token) for token in tokens]


@given(st.lists(st.uuids().map(lambda known: known.hex)))
def test_hex_tokens_take_16_bytes(tokens: list[str]) -> None:
    assert {len(packed) for packed in pack_tokens(tokens)} <= {16}
    assert len(pack_token(str(uuid.UUID(int=1)))) == 17


@given(st.text(max_size=200))
@example("clicks:")
@example("gross_minor:CNY")
@example("refused:entry/window_passed")
@example("\xff")
def test_any_counter_name_is_coded_without_loss(name: str) -> None:
    head, code = name_code(name)
    assert name_of(code) == name
    assert argument(bytes(6) + code) == head + bytes(6) + code


def test_codes_of_counters_never_change() -> None:
    assert {name: name_code(name)[1][0] for name in NAMES} == {
        "clicks": 1,
        "clicks_refused": 2,
        "entries": 3,
        "favourites": 4,
        "carts": 5,
        "orders": 6,
        "orders_pending": 7,
        "orders_held": 8,
        "orders_closed": 9,
        "gross_minor": 10,
        "refunded_minor": 11,
        "clicks_entered": 12,
        "clicks_ordered": 13,
        "refused": 14,
        "reads": 15,
        "likes": 16,
        "saves": 17,
        "comments": 18,
        "shares": 19,
        "clicks_repeated": 20,
    }


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200),
        st.dictionaries(st.sampled_from(NAMES), st.integers(-5, 5).filter(bool), min_size=1, max_size=4),
        max_size=4,
    ),
    st.sampled_from([0, TABLE_FROM]),
)
def test_cells_are_read_as_they_were_defined(cells: dict[str, dict[str, int]], fields: int) -> None:
    stored: dict[bytes, bytes] = {}
    for cell, counters in cells.items():
        stored.update(definition(cell, fields))
        stored.update({cell_id(cell) + name_code(name)[1]: b"%d" % count for name, count in counters.items()})
    assert read_cells(stored, b"key") == cells


@given(TIPS)
def test_tips_are_read_as_they_were_written(tip: Tip) -> None:
    assert unpack_tip(pack_tip(tip), b"key") == tip


@given(ENTRIES)
def test_entries_are_read_as_they_were_written(entry: Entry) -> None:
    assert unpack_entry(pack_entry(entry), b"key") == entry


@given(POSITIONS, SPANS, LAST_RECORDS, st.integers(0, 2**62))
def test_states_are_read_as_they_were_written(
    positions: dict[str, int], parked: dict[str, list[tuple[int, int]]], last: dict[str, LastRecord], spent: int
) -> None:
    commit = change(positions=positions, parked=parked, last=last, spent=spent)
    state = unpack_lane(Tip("a", 1), {b"state": pack_state(commit, 0)}, [], [], b"key")
    assert (state.positions, state.parked, state.last_records, state.spent) == (positions, parked, last, spent)


@given(st.binary())
@example(b"\x92\x01")
@example(b"\x90")
@example(b"\x92\xc0\xc0")
@example(b"\x92\x01\x96\x80\x90\x80\x80\xa1x\x00")
@pytest.mark.parametrize("read", [unpack_entry, unpack_state, unpack_tip], ids=lambda read: read.__name__)
def test_garbage_stops_the_lane_with_a_clear_error(read: Callable[[bytes, bytes], object], garbage: bytes) -> None:
    with contextlib.suppress(LaneStopped, Misconfigured):
        read(garbage, b"key")


@given(ENTRIES, st.data())
def test_a_damaged_entry_is_never_taken_for_something_else_than_an_entry(entry: Entry, data: st.DataObject) -> None:
    whole = pack_entry(entry)
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + data.draw(st.binary(max_size=2)) + whole[at + 1 :]
    with contextlib.suppress(LaneStopped, Misconfigured):
        assert isinstance(unpack_entry(damaged, b"key"), Entry)


@given(st.dictionaries(st.binary(max_size=12), st.binary(max_size=5)))
def test_a_note_of_garbage_is_refused_with_a_clear_error(fields: dict[bytes, bytes]) -> None:
    with contextlib.suppress(LaneStopped):
        read_cells(fields, b"key")


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=5_000)), min_size=1, max_size=3))
def test_pairs_are_the_same_as_single_arguments(items: list[tuple[bytes, bytes]]) -> None:
    names, values = [name for name, _ in items], [value for _, value in items]
    heads = [argument(name)[: len(argument(name)) - len(name)] for name in names]
    assert pairs(heads, names, values) == b"".join(argument(text) for item in items for text in item)


def test_a_request_is_what_the_protocol_says() -> None:
    assert command("SET", b"k", 12) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n"
