"""Two histories: the store holds records that the published one does not cover, or parked others than it did."""

import asyncio

import pytest

from streams.core.journey import MAX_CONTENTS
from streams.topics import DEAD_LETTER
from tests.behaviour.builders import click, entry, paid
from tests.faults.facts import A_WHILE_S, CLICK, ENTRY, FROZEN, LATE_CLICK, PAID, REPLY_LOST, UNFROZEN
from tests.generators.records import Written
from tests.oracle.placement import partition_of
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.process import Fault
from tests.simulation.publisher import last_marker
from tests.simulation.story import Story, running

INVALID = PAID.but(event_id="bad", amount_minor=-1)
SUPERSEDED = PAID.but(order_id="o2", at_ms=PAID.fields["at_ms"] + 1)  # the same event, so order o1 never was
POISON = {"fmcg.skincare"}
STRETCHES = {
    "an order's life": (CLICK, PAID, FROZEN, UNFROZEN, ENTRY),
    "a dead letter": (CLICK, PAID, INVALID),
    "a result that is void": (CLICK, PAID, SUPERSEDED),
    "a result that is back to what it was": (CLICK, PAID, FROZEN, UNFROZEN, PAID),
    "a later click": (CLICK, PAID, LATE_CLICK, ENTRY),
}


async def absorb_in_two_histories(world: Story, *records: Written, offsets: tuple[int, int] = (1_000, 1)) -> None:
    """The store holds all of `records`, while readers saw only the first batch, of another history.

    `offsets`: of each topic in one batch, in either history.
    """
    start = world.saved[-1]
    world.chance.batch_offsets = offsets[0]
    world.chance.upon("producer.write", Fault("slow", 4.0))
    world.send(*records, partition=0)
    await asyncio.sleep(0.05)
    unpublished = world.saved[-1]
    world.chance.batch_offsets = offsets[1]
    told = world.chance.upon("producer.commit", lambda: None)
    world.roll_back(start)
    await told.wait()
    await asyncio.sleep(0.01)
    world.crash(world.workers["A"])  # or it would go on to publish what it remembers
    world.group.expire("A")
    world.roll_back(unpublished)
    assert parted(world)
    world.start_worker()


def parted(world: Story, *, parked: bool = False) -> bool:
    """Whether the store holds records in lane 0, or with `parked` sets some aside, other than readers were told."""
    state, (_, marker) = world.states()[0], last_marker(world.kafka, 0)
    assert marker is not None
    assert marker.tip not in {state.published, *(entry.marker.tip for entry in state.outbox)}
    if parked:
        return state.parked != marker.parked
    return any(offset > marker.positions.get(topic, 0) for topic, offset in state.positions.items())


@pytest.mark.parametrize("batch_offsets", [1, 1_000])
@pytest.mark.parametrize("stretch", STRETCHES)
@in_virtual_time
async def test_a_stretch_that_only_the_store_holds_is_told_again(stretch: str, batch_offsets: int) -> None:
    async with running() as world:
        await absorb_in_two_histories(world, *STRETCHES[stretch])
        world.chance.batch_offsets = batch_offsets
        await world.settle()
        assert_exact(world)
        world.send(LATE_CLICK.but(event_id="later", at_ms=PAID.fields["at_ms"]))
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_misplaced_record_of_such_a_stretch_is_forwarded_once() -> None:
    async with running(partitions=2) as world:
        ours, theirs = (
            next(f"t{n}" for n in range(99) if partition_of(f"t{n}".encode(), 2) == lane) for lane in (0, 1)
        )
        await absorb_in_two_histories(
            world, click(at=0, token=ours), click(at=1, token=theirs), paid(at=2, token=ours), paid(at=3, token=theirs)
        )
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("commits", range(6))
@pytest.mark.parametrize(
    "fault", [Fault("crash", 0.1), Fault("crash after", 0.1), Fault("empty"), Fault("roll back", 0, 2)]
)
@in_virtual_time
async def test_telling_a_stretch_again_can_be_cut_short_at_every_commit(fault: Fault, commits: int) -> None:
    async with running() as world:
        await absorb_in_two_histories(world, *STRETCHES["an order's life"], INVALID)
        world.chance.upon("store.commit", fault, skip=commits)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("commits", range(4))
@pytest.mark.parametrize("fault", [Fault("crash", 0.1), Fault("crash after", 0.1)])
@in_virtual_time
async def test_a_store_that_is_behind_and_beyond_can_be_mended_by_several_workers(fault: Fault, commits: int) -> None:
    async with running() as world:
        start = world.saved[-1]
        world.chance.upon("producer.write", Fault("slow", 4.0))
        world.send(PAID, FROZEN)
        await asyncio.sleep(0.05)
        beyond = world.saved[-1]
        world.chance.batch_offsets = 1
        told = world.chance.upon("producer.commit", lambda: None)
        world.roll_back(start)
        world.send(CLICK)
        await told.wait()
        await asyncio.sleep(0.01)
        world.crash(world.workers["A"])
        world.group.expire("A")
        world.roll_back(beyond)
        assert parted(world)
        world.chance.upon("store.commit", fault, skip=commits)
        world.start_worker()
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_two_histories_that_hold_the_same_records_are_one() -> None:
    async with running() as world:
        start = world.saved[-1]
        world.chance.upon("producer.write", Fault("slow", 4.0))
        world.send(CLICK, ENTRY, PAID)
        await asyncio.sleep(0.05)
        unpublished = world.saved[-1]
        world.roll_back(start)
        await asyncio.sleep(5.0)
        world.roll_back(unpublished)
        await asyncio.sleep(5.0)
        world.chance.upon("store.commit", REPLY_LOST)
        world.send(FROZEN)
        await world.settle()
        assert_exact(world)
        assert [result.kind for result in world.results()].count("entry") == 1


