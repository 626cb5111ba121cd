"""Workers that were stopped, were replaced meanwhile, and go on as if nothing had happened."""

import asyncio

import pytest

from streams.errors import Refused
from tests.behaviour.builders import step
from tests.faults.facts import (
    A_WHILE_S,
    CLICK,
    ENTRY,
    FROZEN,
    LATE_CLICK,
    LONG_S,
    ORDER_LIFE,
    PAID,
    REPLY_LOST,
    UNFROZEN,
)
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.process import Fault
from tests.simulation.story import Story, running
from tests.simulation.worker import Worker

TAKE_OVER = ("store.acquire", "publisher.open", "publisher.read_marker", "feed.seek")


@pytest.mark.parametrize(
    "call",
    ["store.load", "store.commit", "store.trim", "store.probe", "producer.write", "producer.commit", "feed.deliver"],
)
@pytest.mark.parametrize("what", ["pause", "pause after"])
@in_virtual_time
async def test_what_a_zombie_still_has_to_do_changes_nothing(call: str, what: str) -> None:
    async with running() as world:
        zombie = world.workers["A"]
        world.send(CLICK)
        await asyncio.sleep(A_WHILE_S)
        stopped = world.chance.upon(call, Fault(what, LONG_S))
        world.start_worker()
        world.send(PAID)
        await stopped.wait()
        world.send(FROZEN)
        await asyncio.sleep(LONG_S - 1)
        world.send(UNFROZEN)
        world.wake(zombie)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == len({(result.result_id, result.revision) for result in world.results()})


@pytest.mark.parametrize("delay_s", [0.0, 0.05, 3.0])
@pytest.mark.parametrize("second", TAKE_OVER)
@pytest.mark.parametrize("first", TAKE_OVER)
@in_virtual_time
async def test_two_workers_that_take_over_at_once_do_not_disturb_what_is_told(
    first: str, second: str, delay_s: float
) -> None:
    async with running() as world:
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        stopped = world.chance.upon(first, Fault("pause", 10.0), worker="B")
        world.start_worker()
        world.group.expire("A")
        await stopped.wait()
        world.group.expire("B")
        world.chance.upon(second, Fault("pause", 10.0 + delay_s), worker="C")
        world.start_worker()
        world.send(FROZEN)
        await asyncio.sleep(A_WHILE_S)
        world.send(UNFROZEN, ENTRY)
        await world.settle()
        assert_exact(world)


async def overtaken_at(world: Story, call: str) -> tuple[Worker, Worker]:
    """Worker A, which stands still at a request of its take-over, and worker B, which gets its lanes."""
    zombie = world.start_worker()
    stopped = world.chance.upon(call, lambda: world.pause(zombie), worker="A")
    await stopped.wait()
    world.group.expire("A")
    return zombie, world.start_worker()


@in_virtual_time
async def test_who_acquires_late_does_not_decide_by_a_marker_from_before() -> None:
    async with running(0) as world:
        zombie, owner = await overtaken_at(world, "publisher.read_marker")
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.chance.upon("store.acquire", lambda: world.pause(zombie), worker="A")
        world.wake(zombie)
        await asyncio.sleep(A_WHILE_S)
        world.send(FROZEN)
        await asyncio.sleep(4)
        world.chance.upon("store.commit", REPLY_LOST, worker="B")
        world.send(UNFROZEN)
        stopped = world.chance.upon("store.acquire", lambda: world.pause(owner), worker="B")
        await stopped.wait()
        world.wake(zombie)
        await asyncio.sleep(A_WHILE_S)
        world.wake(owner)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("fault", [Fault("late", 0.5), Fault("late", 5.0), Fault("slow", 4.0)])
@in_virtual_time
async def test_an_acquire_that_arrives_after_the_next_owners_only_makes_that_one_acquire_again(fault: Fault) -> None:
    async with running() as world:
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        sent = world.chance.upon("store.acquire", fault, worker="B")
        world.start_worker()
        world.group.expire("A")
        await sent.wait()
        world.group.expire("B")
        for record in (FROZEN, UNFROZEN, ENTRY):
            world.send(record)
            await asyncio.sleep(3)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("late_s", [0.0, 0.5, 5.0, 20.0])
