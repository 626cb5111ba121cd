"""Policies that enter while lanes run: restatements cut short, undone, or made in two histories."""

import asyncio

import pytest

from tests.behaviour.builders import DAY, HOUR, after, policy
from tests.faults.facts import A_WHILE_S, CLICK, FROZEN, LONG_S, PAID
from tests.generators.policies import Document
from tests.generators.records import Written
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.process import Fault
from tests.simulation.story import Story, running

CLOSED = policy(2, industries={"*": "closed"})  # what was credited is refused
OPEN = policy(3)  # and is as it was
LATER = policy(3, effective_from_ms=after(DAY))  # changes nothing
TOKENS = [f"t{number}" for number in range(8)]
PAGES = 4
PAGE_S = 1.0  # so that what a page changes is published before the next
POISON = {"fmcg.skincare"}


async def absorb(world: Story) -> None:
    """Let an order of each token be absorbed and credited, and make restatements slow."""
    for token in TOKENS:
        world.send(CLICK.but(token=token), PAID.but(token=token, order_id=f"of-{token}"))
    await asyncio.sleep(A_WHILE_S)
    for _ in range(3 * PAGES):
        world.chance.upon("store.tokens", Fault("slow", PAGE_S))


@in_virtual_time
async def test_policies_that_enter_one_after_the_other_restate_everything() -> None:
    async with running() as world:
        await absorb(world)
        world.publish(CLOSED)
        await asyncio.sleep(2 * PAGE_S)
        world.send(*(FROZEN.but(token=token, order_id=f"of-{token}") for token in TOKENS))
        world.publish(OPEN)
        await asyncio.sleep(3 * PAGE_S)
        world.publish(CLOSED | {"version": 4})
        await world.settle()
        assert_exact(world)
        assert {result.outcome for result in world.results()[-len(TOKENS) :]} == {"refused"}


@in_virtual_time
async def test_a_policy_between_the_clicks_and_the_earliest_one_becomes_the_earliest() -> None:
    async with running(policies=[policy(effective_from_ms=after(DAY))]) as world:
        await absorb(world)
        world.publish(CLOSED | {"effective_from_ms": after(HOUR)})
        await world.settle()
        assert_exact(world)
        assert world.results()[-1].outcome == "refused"


@in_virtual_time
async def test_a_new_owner_knows_which_clicks_a_policy_concerns() -> None:
    async with running() as world:
        await absorb(world)
        await world.workers["A"].stop()
        world.start_worker()
        await asyncio.sleep(A_WHILE_S)
        world.publish(CLOSED)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("page", range(PAGES))
@pytest.mark.parametrize("what", ["crash", "crash after", "leave"])
@in_virtual_time
async def test_a_restatement_that_was_cut_short_is_made_to_its_end(what: str, page: int) -> None:
    async with running() as world:
        await absorb(world)
        world.chance.upon("store.load", Fault(what, 0.5), skip=page)
        world.publish(CLOSED)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_journeys_that_cannot_be_restated_wait_for_a_mended_core() -> None:
    async with running() as world:
        await absorb(world)
        world.workers["A"].poison |= POISON
        world.publish(CLOSED)
        await asyncio.sleep(LONG_S * 2)
        world.workers["A"].poison.clear()
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("state", range(8))
@pytest.mark.parametrize("pages", [1, 3, PAGES + 1])
@pytest.mark.parametrize("also", [[OPEN], []])
@in_virtual_time
async def test_a_restatement_that_readers_have_seen_and_the_store_has_lost_leaves_nothing_wrong(
    also: list[Document], pages: int, state: int
) -> None:
    async with running() as world:
        await absorb(world)
        start = len(world.saved) - 1
        world.publish(CLOSED)
        await asyncio.sleep((pages + 0.9) * PAGE_S)
        for document in also:
            world.publish(document, lambda: 0.0)
        world.roll_back(world.saved[min(start + state, len(world.saved) - 1)])
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("there", [1, 3, PAGES + 1])
@pytest.mark.parametrize("here", [1, 3, PAGES + 1])
@pytest.mark.parametrize("also", [[OPEN], []])
@in_virtual_time
async def test_a_restatement_made_in_two_histories_leaves_nothing_wrong(
    also: list[Document], here: int, there: int
) -> None:
    async with running() as world:
        await absorb(world)
        start = world.saved[-1]
        world.chance.upon("producer.write", Fault("slow", 4.9))
        world.publish(CLOSED, lambda: 0.0)
        world.workers["A"].lanes.lanes()[0].tick()
        await asyncio.sleep((here + 0.9) * PAGE_S if here <= PAGES else 4.6)
        unpublished = world.saved[-1]
        world.crash(world.workers["A"])
        world.group.expire("A")
        world.roll_back(start)
        world.start_worker()
        await asyncio.sleep((there + 1.4) * PAGE_S)
        for document in also:
            world.publish(document, lambda: 0.0)
        world.roll_back(unpublished)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("fault", [Fault("slow"), Fault("crash", 0.1), Fault("crash after", 0.1)])
@pytest.mark.parametrize("call", ["store.rolled_back", "feed.seek", "store.commit", "producer.write"])
@pytest.mark.parametrize("more", [[], [FROZEN.but(token="t1", order_id="of-t1")]])
@in_virtual_time
async def test_policies_that_readers_have_not_seen_are_told_whenever_the_worker_stops(
    more: list[Written], call: str, fault: Fault
) -> None:
    async with running() as world:
        for token in TOKENS:
            world.send(CLICK.but(token=token), PAID.but(token=token, order_id=f"of-{token}"))
        await asyncio.sleep(A_WHILE_S)
        start = world.saved[-1]
        world.chance.upon("producer.write", Fault("slow", 4.9))
        world.start_worker()
        heard = iter((0.0, 8.0))
        world.publish(CLOSED, lambda: next(heard))
        await asyncio.sleep(3.0)
        unpublished = world.saved[-1]
        world.crash(world.workers["A"])
        world.group.expire("A")
        world.roll_back(start)
        await asyncio.sleep(1.0)
        world.send(*more)
        world.publish(LATER, lambda: 0.0)
        await asyncio.sleep(1.0)
        world.roll_back(unpublished)
        world.chance.upon(call, fault, worker="B")
        await world.settle()
        assert_exact(world)
