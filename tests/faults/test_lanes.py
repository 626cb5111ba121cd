"""Lanes that move between workers, and the limits at which a lane stops or sets records aside."""

import asyncio
from collections.abc import Sequence

import pytest

from streams.core.journey import MAX_CONTENTS
from streams.errors import Unavailable
from streams.outbox import MAX_RECORDS, MAX_WAITING, MIN_INTERVAL_S, Outbox
from streams.owner import COUNTER_ROOM
from streams.parking import FOR_EVER, full_name
from streams.publisher_marker import encode_marker
from streams.records import Entry, Marker, ResultRecord, Tip
from streams.topics import DEAD_LETTER
from tests.behaviour.builders import click, entry, paid, policy
from tests.faults.facts import A_WHILE_S, CLICK, ENTRY, FROZEN, LONG_S, ORDER_LIFE, PAID, SLOW, UNFROZEN
from tests.simulation.clock import in_virtual_time
from tests.simulation.exactness import assert_exact
from tests.simulation.publisher import last_marker
from tests.simulation.story import running

POISON = {"fmcg.skincare"}
FULL_FROM = (("shop-entry", MAX_CONTENTS - 1), ("order", 0))


@in_virtual_time
async def test_a_worker_that_is_told_to_stop_publishes_everything_first() -> None:
    async with running() as world:
        world.chance.upon("producer.write", SLOW._replace(seconds=0.8))
        world.send(*ORDER_LIFE)
        await asyncio.sleep(0.1)
        world.send(ENTRY)
        await asyncio.sleep(0.1)
        await world.workers["A"].stop()
        assert world.at_rest()
        assert world.states()[0].outbox == []
        assert_exact(world)


@in_virtual_time
async def test_a_worker_that_leaves_hands_its_lanes_to_the_others() -> None:
    async with running(2, partitions=2) as world:
        for number in range(20):
            world.send(click(at=0, token=f"t{number}"), paid(at=number, token=f"t{number}"))
            if number == 10:
                leaving = world.workers["A"].stop()
            await asyncio.sleep(0.05)
        await leaving
        await world.settle()
        assert_exact(world)
        assert len(world.workers["B"].lanes.positions()) == 2


@in_virtual_time
async def test_lanes_that_change_hands_all_the_time_lose_nothing() -> None:
    async with running(3, partitions=3) as world:
        for number in range(40):
            world.send(click(at=0, token=f"t{number}"), paid(at=number, token=f"t{number % 7}", order=f"o{number}"))
            world.group.swap()
            await asyncio.sleep(0.03)
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_a_worker_that_lacks_the_policies_of_a_lane_waits_and_the_old_ones_go_on() -> None:
    async with running() as world:
        world.send(*ORDER_LIFE)
        await asyncio.sleep(A_WHILE_S)
        stranger = world.start_worker([policy(7, lead="1h")])
        await world.workers["A"].stop()
        await asyncio.sleep(A_WHILE_S)
        assert not stranger.lanes.positions()
        world.roll_back(world.saved[0])
        await asyncio.sleep(LONG_S * 2)
        assert not stranger.lanes.positions()
        stranger.stop()
        world.start_worker()
        await world.settle()
        assert_exact(world)


@in_virtual_time
async def test_counters_that_might_overflow_stop_the_lane() -> None:
    async with running() as world:
        (lane,) = world.workers["A"].lanes.lanes()
        world.send(CLICK)
        await asyncio.sleep(A_WHILE_S)
        assert lane.owner is not None
        lane.owner._spent = COUNTER_ROOM - 1
        world.send(PAID)
        await asyncio.sleep(A_WHILE_S)
        assert "might overflow 64 bits" in str(lane.stopped)


@in_virtual_time
async def test_a_full_journey_takes_no_more_and_a_replay_sets_the_same_records_aside() -> None:
    async with running() as world:
        world.send(CLICK, *(entry(f"e{number}", at=number) for number in range(MAX_CONTENTS - 5)))
        await asyncio.sleep(A_WHILE_S)
        world.chance.batch_offsets = 7
        world.send(
            *(entry(f"late-{number}", at=number) for number in range(20)), *(paid(f"p{n}", at=n) for n in range(20))
        )
        await world.settle()
        parked = world.states()[0].parked
        assert parked == {full_name(topic, b"t1"): [(at, FOR_EVER)] for topic, at in FULL_FROM}
        assert len(list(world.kafka.logs[DEAD_LETTER, 0].committed(0))) == 36
        assert_exact(world)
        world.roll_back(world.saved[0])
        world.chance.batch_offsets = 400
        await world.settle()
        assert world.states()[0].parked == parked
        assert_exact(world)


