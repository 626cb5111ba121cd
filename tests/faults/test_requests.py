"""Requests that go wrong: lost, unanswered, late, answered by an error, or sent by a worker that stops just then."""

import asyncio

import pytest

from tests.faults.facts import (
    A_WHILE_S,
    CLICK,
    ENTRY,
    FROZEN,
    LONG_S,
    ORDER_LIFE,
    PAID,
    REPLY_LOST,
    REQUEST_LOST,
    UNFROZEN,
)
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.process import Fault
from tests.simulation.story import running

CALLS = (
    *("group.heartbeat", "store.acquire", "publisher.open", "publisher.read_marker", "feed.seek", "feed.deliver"),
    *("store.load", "store.commit", "store.trim", "store.probe", "store.rolled_back"),
    *("producer.write", "producer.commit"),
)
FAULTS = (
    *(REQUEST_LOST, REPLY_LOST, Fault("late", 0.5), Fault("late", 20.0), Fault("slow", 4.0), Fault("error")),
    *(Fault("crash", 1.0), Fault("crash after", 1.0), Fault("pause", 3.0), Fault("pause after", 20.0)),
    *(Fault("leave", 1.0), Fault("expire"), Fault("store away", 20.0), Fault("kafka away", 20.0)),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.what} {fault.seconds:g}")
@pytest.mark.parametrize("call", CALLS)
@in_virtual_time
async def test_any_fault_of_any_request_leaves_everything_exact(call: str, fault: Fault) -> None:
    async with running(2) as world:
        then = world.store.snapshot()
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.send(FROZEN)
        await asyncio.sleep(A_WHILE_S)
        struck = world.chance.upon(call, fault)
        world.send(UNFROZEN, partition=0)
        await asyncio.sleep(A_WHILE_S)
        world.roll_back(then)
        await asyncio.sleep(LONG_S)
        world.send(ENTRY)
        await world.settle()
        assert struck.is_set()
        assert_exact(world)


@pytest.mark.parametrize("fault", [REPLY_LOST, REQUEST_LOST], ids=lambda fault: fault.what)
@in_virtual_time
async def test_a_commit_whose_reply_is_lost_is_published_once_whether_it_happened_or_not(fault: Fault) -> None:
    async with running() as world:
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.chance.upon("store.commit", fault)
        world.send(FROZEN)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 2


@pytest.mark.parametrize("call", ["producer.write", "producer.commit"])
@pytest.mark.parametrize("fault", [REPLY_LOST, REQUEST_LOST, Fault("late", 0.2), Fault("late", 9.0)])
@in_virtual_time
async def test_a_transaction_of_unknown_outcome_is_sent_again_only_if_it_failed(call: str, fault: Fault) -> None:
    async with running() as world:
        world.chance.upon(call, fault)
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.send(FROZEN)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 2


@in_virtual_time
async def test_a_server_that_finds_something_wrong_stops_the_lane_until_it_is_mended() -> None:
    async with running() as world:
        (lane,) = world.workers["A"].lanes.lanes()
        world.chance.upon("store.commit", Fault("error"))
        world.send(*ORDER_LIFE)
        await asyncio.sleep(A_WHILE_S)
        assert "something is wrong" in str(lane.stopped)
        await world.settle()
        assert lane.stopped is None
        assert_exact(world)


@pytest.mark.parametrize("server", ["store", "kafka"])
@in_virtual_time
async def test_a_server_that_is_away_is_waited_for(server: str) -> None:
    async with running(2, partitions=2) as world:
        world.send(CLICK)
        await asyncio.sleep(A_WHILE_S)
        world.leave_for(server, 3_600)
        for second in range(1, 3_600, 60):
            await asyncio.sleep(60)
            world.send(*(record.but(event_id=f"{record.fields['event_id']}-{second}") for record in (PAID, ENTRY)))
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("server", ["store", "kafka"])
@in_virtual_time
async def test_after_a_server_has_come_back_the_first_commit_is_seconds_away(server: str) -> None:
    async with running() as world:
        world.leave_for(server, 600)
        await asyncio.sleep(599)
        world.send(*ORDER_LIFE)
        await asyncio.sleep(1 + 5.5)
        assert world.at_rest()
        assert_exact(world)
