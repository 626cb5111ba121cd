"""A store that loses what it has acknowledged: each state that it may fall back to, at each bad moment."""

import asyncio

import pytest

from streams.outbox import MAX_RECORDS
from tests.faults.facts import (
    A_WHILE_S,
    CLICK,
    ENTRY,
    FROZEN,
    LATE_CLICK,
    ORDER_LIFE,
    PAID,
    REPLY_LOST,
    REQUEST_LOST,
    SLOW,
    UNFROZEN,
)
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.process import Fault
from tests.simulation.story import Story, running


async def send_one_by_one(world: Story) -> None:
    """The life of an order, each record absorbed and published before the next is sent."""
    for record in ORDER_LIFE:
        world.send(record)
        await asyncio.sleep(A_WHILE_S)


@in_virtual_time
async def test_a_batch_that_was_in_hand_when_the_store_was_rolled_back_is_refused() -> None:
    async with running() as world:
        then = world.store.snapshot()
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.chance.upon("store.commit", lambda: world.roll_back(then))
        world.send(FROZEN)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_journeys_loaded_from_a_state_that_was_rolled_back_are_not_committed() -> None:
    async with running() as world:
        world.send(CLICK.but(token="t2"))  # so that the zombie can read what another owner writes
        await asyncio.sleep(A_WHILE_S)
        zombie, then = world.workers["A"], world.store.snapshot()
        stopped = world.chance.upon("store.load", lambda: world.pause(zombie))
        world.start_worker()
        world.send(CLICK)
        await stopped.wait()
        world.group.expire("A")
        await asyncio.sleep(A_WHILE_S)
        world.chance.upon("store.commit", lambda: world.roll_back(then), worker="A")
        world.wake(zombie)
        await asyncio.sleep(A_WHILE_S)
        world.send(PAID)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("state", range(6))
@in_virtual_time
async def test_whatever_was_published_is_absorbed_again_in_silence(state: int) -> None:
    async with running() as world:
        await send_one_by_one(world)
        world.roll_back(world.saved[state])
        await world.settle()
        assert_exact(world)
        assert [result.outcome for result in world.results()] == ["credited", "held", "credited"]
        world.send(ENTRY)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 4


@in_virtual_time
async def test_an_idle_lane_notices_a_rollback_by_itself() -> None:
    async with running() as world:
        await send_one_by_one(world)
        world.roll_back(world.saved[0])
        await asyncio.sleep(3)
        assert world.at_rest()
        assert_exact(world)


@pytest.mark.parametrize("silent_commits", range(4))
@pytest.mark.parametrize("state", [0, 2, 4, 6])
@in_virtual_time
async def test_a_silent_replay_can_be_undone_at_every_step(state: int, silent_commits: int) -> None:
    async with running() as world:
        await send_one_by_one(world)
        world.chance.batch_offsets = 1
        world.roll_back(world.saved[0])
        world.chance.upon("store.commit", lambda: world.roll_back(world.saved[state]), skip=silent_commits)
        world.send(LATE_CLICK)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("what", ["crash", "crash after"])
@pytest.mark.parametrize("silent_commits", range(3))
@in_virtual_time
async def test_a_silent_replay_that_was_cut_short_is_ended_in_silence(silent_commits: int, what: str) -> None:
    async with running() as world:
        await send_one_by_one(world)
        world.chance.batch_offsets = 1
        world.roll_back(world.saved[0])
        world.chance.upon("store.commit", Fault(what, 0.1), skip=silent_commits)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 3


@in_virtual_time
async def test_results_published_after_a_silent_replay_have_greater_revisions() -> None:
    async with running() as world:
        await send_one_by_one(world)
        world.roll_back(world.saved[0])
        await world.settle()
        world.send(LATE_CLICK.but(at_ms=PAID.fields["at_ms"] - 1))
        await world.settle()
        assert_exact(world)
        revisions = [result.revision for result in world.results()]
        assert revisions == sorted(set(revisions))


@in_virtual_time
async def test_a_worker_that_dies_right_after_a_silent_replay_leaves_a_state_to_go_on_from() -> None:
    async with running() as world:
        await send_one_by_one(world)
        world.roll_back(world.saved[2])
        replayed = world.chance.upon("feed.seek", lambda: None, skip=1)
        await replayed.wait()
        world.crash(world.workers["A"])
        world.start_worker()
        world.send(LATE_CLICK)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_after_a_silent_replay_nothing_is_told_again() -> None:
    async with running() as world:
        world.send(CLICK, ENTRY, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.roll_back(world.saved[0])
        await world.settle()
        world.chance.upon("store.commit", REPLY_LOST)
        world.send(FROZEN)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 3
        assert sum("rolled_back" in text for _, text in world.log) == 1


@in_virtual_time
async def test_a_silent_replay_that_has_ended_is_not_done_again() -> None:
    async with running() as world:
        world.send(CLICK, ENTRY, PAID)
        await asyncio.sleep(A_WHILE_S)
        failed = world.chance.upon("feed.seek", REQUEST_LOST, skip=1)  # the first is the replay's
        world.roll_back(world.saved[0])
        await world.settle()
        assert failed.is_set()
        assert_exact(world)
        assert sum("rolled_back" in text for _, text in world.log) == 1


@in_virtual_time
async def test_an_outbox_from_before_a_rollback_is_never_published() -> None:
    async with running() as world:
        world.send(CLICK, PAID)
        published = world.chance.upon("producer.commit", lambda: None)
        await published.wait()
        unpublished = world.saved[-1]
        await asyncio.sleep(A_WHILE_S)
        world.send(FROZEN)
        await asyncio.sleep(A_WHILE_S)
        world.roll_back(unpublished)
        world.chance.upon("store.commit", REPLY_LOST)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 2


@in_virtual_time
async def test_a_commit_without_results_can_be_undone_as_well() -> None:
    async with running() as world:
        zombie = world.workers["A"]
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        stopped = world.chance.upon("store.commit", lambda: world.pause(zombie))
        then = world.store.snapshot()
        world.send(FROZEN, UNFROZEN)
        await stopped.wait()
        world.chance.batch_offsets = 1
        world.start_worker()
        world.group.expire("A")
        held = world.chance.upon("producer.commit", lambda: None, worker="B")
        await held.wait()
        await asyncio.sleep(0.005)
        world.roll_back(then)
        world.wake(zombie)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_the_marker_covers_what_was_published_and_not_what_was_committed_since() -> None:
    async with running() as world:
        then, half = world.saved[-1], MAX_RECORDS * 3 // 5  # two such entries do not fit into one transaction

        def lose_everything_not_published() -> None:
            world.crash(world.workers["A"])
            world.roll_back(then)

        world.chance.upon("producer.write", SLOW)
        world.send(CLICK, PAID)
        await asyncio.sleep(A_WHILE_S)
        lost = world.chance.upon("producer.write", lose_everything_not_published, skip=1)
        world.chance.batch_offsets = half
        world.send(*(ENTRY.but(token=f"t{number}") for number in range(2 * half)))
        await lost.wait()
        assert 1 < len(world.results()) < 2 * half
        world.start_worker()
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_take_over_after_which_nothing_was_lost_is_no_rollback() -> None:
    async with running() as world:
        world.send(CLICK, PAID)
        await world.settle()
        world.chance.upon("producer.write", Fault("crash", 0.1))
        world.send(FROZEN)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == 2
        assert not any("rolled_back" in text for _, text in world.log)
