"""Metric lanes: notes' own figures go the way of journeys, by the same protocol."""

import asyncio

import pytest

from streams.takeover import Replay, decide
from streams.topics import LANE_TOPICS
from tests.behaviour.builders import metric
from tests.faults.facts import A_WHILE_S, CLICK, PAID
from tests.oracle.placement import partition_of
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.process import Fault
from tests.simulation.publisher import last_marker
from tests.simulation.story import Story, running

FIRST = metric("a", at=1, reads=10, likes=1)
LATER = metric("b", at=2, reads=25, likes=1, shares=2)
REPEATED = metric("b", at=2, reads=26, likes=1)  # other contents of the same event: the greater JSON stands
EARLIER = metric("z", at=0, reads=99)
INVALID = metric("bad", at=3, reads=-1)
ALL = (FIRST, LATER, REPEATED, EARLIER, INVALID)


async def send_one_by_one(world: Story) -> None:
    """Each record absorbed before the next is sent."""
    for record in ALL:
        world.send(record)
        await asyncio.sleep(A_WHILE_S)


@in_virtual_time
async def test_the_latest_figures_count_and_what_they_leave_out_is_nothing() -> None:
    async with running(kinds=LANE_TOPICS) as world:
        await send_one_by_one(world)
        await world.settle()
        assert world.store.cells() == {"n1": {"|||||": {"reads": 26, "likes": 1}}}
        assert_exact(world)


@pytest.mark.parametrize("state", range(8))
@in_virtual_time
async def test_figures_that_the_store_has_lost_are_absorbed_again_and_counted_once(state: int) -> None:
    async with running(kinds=LANE_TOPICS) as world:
        await send_one_by_one(world)
        world.roll_back(world.saved[state])
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("call", ["store.commit", "producer.write", "producer.commit"])
@pytest.mark.parametrize("what", ["crash", "crash after", "pause"])
@in_virtual_time
async def test_a_worker_that_ends_with_figures_in_hand_leaves_nothing_wrong(call: str, what: str) -> None:
    async with running(2, partitions=2, kinds=LANE_TOPICS) as world:
        world.chance.upon(call, Fault(what, 2.0))
        for number, record in enumerate(ALL * 3):
            world.send(record.but(note_id=f"n{number % 5}"))
            await asyncio.sleep(0.05)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("batch_offsets", [1, 1_000])
@in_virtual_time
async def test_of_two_histories_of_figures_dead_letters_and_forwards_are_told_once(batch_offsets: int) -> None:
    async with running(partitions=2, kinds=LANE_TOPICS) as world:
        start = world.saved[-1]
        world.chance.upon("producer.write", Fault("slow", 4.0))
        theirs = next(f"n{n}" for n in range(99) if partition_of(f"n{n}".encode(), 2) == 1)
        ours = next(f"n{n}" for n in range(99) if partition_of(f"n{n}".encode(), 2) == 0)
        world.send(*(record.but(note_id=note) for record in ALL for note in (ours, theirs)), partition=0)
        await asyncio.sleep(0.05)
        unpublished = world.saved[-1]
        world.chance.batch_offsets = 2
        told = world.chance.upon("producer.commit", lambda: None)
        world.roll_back(start)
        await told.wait()
        await asyncio.sleep(0.01)
        world.crash(world.workers["A"])
        world.group.expire("A")
        world.roll_back(unpublished)
        step = decide(world.states()[2], last_marker(world.kafka, 2)[1])
        assert isinstance(step, Replay)
        assert step.fork
        world.chance.batch_offsets = batch_offsets
        world.start_worker()
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_note_and_a_token_of_the_same_name_are_kept_apart() -> None:
    async with running(kinds=LANE_TOPICS) as world:
        world.send(FIRST.but(note_id="t1"), CLICK, PAID)
        await world.settle()
        world.send(LATER.but(note_id="t1"))
        await world.settle()
        assert_exact(world)