@pytest.mark.parametrize("offsets", [(1, 2), (1_000, 1)])  # fewer commits published than stored, or as many
@in_virtual_time
async def test_a_rollback_right_after_the_outbox_was_emptied_does_not_bring_it_back_unseen(
    offsets: tuple[int, int],
) -> None:
    async with running() as world:

        def undo() -> None:
            acquired = world.saved[-1]
            world.chance.upon("feed.seek", lambda: world.roll_back(acquired), worker="B")

        await absorb_in_two_histories(world, *STRETCHES["an order's life"], offsets=offsets)
        world.chance.upon("store.rolled_back", undo, worker="B")
        world.chance.upon("producer.write", Fault("crash", 0.1), worker="B")
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_zombie_that_commits_beyond_what_was_published_makes_a_fork_that_is_told() -> None:
    async with running() as world:
        zombie = world.workers["A"]
        stopped = world.chance.upon("store.commit", lambda: world.pause(zombie))
        world.send(CLICK, PAID, INVALID, FROZEN)
        await stopped.wait()
        then = world.store.snapshot()
        world.chance.batch_offsets = 1
        told = world.chance.upon("producer.commit", lambda: None, worker="B")
        world.start_worker()
        world.group.expire("A")
        await told.wait()
        await asyncio.sleep(0.01)
        world.roll_back(then)
        world.wake(zombie)
        await asyncio.sleep(0.005)
        assert parted(world)
        world.send(UNFROZEN)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("still_s", [0.0, 60.0])
@in_virtual_time
async def test_records_that_only_the_store_had_parked_are_absorbed_as_soon_as_the_core_can(still_s: float) -> None:
    async with running() as world:
        start, worker = world.saved[-1], world.workers["A"]
        worker.poison |= POISON
        world.chance.upon("producer.write", Fault("slow", 4.0))
        world.send(CLICK, PAID, entry_of_another())
        await asyncio.sleep(0.05)
        parked = world.saved[-1]
        worker.poison.clear()
        world.roll_back(start)
        await asyncio.sleep(4.0)
        assert len(world.results()) == 2
        worker.poison |= POISON
        asyncio.get_running_loop().call_later(still_s, worker.poison.clear)
        world.roll_back(parked)
        assert parted(world, parked=True)
        await asyncio.sleep(still_s)
        await world.settle()
        assert world.states()[0].parked == {}
        assert_exact(world)


@pytest.mark.parametrize("offsets", [(1_000, 1), (1, 1)])
@in_virtual_time
async def test_what_came_to_a_full_journey_in_a_stretch_that_only_the_store_holds_is_told_once(
    offsets: tuple[int, int],
) -> None:
    async with running() as world:
        world.send(CLICK, *(entry(f"e{number}", at=number) for number in range(MAX_CONTENTS - 1)))
        await asyncio.sleep(A_WHILE_S)
        too_many = [entry(f"late-{number}", at=number) for number in range(4)]
        await absorb_in_two_histories(world, *too_many, entry("e1", at=1), PAID, entry_of_another(), offsets=offsets)
        await world.settle()
        assert_exact(world)
        assert len(list(world.kafka.logs[DEAD_LETTER, 0].committed(0))) == len(too_many) + 1


@in_virtual_time
async def test_records_that_only_the_published_history_had_parked_count_and_are_told() -> None:
    async with running() as world:
        zombie = world.workers["A"]
        stopped = world.chance.upon("store.commit", lambda: world.pause(zombie))
        world.send(CLICK, PAID)
        await stopped.wait()
        then = world.store.snapshot()
        other = world.start_worker()
        other.poison |= POISON
        world.group.expire("A")
        await asyncio.sleep(A_WHILE_S)
        assert world.results() == []
        other.poison.clear()
        world.roll_back(then)
        world.wake(zombie)
        await asyncio.sleep(0.005)
        assert parted(world, parked=True)
        await world.settle()
        assert world.states()[0].parked == {}
        assert_exact(world)


@pytest.mark.parametrize("poisoned_again", [False, True])
@in_virtual_time
async def test_a_silent_replay_parks_exactly_what_was_parked(poisoned_again: bool) -> None:
    async with running() as world:
        worker = world.workers["A"]
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        worker.poison |= POISON
        world.send(FROZEN)
        await asyncio.sleep(A_WHILE_S)
        if not poisoned_again:
            worker.poison.clear()
        world.roll_back(world.saved[0])
        await asyncio.sleep(5)
        (lane,) = worker.lanes.lanes()
        assert (lane.stopped is not None) == poisoned_again
        worker.poison.clear()
        world.send(UNFROZEN)
        await world.settle()
        assert world.states()[0].parked == {"order:internal": [(1, 2)]}
        assert_exact(world)


def entry_of_another() -> Written:
    """A shop entry of a token whose click is somebody else's."""
    return ENTRY.but(token="t2")
