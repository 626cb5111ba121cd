"""Runs of small hard traffic through random faults; a run follows from its seed, or from a seed and its faults."""

import asyncio
import random
import traceback
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tests.generators.journeys import hard_journeys
from tests.oracle.intake import TOKEN_TOPICS, Record
from tests.oracle.placement import partition_of
from tests.simulation.chance import Drawn
from tests.simulation.clock import run
from tests.simulation.exactness import assert_exact
from tests.simulation.kafka import Content
from tests.simulation.process import Fault
from tests.simulation.servers import START_MS
from tests.simulation.world import World

PACES_S = ((0.0, 0.01, 0.3, 2.0, 10.0), (0.0, 0.002, 0.02), (0.1, 0.3), (1.0, 2.0))
"""Pauses between what is sent."""


class Run(NamedTuple):
    """What happened in a run, and how it ended."""

    plan: dict[int, Fault]
    points: int
    log: list[tuple[float, str]]
    failure: Exception | None


def play(seed: int, plan: Mapping[int, Fault] | None = None) -> Run:
    """Run one schedule to its end."""
    return run(_play(seed, plan))


async def _play(seed: int, plan: Mapping[int, Fault] | None) -> Run:
    chance = Drawn(seed, plan)
    choice = random.Random(seed)
    scenario = hard_journeys(seed)
    world = World(lanes=choice.choice((1, 1, 2)), chance=chance, policies=scenario.policies)
    failure = None
    try:
        for _ in range(choice.choice((1, 2, 2, 3))):
            world.start_worker()
        producer, pauses_s = Producer(world, choice), choice.choice(PACES_S)
        for records in choice.choice((scenario.batches, [[record] for record in scenario.records])):
            await asyncio.sleep(choice.choice(pauses_s))
            await producer.send(records)
        await world.settle()
        assert_exact(world)
    except Exception as error:
        failure = error
    for worker in world.workers.values():
        worker.process.kill()
    return Run(chance.plan, chance.points, world.log, failure)


def needed(plan: Mapping[int, Fault], fails: Callable[[dict[int, Fault]], bool]) -> dict[int, Fault]:
    """The faults of a failing plan without those that the failure does not need."""
    left = dict(plan)
    for number in plan:
        fewer = {other: fault for other, fault in left.items() if other != number}
        if fails(fewer):
            left = fewer
    return left


def told(seed: int, run: Run) -> str:
    """A schedule for people: what happened, and of a failure the faults that it takes."""
    lines = [f"{at_s:9.3f}  {text}" for at_s, text in run.log]
    if run.failure is None:
        return "\n".join([*lines, f"seed {seed} is exact"])
    plan = needed(run.plan, lambda fewer: play(seed, fewer).failure is not None)
    shortest = play(seed, plan)
    lines = [f"{at_s:9.3f}  {text}" for at_s, text in shortest.log]
    reason = "".join(traceback.format_exception(shortest.failure or run.failure))
    again = f"seed {seed} fails with {plan}; again: python -m tests.simulation {seed}"
    return "\n".join([*lines, reason, again])


class Producer:
    """Somebody who sends facts, with or without transactions."""

    def __init__(self, world: World, choice: random.Random) -> None:
        self._world = world
        self._choice = choice

    async def send(self, records: list[Record]) -> None:
        """Send records one by one, in a transaction, or also in one that is aborted."""
        places = [
            (record.topic, self._lane(record), Content(START_MS, record.key, record.value))
            for record in records
            if record.topic in TOKEN_TOPICS
        ]
        way = self._choice.choice(("plain", "plain", "committed", "slow", "aborted"))
        kafka = self._world.kafka
        if way == "plain":
            for topic, lane, content in places:
                (offset,) = kafka.append(topic, lane, [content])
                self._world.produced.add((topic, lane, offset))
            return
        epoch = kafka.init("producer")
        commits = (False, True) if way == "aborted" else (True,)
        for commit in commits:
            for topic, lane, content in places:
                self._world.produced.add((topic, lane, kafka.logs[topic, lane].end))
                kafka.write("producer", epoch, {(topic, lane): [content]})
            if way == "slow":
                await asyncio.sleep(2.0)
            kafka.end("producer", epoch, commit=commit)

    def _lane(self, record: Record) -> int:
        """Two lanes at most, and what is misplaced stays so if it can."""
        lanes = self._world.lanes
        right = partition_of(record.key or b"", lanes)
        misplaced = partition_of(record.key or b"", 4) != record.partition
        return (right + misplaced) % lanes
