"""Workers of two versions in one group: the first reads three topics, the next one more and metrics beside them."""

import asyncio

import pytest

from streams.topics import LANE_TOPICS
from tests.behaviour.builders import cart, favourite, metric
from tests.faults.facts import A_WHILE_S, CLICK, ENTRY, FROZEN, LATE_CLICK, LONG_S, PAID, UNFROZEN
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.schedules import OLD
from tests.simulation.story import Story, running

ACTIONS = favourite(at=700), cart(at=1_500)
FIGURES = metric(at=10, reads=7)
RELEASE_S = 3.0  # for workers to be replaced, and for what was sent to be absorbed


def serving(world: Story) -> dict[str, set[int]]:
    """The lanes that each worker serves."""
    return {name: set(worker.lanes.positions()) for name, worker in world.workers.items()}


@in_virtual_time
async def test_facts_that_waited_for_the_upgrade_count_as_if_they_had_come_today() -> None:
    async with running(2, partitions=2, kinds=OLD) as world:
        world.send(CLICK, *ACTIONS, FIGURES, PAID)
        await asyncio.sleep(A_WHILE_S)
        assert [result.kind for result in world.results()] == ["order"]
        world.release(LANE_TOPICS)
        world.send(FROZEN, LATE_CLICK)
        await world.settle()
        assert {result.kind for result in world.results()} == {"order", "favourite", "cart"}
        assert_exact(world)


@in_virtual_time
async def test_versions_share_the_lanes_and_serve_none_twice() -> None:
    async with running(1, partitions=4, kinds=OLD) as world:
        world.kinds = LANE_TOPICS
        world.start_worker()
        for number in range(30):
            world.send(CLICK.but(token=f"t{number}"), ACTIONS[0].but(token=f"t{number}"), PAID.but(token=f"t{number}"))
            world.send(FIGURES.but(note_id=f"n{number}"))
            await asyncio.sleep(0.1)
        old, new = serving(world)["A"], serving(world)["B"]
        assert len(old) == 2
        assert new == {lane for number in {0, 1, 2, 3} - old for lane in (number, number + 4)}
        world.release(LANE_TOPICS)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_lane_that_goes_back_to_the_first_version_keeps_what_that_does_not_know() -> None:
    async with running(1, kinds=OLD) as world:
        world.release(LANE_TOPICS)
        world.send(CLICK, *ACTIONS, FIGURES)
        await asyncio.sleep(RELEASE_S)
        stood = world.states()[0].positions["shop-action"]
        assert stood == len(ACTIONS)

        world.release(OLD)
        await asyncio.sleep(RELEASE_S)
        world.send(
            PAID,
            LATE_CLICK,
            favourite("later", at=2_500),
            FIGURES.but(event_id="later", at_ms=FIGURES.fields["at_ms"] + 1),
        )
        await asyncio.sleep(RELEASE_S)
        assert world.states()[0].positions["shop-action"] == stood
        assert {result.result_id: result.note_id for result in world.results() if result.kind != "order"} == {
            f"favourite:{ACTIONS[0].fields['event_id']}": "n2",  # the first version knows what they are
            f"cart:{ACTIONS[1].fields['event_id']}": "n2",
        }

        world.release(LANE_TOPICS)
        world.send(UNFROZEN)
        await world.settle()
        assert_exact(world)


@pytest.mark.parametrize("state", [0, 3])  # nothing, and the first fact of each topic
@in_virtual_time
async def test_what_only_a_newer_version_can_replay_stops_the_lane_until_one_has_it(state: int) -> None:
    async with running(1, kinds=LANE_TOPICS) as world:
        world.chance.batch_offsets = 1
        world.send(CLICK, *ACTIONS, FIGURES, PAID)
        await asyncio.sleep(A_WHILE_S)
        world.release(OLD)
        await asyncio.sleep(RELEASE_S)
        world.roll_back(world.saved[state])
        await asyncio.sleep(5)
        (lane,) = world.workers["B"].lanes.lanes()
        assert "of topic shop-action, which this version does not read: run a newer Redcat" in str(lane.stopped)
        world.send(ENTRY)
        world.release(LANE_TOPICS)
        await asyncio.sleep(LONG_S)
        await world.settle()
        assert_exact(world)
