"""What was replayed is remembered in little, and notes of it say all and may come in any order."""

from collections.abc import Iterable
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dead_letters.replayed import BLOCK, Note, Replayed
from streams.errors import Misconfigured
from tests.unit.dead_letters import letter

KAFKA_MESSAGE_BYTES = 1_000_000
PLACES = st.tuples(st.integers(0, 1), st.integers(0, 3 * BLOCK) | st.sampled_from([10**12, 10**12 + BLOCK]))


def replayed(places: Iterable[tuple[int, int]]) -> tuple[Replayed, dict[bytes, bytes]]:
    """What is remembered of letters by partition and offset, and the last note of each key, as compaction leaves it."""
    known = Replayed()
    notes = {}
    for partition, offset in places:
        key, value = known.note(known.add(letter(partition=partition, offset=offset)))
        notes[key] = value
    return known, notes


def within(known: Replayed, places: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(at, offset) for at, offset in places if letter(partition=at, offset=offset) in known}


@given(st.sets(PLACES), st.sets(PLACES), st.randoms())
def test_the_last_notes_say_all_that_was_replayed_and_no_more(
    places: set[tuple[int, int]], others: set[tuple[int, int]], random: Random
) -> None:
    known, notes = replayed(places)
    values = list(notes.values())
    random.shuffle(values)
    read = Replayed()
    for value in values:
        read.take(value)

    near = places | others | {(at, offset + step) for at, offset in places for step in (-1, 1) if offset + step >= 0}
    assert within(known, near) == within(read, near) == places
    for partition in (0, 1):
        assert read.end(partition) == max((offset + 1 for at, offset in places if at == partition), default=0)


def test_notes_that_compaction_has_not_dropped_yet_do_no_harm() -> None:
    known = Replayed()
    first, second = (known.note(known.add(letter(offset=offset)))[1] for offset in (5, 9))
    read = Replayed()
    for value in (second, first, second):
        read.take(value)

    assert within(read, [(0, offset) for offset in range(20)]) == {(0, 5), (0, 9)}


def test_adjoining_letters_are_one_span() -> None:
    _, notes = replayed((0, offset) for offset in (3, 1, 2, 7, BLOCK))

    assert [msgspec.json.decode(note, type=Note).spans for note in notes.values()] == [
        [(1, 4), (7, 8)],
        [(BLOCK, BLOCK + 1)],
    ]


def test_a_span_may_go_through_several_blocks() -> None:
    known = Replayed()
    known.take(b'{"partition": 1, "spans": [[%d, %d], [5, 5]]}' % (BLOCK - 1, 3 * BLOCK + 1))

    edges = [(1, at) for at in (5, BLOCK - 2, BLOCK - 1, BLOCK, 2 * BLOCK, 3 * BLOCK - 1, 3 * BLOCK, 3 * BLOCK + 1)]
    assert within(known, edges) == set(edges[2:-1])


def test_the_longest_note_is_far_from_too_large_for_kafka() -> None:
    known = Replayed()
    first = 10**15 // BLOCK * BLOCK
    for offset in range(first, first + BLOCK, 2):
        block = known.add(letter(partition=1_023, offset=offset))

    assert len(known.note(block)[1]) < KAFKA_MESSAGE_BYTES / 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "a note of what was replayed cannot be read"),
        (b"x", "a note of what was replayed cannot be read"),
        (b'{"spans": []}', "a note of what was replayed cannot be read"),
        (b'{"partition": 0, "spans": [], "version": 2}', "of version 2: use the newer Redcat"),
    ],
)
def test_what_is_no_note_stops_a_replay(value: bytes | None, message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        Replayed().take(value)
