"""What a new owner decides from the state it found and the last marker."""

from contextlib import nullcontext

import pytest

from streams.commits import LaneState
from streams.errors import LaneStopped
from streams.parking import FOR_EVER, full_name
from streams.records import Entry, LastRecord, Marker, Positions, Spans, Tip
from streams.takeover import GoOn, Replay, decide, require_same_records


def entry(sequence: int, *, nonce: str = "a", positions: Positions | None = None, parked: Spans | None = None) -> Entry:
    return Entry(Marker(Tip(nonce, sequence), positions or {"order": sequence}, [1], parked or {}), 0, [], [])


def state(
    *outbox: Entry, published: Tip | None = None, positions: Positions | None = None, parked: Spans | None = None
) -> LaneState:
    return LaneState(Tip("b", 9), positions or {}, [1], parked or {}, {}, published, list(outbox), [], 0)


def replay(found: LaneState, last: Entry) -> Replay:
    step = decide(found, last.marker)
    assert isinstance(step, Replay)
    return step


def test_with_neither_marker_nor_anything_published_all_is_published() -> None:
    assert decide(state(entry(1)), None) == GoOn([entry(1)], None)


def test_after_the_published_tip_all_that_is_left_is_published() -> None:
    assert decide(state(entry(3), published=Tip("a", 2)), entry(2).marker) == GoOn([entry(3)], None)


def test_what_the_marker_covers_is_trimmed_and_not_published_again() -> None:
    assert decide(state(entry(1), entry(2), entry(3)), entry(2).marker) == GoOn([entry(3)], Tip("a", 2))


def test_an_entry_of_another_owner_with_the_same_number_is_another_entry() -> None:
    assert isinstance(decide(state(entry(2)), entry(2, nonce="z").marker), Replay)


def test_a_lost_marker_topic_needs_a_person() -> None:
    with pytest.raises(LaneStopped, match="marker"):
        decide(state(published=Tip("a", 2)), None)


def test_an_emptied_store_replays_from_the_beginning() -> None:
    step = replay(state(), entry(5))
    assert (step.until, step.nothing_to_absorb, step.fork) == ({"order": 5}, False, None)


def test_a_store_that_stands_where_the_marker_does_has_nothing_to_absorb() -> None:
    step = replay(state(positions={"order": 5}), entry(5))
    assert (step.nothing_to_absorb, step.fork) == (True, None)


def test_a_store_beyond_the_marker_is_a_fork() -> None:
    step = replay(state(positions={"order": 7, "click-out": 1}), entry(5, positions={"order": 5, "click-out": 3}))
    assert step.until == {"order": 7, "click-out": 3}
    assert step.fork is not None
    assert (step.fork.start, step.fork.end) == ({"order": 5, "click-out": 3}, {"order": 7, "click-out": 3})


@pytest.mark.parametrize(
    ("here", "there", "start"),
    [
        ({"order:internal": [(2, 4)]}, {}, 2),
        ({}, {"order:token_overflow": [(1, 2)]}, 1),
        ({"order:internal": [(2, 4)]}, {"order:internal": [(3, 4)]}, 2),
    ],
)
def test_records_parked_on_one_side_only_are_a_fork_from_the_first_of_them(
    here: Spans, there: Spans, start: int
) -> None:
    step = replay(state(positions={"order": 5}, parked=here), entry(5, parked=there))
    assert step.fork is not None
    assert step.fork.start == {"order": start}


def test_records_parked_on_both_sides_are_none() -> None:
    parked: Spans = {"order:internal": [(2, 4)]}
    assert replay(state(positions={"order": 5}, parked=parked), entry(5, parked=parked)).fork is None


def test_markers_that_were_lost_stop_the_lane() -> None:
    with pytest.raises(LaneStopped, match="the marker topic has lost its end"):
        decide(state(published=Tip("a", 5)), entry(4).marker)


def test_histories_in_which_a_journey_was_filled_by_other_records_stop_the_lane() -> None:
    full: Spans = {full_name("order", b"t1"): [(2, FOR_EVER)]}
    with pytest.raises(LaneStopped, match="was full before"):
        replay(state(positions={"order": 5}, parked=full), entry(5))
    assert replay(state(positions={"order": 5}, parked=full), entry(5, parked=full)).fork is None
    fork = replay(state(positions={"order": 5}), entry(5, parked=full)).fork
    assert fork is not None
    assert fork.start == {"order": 2}


def test_what_was_parked_beyond_the_own_positions_will_be_parked_by_the_replay() -> None:
    assert replay(state(positions={"order": 1}), entry(5, parked={"order:internal": [(2, 4)]})).fork is None


READ = LastRecord(offset=4, timestamp=9, checksum=7)
OTHER = READ._replace(checksum=8)


@pytest.mark.parametrize(
    ("began", "stands", "last", "same"),
    [
        ({}, 5, {"order": READ}, True),
        ({}, 5, {"order": OTHER}, False),
        ({}, 5, {}, False),
        ({"order": 3}, 5, {}, True),  # what it was may have expired
        ({"order": 3}, 5, {"order": OTHER}, False),
        ({}, 6, {"order": OTHER}, True),  # beyond the marker: what it had read there nobody knows
    ],
)
def test_a_replay_must_have_read_what_was_read_when_the_marker_was_made(
    began: Positions, stands: int, last: dict[str, LastRecord], same: bool
) -> None:
    marker = Marker(Tip("a", 1), {"order": 5}, [1], {}, last_records={"order": READ})
    with nullcontext() if same else pytest.raises(LaneStopped, match="before offset 5 is not what results"):
        require_same_records(marker, began, {"order": stands}, last)