@pytest.mark.parametrize("call", ["producer.write", "producer.commit"])
@in_virtual_time
async def test_a_transaction_that_a_dead_worker_left_open_ends_before_the_next_owner_looks(
    call: str, late_s: float
) -> None:
    async with running() as world:
        sent = world.chance.upon(call, Fault("late", late_s))
        world.send(CLICK, PAID)
        await sent.wait()
        world.crash(world.workers["A"])
        world.start_worker()
        world.send(FROZEN)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_zombies_trim_does_not_hide_what_a_rollback_brought_back() -> None:
    async with running() as world:
        zombie, then = world.workers["A"], world.store.snapshot()
        world.send(CLICK, PAID)
        stopped = world.chance.upon("store.trim", lambda: world.pause(zombie))
        await stopped.wait()
        world.start_worker()
        world.group.expire("A")
        world.chance.upon("store.acquire", Fault("slow", 1.0), worker="B")
        world.roll_back(then)
        world.wake(zombie)
        await asyncio.sleep(A_WHILE_S)
        world.chance.batch_offsets = 1
        world.send(FROZEN, UNFROZEN)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_zombies_rolled_back_script_does_not_take_the_lane_from_its_owner() -> None:
    async with running() as world:
        zombie = world.workers["A"]
        world.send(*ORDER_LIFE)
        await asyncio.sleep(A_WHILE_S)
        world.roll_back(world.saved[0])
        stopped = world.chance.upon("store.rolled_back", lambda: world.pause(zombie))
        await stopped.wait()
        world.start_worker()
        world.group.expire("A")
        await asyncio.sleep(A_WHILE_S)
        world.send(LATE_CLICK)
        owners = {lane: held.tip.nonce for lane, held in world.store.snapshot().lanes.items()}
        world.wake(zombie)
        await world.settle()
        assert {lane: held.tip.nonce for lane, held in world.store.snapshot().lanes.items()} == owners
        assert_exact(world)


@in_virtual_time
async def test_who_is_not_in_the_group_does_not_take_the_lane_back() -> None:
    async with running() as world:
        zombie = world.workers["A"]
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.pause(zombie)
        world.start_worker()
        await asyncio.sleep(LONG_S)
        owner = world.store.snapshot().lanes[0].tip.nonce
        world.wake(zombie)
        world.send(FROZEN)
        await world.settle()
        assert world.store.snapshot().lanes[0].tip.nonce == owner
        assert_exact(world)


@in_virtual_time
async def test_a_take_over_that_was_slept_through_is_decided_by_the_marker_of_then() -> None:
    async with running() as world:
        sleeper = world.workers["A"]
        (lane,) = sleeper.lanes.lanes()
        world.send(CLICK, PAID)
        await world.settle()
        asleep = world.chance.upon("store.acquire", lambda: world.pause(sleeper), worker="A")
        lane.fail(Refused("the story says so"))
        await asleep.wait()
        world.start_worker()
        world.group.expire("A")
        await asyncio.sleep(A_WHILE_S)
        world.send(FROZEN)  # published by B ...
        await asyncio.sleep(A_WHILE_S)
        unsaid = world.chance.upon("producer.write", Fault("slow", 4.0), worker="B")
        world.send(UNFROZEN)  # ... which commits this, and has not told it when A wakes
        await unsaid.wait()
        world.chance.upon("store.rolled_back", Fault("pause after", 20.0), worker="A")
        world.wake(sleeper)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_an_owner_with_nothing_to_tell_finds_out_that_another_one_has_told_something() -> None:
    async with running(0) as world:
        usurper, owner = await overtaken_at(world, "store.acquire")
        world.send(*ORDER_LIFE)
        await asyncio.sleep(A_WHILE_S * 10)  # nothing is left to be folded into series, which would be told of
        before = world.store.snapshot()
        stopped = world.chance.upon("store.commit", lambda: world.pause(owner), worker="B")
        world.send(step("frozen", at=4_000), step("unfrozen", at=5_000))  # together they change nothing
        await stopped.wait()
        world.chance.batch_offsets = 1
        told = world.chance.upon("producer.write", lambda: world.pause(usurper), worker="A", skip=1)
        world.wake(usurper)
        await told.wait()
        assert world.results()[-1].outcome == "held"
        world.roll_back(before)
        world.crash(usurper)
        world.wake(owner)
        await world.settle()
        assert_exact(world)