@pytest.mark.parametrize("batch_offsets", [3, 500])
@in_virtual_time
async def test_markers_stay_small_however_much_comes_to_a_full_journey_among_others(batch_offsets: int) -> None:
    async with running() as world:
        world.send(CLICK, *(entry(f"e{number}", at=number) for number in range(MAX_CONTENTS - 3)))
        await asyncio.sleep(A_WHILE_S)
        world.chance.batch_offsets = 100
        for number in range(400):  # every third is held already, every fifth comes twice although it is not
            world.send(
                entry(f"e{number}" if number % 3 == 0 else f"late-{number // 5}", at=number),
                paid(f"p{number % 90}", at=number % 90),
                entry(f"of-another-{number}", at=number, token=f"t{2 + number}"),
            )
        await world.settle()
        _, marker = last_marker(world.kafka, 0)
        assert marker is not None
        assert len(encode_marker(marker)) < 500
        assert_exact(world)
        world.chance.batch_offsets = batch_offsets
        world.roll_back(world.saved[0])
        await world.settle()
        assert world.states()[0].parked == marker.parked
        assert_exact(world)


@in_virtual_time
async def test_records_that_the_core_cannot_digest_are_set_aside_and_the_others_go_on() -> None:
    async with running() as world:
        world.workers["A"].poison |= POISON
        world.send(CLICK, PAID, click(at=0, token="t2", category="toys"), paid(at=1, token="t2"))
        await world.settle()
        assert world.states()[0].parked == {"click-out:internal": [(0, 1)], "order:internal": [(0, 1)]}
        assert [result.token for result in world.results()] == ["t2"]
        assert_exact(world)


class Refusing:
    """A producer that fails when it is told to."""

    def __init__(self) -> None:
        self.fail = asyncio.Event()
        self.published: list[int] = []

    async def publish(self, entries: Sequence[Entry]) -> None:
        self.published.append(sum(len(entry.results) for entry in entries))
        await self.fail.wait()
        raise Unavailable("Kafka is away")

    async def close(self) -> None:
        """Nothing to close."""


def entry_of(results: int) -> Entry:
    """An entry with so many results."""
    result = ResultRecord(b"t1", "order:o1@1", "order", b"{}")
    return Entry(Marker(Tip("owner", 1), {}, [1], {}), 0, [result] * results, [])


@in_virtual_time
async def test_an_outbox_that_has_failed_keeps_nobody_waiting_for_room() -> None:
    producer = Refusing()
    outbox = Outbox(producer, [], None)
    failures: list[Exception] = []
    sender = asyncio.create_task(outbox.run(failures.append))
    await outbox.add(entry_of(MAX_WAITING - 1))
    await asyncio.sleep(0)
    producer.fail.set()
    await sender
    await asyncio.wait_for(outbox.add(entry_of(2)), 1)
    assert len(failures) == 1


@in_virtual_time
async def test_commits_wait_while_too_much_is_on_its_way() -> None:
    outbox = Outbox(Refusing(), [], None)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outbox.add(entry_of(MAX_WAITING + 1)), 60)


class Willing:
    """A producer that publishes whatever it is given, at once."""

    def __init__(self) -> None:
        self.published: list[int] = []

    async def publish(self, entries: Sequence[Entry]) -> None:
        self.published.append(sum(len(entry.results) for entry in entries))

    async def close(self) -> None:
        """Nothing to close."""


async def published_of(entries: int, results: int) -> tuple[list[int], float]:
    """What an outbox makes transactions of when entries come one upon the other, and how long it takes them."""
    producer, clock = Willing(), asyncio.get_running_loop().time
    outbox = Outbox(producer, [], None)
    sender = asyncio.create_task(outbox.run(lambda _: None))
    for _ in range(entries):
        await outbox.add(entry_of(results))
        await asyncio.sleep(0.001)
    await outbox.drained()
    took_s = clock()
    sender.cancel()
    await asyncio.gather(sender, return_exceptions=True)
    return producer.published, took_s


@in_virtual_time
async def test_a_flood_of_results_is_not_held_up_between_transactions() -> None:
    _, took_s = await published_of(25, 4_000)
    assert took_s < MIN_INTERVAL_S


@in_virtual_time
async def test_commits_with_few_results_share_a_transaction() -> None:
    published, _ = await published_of(100, 1)
    assert published == [1, 99]


@in_virtual_time
async def test_what_is_left_of_a_fork_is_published_in_one_transaction_whatever_its_size() -> None:
    producer = Refusing()
    producer.fail.set()
    await Outbox(producer, [entry_of(MAX_RECORDS), entry_of(MAX_RECORDS)], None).run(lambda _: None)
    assert producer.published == [2 * MAX_RECORDS]


@in_virtual_time
async def test_a_zombie_that_wakes_during_a_hand_over_does_no_harm() -> None:
    async with running(2) as world:
        owner = next(worker for worker in world.workers.values() if worker.lanes.lanes())
        world.send(CLICK, PAID)
        world.chance.upon("producer.commit", lambda: world.pause(owner))
        await asyncio.sleep(LONG_S)
        world.send(FROZEN)
        owner.stop()
        world.wake(owner)
        world.send(UNFROZEN)
        await world.settle()
        assert_exact(world)
