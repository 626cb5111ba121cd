"""What the feed may hand over, and topics that are not what they were."""

import asyncio

import pytest

from streams.errors import Refused
from tests.behaviour.builders import click, paid
from tests.faults.facts import A_WHILE_S, CLICK, ENTRY, FROZEN, LONG_S, ORDER_LIFE, PAID, REPLY_LOST, UNFROZEN
from tests.oracle.placement import partition_of
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.kafka import Content
from tests.simulation.process import Fault
from tests.simulation.servers import START_MS
from tests.simulation.story import Story, running


async def absorb(world: Story) -> None:
    """Let an order's life be absorbed."""
    world.send(*ORDER_LIFE)
    await asyncio.sleep(A_WHILE_S)


def abort(world: Story, records: int) -> None:
    """Let somebody write records that nobody is to read."""
    epoch = world.kafka.init("producer")
    world.kafka.write("producer", epoch, {("order", 0): [Content(START_MS, PAID.key, PAID.value)] * records})
    world.kafka.end("producer", epoch, commit=False)


@pytest.mark.parametrize("late_s", [0.12, 0.3, 2.0])
@in_virtual_time
async def test_a_batch_from_before_a_seek_is_void(late_s: float) -> None:
    async with running() as world:
        world.chance.batch_offsets = 1
        then = world.store.snapshot()
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.chance.upon("feed.deliver", Fault("late", late_s))
        world.send(FROZEN, UNFROZEN, ENTRY)
        await asyncio.sleep(0.05)
        world.roll_back(then)
        world.workers["A"].lanes.fail(0, _refused())
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_fetch_with_control_records_only_moves_the_lane() -> None:
    async with running() as world:
        world.send(CLICK)
        epoch = world.kafka.init("producer")
        for record in (PAID, FROZEN):
            world.kafka.write("producer", epoch, {("order", 0): [Content(START_MS, record.key, record.value)]})
        world.kafka.end("producer", epoch, commit=False)
        await world.settle()
        assert world.states()[0].positions["order"] == 3
        assert_exact(world)
        world.roll_back(world.saved[0])
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_what_follows_an_open_transaction_waits_for_it() -> None:
    async with running() as world:
        epoch = world.kafka.init("producer")
        world.produced.add(("order", 0, 0))
        world.kafka.write("producer", epoch, {("order", 0): [Content(START_MS, PAID.key, PAID.value)]})
        world.send(CLICK, FROZEN)
        await asyncio.sleep(LONG_S)
        assert world.results() == []
        world.kafka.end("producer", epoch, commit=True)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 1


@in_virtual_time
async def test_records_in_the_wrong_partition_are_forwarded_once() -> None:
    async with running(2, partitions=2) as world:
        token = next(f"t{number}" for number in range(99) if partition_of(f"t{number}".encode(), 2) == 1)
        for call in ("producer.write", "producer.commit", "store.commit"):
            world.chance.upon(call, REPLY_LOST)
            world.send(click(at=0, token=token), paid(at=1, token=token, event=f"paid at {call}"), partition=0)
            await asyncio.sleep(LONG_S)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("emptied", [False, True])
@in_virtual_time
async def test_a_topic_that_was_recreated_stops_the_lane(emptied: bool) -> None:
    async with running() as world:
        await absorb(world)
        (lane,) = world.workers["A"].lanes.lanes()
        world.kafka.recreate("order", 0)
        if not emptied:
            world.send(*(record.but(event_id=f"new-{number}") for number, record in enumerate((PAID,) * 9)))
        lane.fail(_refused())
        await asyncio.sleep(A_WHILE_S)
        assert lane.stopped is not None
        assert lane.owner is None


@in_virtual_time
async def test_a_topic_that_lost_what_no_reader_sees_and_grew_again_stops_the_lane() -> None:
    async with running() as world:
        await absorb(world)
        abort(world, 3)
        await world.settle()
        stood = world.stands()[0].stored["order"]
        world.kafka.truncate("order", 0, stood - 3)
        world.send(*(PAID.but(event_id=f"new-{number}") for number in range(5)))
        (lane,) = world.workers["A"].lanes.lanes()
        lane.fail(_refused())
        await asyncio.sleep(A_WHILE_S)
        assert "was cut off" in str(lane.stopped)


@in_virtual_time
async def test_a_topic_whose_last_record_has_become_another_kind_of_record_stops_the_lane() -> None:
    async with running() as world:
        await absorb(world)
        stood = world.stands()[0].stored["order"]
        world.kafka.recreate("order", 0)
        abort(world, stood)
        (lane,) = world.workers["A"].lanes.lanes()
        lane.fail(_refused())
        await asyncio.sleep(A_WHILE_S)
        assert "recreated" in str(lane.stopped)


@in_virtual_time
async def test_a_store_that_was_emptied_takes_no_other_topic_for_the_one_that_was_told_of() -> None:
    async with running() as world:
        await absorb(world)
        world.kafka.recreate("order", 0)
        world.send(*(PAID.but(event_id=f"new-{number}") for number in range(9)))
        world.roll_back(world.saved[0])
        await asyncio.sleep(A_WHILE_S * 6)
        (lane,) = world.workers["A"].lanes.lanes()
        assert "is not what results were published of" in str(lane.stopped)


@in_virtual_time
async def test_a_topic_that_no_longer_holds_the_beginning_stops_a_lane_that_needs_it() -> None:
    async with running() as world:
        await absorb(world)
        (lane,) = world.workers["A"].lanes.lanes()
        world.kafka.logs["order", 0].start = 2
        lane.fail(_refused())
        await asyncio.sleep(A_WHILE_S)
        assert lane.stopped is None
        world.roll_back(world.saved[0])
        await asyncio.sleep(A_WHILE_S * 6)
        assert "not within 2 to 3" in str(lane.stopped)


@in_virtual_time
async def test_a_topic_without_a_marker_that_was_written_stops_the_lane() -> None:
    async with running() as world:
        await absorb(world)
        await world.settle()
        (lane,) = world.workers["A"].lanes.lanes()
        world.kafka.recreate("lanes", 0)
        lane.fail(_refused())
        await asyncio.sleep(A_WHILE_S)
        assert "holds no marker" in str(lane.stopped)


@in_virtual_time
async def test_markers_that_were_lost_after_the_store_knew_of_them_stop_the_lane() -> None:
    async with running() as world:
        await absorb(world)
        await world.settle()
        early = world.kafka.logs["lanes", 0].end
        world.send(PAID.but(event_id="more", order_id="o2"))
        await world.settle()
        (lane,) = world.workers["A"].lanes.lanes()
        world.kafka.truncate("lanes", 0, early)
        lane.fail(_refused())
        await asyncio.sleep(A_WHILE_S)
        assert "has lost its end" in str(lane.stopped)


def _refused() -> Refused:
    """What makes a lane take over anew."""
    return Refused("the story says so")
