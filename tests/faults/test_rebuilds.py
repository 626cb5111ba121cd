"""A copy made beside the workers, interrupted and resumed, that takes the place of what they work on at any moment."""

import asyncio
from contextlib import suppress

import pytest

from tests.faults.facts import A_WHILE_S, CLICK, ENTRY, ORDER_LIFE
from tests.simulation.clock import in_virtual_time
from tests.simulation.copying import CopyOf, Interrupted
from tests.simulation.exactness import assert_exact
from tests.simulation.story import Story, running


async def send_one_by_one(world: Story) -> None:
    for record in ORDER_LIFE:
        world.send(record)
        await asyncio.sleep(A_WHILE_S)


def put_into_force(world: Story, copy: CopyOf) -> None:
    """What the store of the namespace is from now on; to the lanes' owners it is one at another tip."""
    world.roll_back(copy.store.snapshot())


@in_virtual_time
async def test_a_copy_equals_what_it_was_made_beside_and_telling_goes_on_where_it_stopped() -> None:
    async with running(2, partitions=2) as world:
        await send_one_by_one(world)
        await world.settle()
        copy = CopyOf(world)
        await copy.follow()
        assert copy.store.cells() == world.store.cells()
        assert copy.store.ledger() == world.store.ledger()
        told = len(world.results())
        put_into_force(world, copy)
        await world.settle()
        assert len(world.results()) == told
        world.send(ENTRY)
        await world.settle()
        assert_exact(world)
        assert len(world.results()) == told + 1


@pytest.mark.parametrize("interrupted_after", range(5))
@in_virtual_time
async def test_a_copy_that_was_cut_short_at_any_commit_is_gone_on_with(interrupted_after: int) -> None:
    async with running() as world:
        await send_one_by_one(world)
        await world.settle()
        copy = CopyOf(world)
        with suppress(Interrupted):
            await copy.follow(interrupted_after=interrupted_after)
        world.send(ENTRY)
        await world.settle()
        await copy.follow()
        assert copy.store.cells() == world.store.cells()
        put_into_force(world, copy)
        world.send(CLICK.but(token="t2"))
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("call", ["acquire", "load", "commit", "trim", "probe"])
@pytest.mark.parametrize("published", range(len(ORDER_LIFE) + 1))
@in_virtual_time
async def test_an_old_copy_may_be_put_into_force_at_any_step_of_an_owner_that_has_gone_on(
    published: int, call: str
) -> None:
    async with running() as world:
        for record in ORDER_LIFE[:published]:
            world.send(record)
            await asyncio.sleep(A_WHILE_S)
        await world.settle()
        copy = CopyOf(world)
        await copy.follow()
        for record in ORDER_LIFE[published:]:
            world.send(record)
            await asyncio.sleep(A_WHILE_S)
        world.chance.upon(f"store.{call}", lambda: put_into_force(world, copy))
        if call == "acquire":
            world.start_worker()
        world.send(ENTRY)
        await world.settle()
        world.send(CLICK.but(token="t2"))
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_what_a_copy_is_to_tell_again_the_next_owner_tells_once_under_greater_revisions() -> None:
    async with running() as world:
        await send_one_by_one(world)
        await world.settle()
        copy = CopyOf(world)
        await copy.follow()
        await copy.retell()
        told = len(world.results())
        put_into_force(world, copy)
        await world.settle()
        again = world.results()[told:]
        assert [result.result_id for result in again] == ["order:o1"]
        assert again[0].revision > max(result.revision for result in world.results()[:told])
        assert world.store.snapshot().lanes[0].outbox == {}
