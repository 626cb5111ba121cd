"""Who may change a lane: the owner of its tip and nobody else."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from streams.commits import LaneState
from streams.errors import Refused, Unavailable
from streams.ports import Store
from streams.records import LastRecord, Tip
from tests.contract.builders import CELL, change, entry, full_change
from tests.contract.places import Place

LANE = 1

Act = Callable[[Store, Tip], Awaitable[object]]

ACTS: dict[str, Act] = {
    "load": lambda store, tip: store.load(LANE, tip, ["a" * 32]),
    "load nothing": lambda store, tip: store.load(LANE, tip, []),
    "commit": lambda store, tip: store.commit(LANE, tip, full_change(tip)),
    "rolled back": lambda store, tip: store.rolled_back(LANE, tip, 99, Tip("other", 98)),
    "trim": lambda store, tip: store.trim(LANE, tip, Tip("first", 1)),
    "probe": lambda store, tip: store.probe(LANE, tip),
}


async def test_a_lane_that_never_was_stands_at_nothing(place: Place) -> None:
    state = await place.store().acquire(LANE, "first")
    assert state == LaneState(Tip("first", 0), {}, [], {}, {}, None, [], [], 0)


async def test_acquiring_keeps_the_sequence_and_reads_the_whole_state(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    new_tip = await store.commit(LANE, tip, full_change(tip))
    assert new_tip == Tip("first", 1)
    assert await place.store().acquire(LANE, "second") == LaneState(
        tip=Tip("second", 1),
        positions={"order": 7},
        policies=[1, 2],
        parked={"order:internal": [(3, 4)]},
        last_records={"order": LastRecord(6, 1_750_000_000_000, 0xFFFFFFFF)},
        published=None,
        outbox=[entry(Tip("first", 1), "one")],
        words=["jd", "note-1"],
        spent=5,
    )


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
@pytest.mark.parametrize(
    "tip", [Tip("first", 1), Tip("second", 0), Tip("second", 2), Tip("", 1), Tip("second:1", 1)], ids=str
)
async def test_another_tip_is_refused_and_changes_nothing(place: Place, act: Act, tip: Tip) -> None:
    store = place.store()
    first = (await store.acquire(LANE, "first")).tip
    await store.commit(LANE, first, full_change(first))
    await store.acquire(LANE, "second")
    before = await place.contents()
    with pytest.raises(Refused, match="stands at"):
        await act(store, tip)
    assert await place.contents() == before
    await store.probe(LANE, Tip("second", 1))


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_an_owner_in_another_process_is_refused_after_a_newer_acquire(place: Place, act: Act) -> None:
    zombie, owner = place.store(), place.store()
    old = (await zombie.acquire(LANE, "first")).tip
    new = (await owner.acquire(LANE, "second")).tip
    before = await place.contents()
    with pytest.raises(Refused):
        await act(zombie, old)
    assert await place.contents() == before
    await owner.probe(LANE, new)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
async def test_nobody_changes_a_lane_that_was_not_acquired(place: Place, act: Act) -> None:
    before = await place.contents()
    with pytest.raises((Refused, Unavailable)):
        await act(place.store(), Tip("first", 0))
    assert await place.contents() == before


async def test_a_refused_commit_does_not_hinder_the_next(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    with pytest.raises(Refused):
        await store.commit(LANE, Tip("zombie", 0), full_change(tip))
    tip = await store.commit(LANE, tip, full_change(tip))
    await store.trim(LANE, tip, Tip("zombie", 0))
    assert await store.commit(LANE, tip, change()) == Tip("first", 2)


async def test_of_two_commits_on_one_tip_one_is_refused(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    commits = (store.commit(LANE, tip, change(ledger={"order:consumed": 1})) for _ in range(2))
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "Tip"]
    assert await place.ledger() == {"order:consumed": 1}


async def test_a_commit_whose_reply_was_lost_is_seen_by_the_next_acquire(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    await store.commit(LANE, tip, change(positions={"order": 9}))
    state = await store.acquire(LANE, "second")
    assert (state.tip, state.positions) == (Tip("second", 1), {"order": 9})


async def test_acquires_and_commits_at_once_leave_no_commit_unseen(place: Place) -> None:
    zombie, owner = place.store(), place.store()
    for turn in range(20):
        tip = (await zombie.acquire(LANE, f"zombie{turn}")).tip
        commit = change(positions={"order": turn + 1})
        done, state = await asyncio.gather(
            zombie.commit(LANE, tip, commit), owner.acquire(LANE, f"owner{turn}"), return_exceptions=True
        )
        assert isinstance(state, LaneState)
        seen = state.positions == {"order": turn + 1}
        assert seen == isinstance(done, Tip), (done, state)


async def test_lanes_stand_for_themselves(place: Place) -> None:
    store = place.store()
    tips = [(await store.acquire(lane, f"owner{lane}")).tip for lane in range(4)]
    await store.commit(2, tips[2], full_change(tips[2]))
    for lane in (0, 1, 3):
        await store.probe(lane, tips[lane])
        assert (await store.acquire(lane, "next")).positions == {}
    assert (await store.acquire(2, "next")).tip == Tip("next", 1)


async def test_64_lanes_work_side_by_side_in_one_process(place: Place) -> None:
    store = place.store()

    async def work(lane: int) -> LaneState:
        tip = (await store.acquire(lane, f"owner{lane}")).tip
        for turn in range(3):
            token = f"{lane:032x}"
            assert await store.load(lane, tip, [token]) == [b"%d" % turn if turn else None]
            journeys = {token: b"%d" % (turn + 1)}
            tip = await store.commit(lane, tip, change(journeys=journeys, cells={"note": {CELL: {"clicks": 1}}}))
        return await store.acquire(lane, "next")

    states = await asyncio.gather(*map(work, range(64)))
    assert [state.tip for state in states] == [Tip("next", 3)] * 64
    assert await place.counters() == {"note": {CELL: {"clicks": 3 * 64}}}


async def test_what_a_caller_does_to_its_own_objects_changes_nothing(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    positions, parked = {"order": 1}, {"order": [(0, 1)]}
    await store.commit(LANE, tip, change(positions=positions, parked=parked))
    positions["order"] = 2
    parked["order"].append((5, 6))
    state = await store.acquire(LANE, "second")
    state.positions["order"] = 3
    state = await store.acquire(LANE, "third")
    assert (state.positions, state.parked) == ({"order": 1}, {"order": [(0, 1)]})


async def test_sequences_are_compared_to_the_last_digit(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.rolled_back(LANE, tip, 2**53, None)
    for sequence in (2**53 - 1, 2**53 + 1):
        with pytest.raises(Refused):
            await store.probe(LANE, Tip("first", sequence))
        with pytest.raises(Refused):
            await store.commit(LANE, Tip("first", sequence), change())
    assert await store.commit(LANE, tip, change()) == Tip("first", 2**53 + 1)
    assert (await store.acquire(LANE, "second")).tip == Tip("second", 2**53 + 1)


async def test_after_a_rollback_the_tip_of_before_is_refused(place: Place) -> None:
    store = place.store()
    first = (await store.acquire(LANE, "first")).tip
    saved = await place.save()
    lost = await store.commit(LANE, first, full_change(first))
    await place.roll_back(saved)
    with pytest.raises(Refused):
        await store.load(LANE, lost, ["a" * 32])
    with pytest.raises(Refused):
        await store.commit(LANE, lost, change())
    assert await store.load(LANE, first, ["a" * 32]) == [None]
    assert await place.counters() == {}
    assert await store.acquire(LANE, "second") == LaneState(Tip("second", 0), {}, [], {}, {}, None, [], [], 0)


async def test_an_emptied_store_refuses_everybody(place: Place) -> None:
    store = place.store()
    empty = await place.save()
    tip = (await store.acquire(LANE, "first")).tip
    await place.roll_back(empty)
    with pytest.raises(Refused):
        await store.probe(LANE, tip)
    with pytest.raises(Refused):
        await store.commit(LANE, tip, change())
