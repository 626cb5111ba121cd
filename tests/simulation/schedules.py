"""Runs of small hard traffic through random faults; a run follows from its seed, or from a seed and its faults."""

import asyncio
import random
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from streams.outbox import MAX_RECORDS
from streams.topics import LANE_TOPICS
from tests.behaviour.builders import click, entry, paid, step
from tests.generators.journeys import Scenario, hard_journeys
from tests.generators.policies import DEFAULT_POLICY, Document
from tests.generators.records import Written
from tests.oracle.intake import Record
from tests.oracle.placement import partition_of
from tests.simulation.chance import Drawn
from tests.simulation.clock import run
from tests.simulation.exactness import assert_exact
from tests.simulation.feed import Kinds
from tests.simulation.kafka import Content
from tests.simulation.process import Fault
from tests.simulation.servers import START_MS
from tests.simulation.world import World

PACES_S = ((0.0, 0.01, 0.3, 2.0), (0.0, 0.002, 0.02), (0.1, 0.3), (1.0, 2.0), (0.0, 0.0, 9.0))
"""Pauses between what is sent."""

TOKENS: Kinds = LANE_TOPICS[:1]
TOKENS_AND_METRICS: Kinds = LANE_TOPICS
OLD = (("click-out", "shop-entry", "order"),)
"""What the first version read; records of all topics come from the start."""

RELEASES = (*((TOKENS,),) * 10, *((TOKENS_AND_METRICS,),) * 4, (OLD, LANE_TOPICS), (OLD, LANE_TOPICS, OLD, LANE_TOPICS))
"""What workers read, one version after the other: an upgrade may be taken back for a while."""

RELEASED_S = (0.0, 0.05, 1.0, 5.0)
"""How long a version stays before workers of the next begin to replace its own."""

HEARD_S = (0.0, 0.01, 0.3, 2.0, 6.0)
"""How long it takes until a worker hears of a policy."""

MOST_RECORDS = (MAX_RECORDS, MAX_RECORDS, 2, 1)
"""How many fit into a transaction: few, and entries wait although one is under way."""

MOST_FACTS = (2, 3, 3, 4, 4, 5, 6, 8, 20)


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
    scenario = _traffic(seed, choice, policies=chance.restates)
    first, *later = choice.choice(RELEASES)
    metrics = any(len(kinds) > 1 for kinds in (first, *later))
    at_once, later_on = _parted(scenario.policies, choice, later=chance.restates)
    world = World(partitions=choice.choice((1, 1, 1, 2)), chance=chance, policies=at_once, kinds=first)
    world.most_records = random.Random(f"records {seed}").choice(MOST_RECORDS)
    failure = None
    try:
        for _ in range(choice.choice((1, 2, 2, 3))):
            world.start_worker()
        releasing = asyncio.create_task(_release(world, later, choice.choice(RELEASED_S)))
        producer, pauses_s = Producer(world, choice), choice.choice(PACES_S)
        for records in choice.choice((scenario.batches, [[record] for record in scenario.records])):
            await asyncio.sleep(choice.choice(pauses_s))
            await producer.send([*records, *(figures(choice) if metrics else [])])
            if later_on and choice.random() < 0.2:
                world.publish(later_on.pop(), lambda: choice.choice(HEARD_S))
        for document in later_on:
            world.publish(document, lambda: choice.choice(HEARD_S))
        await releasing
        await world.settle()
        assert_exact(world)
    except Exception as error:
        failure = error
    for worker in world.workers.values():
        worker.process.kill()
    return Run(chance.plan, chance.points, world.log, failure)


def _traffic(seed: int, choice: random.Random, *, policies: bool) -> Scenario:
    if choice.random() < 0.4 and not policies:
        return flips(choice)
    return hard_journeys(seed, most_facts=choice.choice(MOST_FACTS), hard_policies=policies or choice.random() < 0.5)


def flips(choice: random.Random) -> Scenario:
    """An order or two, frozen and released again and again: between two equal states nobody sees a difference."""
    records: list[Written] = []
    for token in ("t1", "t2")[: choice.choice((1, 1, 2))]:
        records += [click(at=0, token=token), paid(at=1, token=token, order=f"o-{token}")]
        for at in range(2, choice.choice((4, 5, 6, 8, 10))):
            records.append(step(("frozen", "unfrozen")[at % 2], at=at, token=token, order=f"o-{token}"))
            if choice.random() < 0.15:
                records.append(click(at=choice.choice((0, 1)), token=token, note="n2"))
            if choice.random() < 0.15:
                records.append(entry(at=at, token=token).but(event_id=choice.choice(("e1", "", "e2"))))
    if choice.random() < 0.3:
        choice.shuffle(records)
    sent = [Record(one.topic, partition_of(one.key, 4), 0, one.key, one.value) for one in records]
    return Scenario([DEFAULT_POLICY], 4, [sent])


def _parted(
    policies: Sequence[Document], choice: random.Random, *, later: bool
) -> tuple[list[Document], list[Document]]:
    """Those in force from the start, and those that are published later."""
    if choice.random() < 0.5 and not later:
        return list(policies), []
    shuffled = choice.sample(list(policies), len(policies))
    return shuffled[:1], shuffled[1:]


async def _release(world: World, versions: Sequence[Kinds], each_s: float) -> None:
    for kinds in versions:
        await asyncio.sleep(each_s)
        world.release(kinds)


def figures(choice: random.Random) -> list[Record]:
    """Some records of notes' own figures, in conflict with each other now and then; seldom one that is none."""
    written = [
        Written("note-metric", {
            "event_id": choice.choice("abc"), "note_id": choice.choice(("n1", "n2", "n3")),
            "at_ms": START_MS + choice.randrange(3), "reads": choice.randrange(3 - 4 * (choice.random() < 0.05), 9),
            "likes": choice.randrange(3), "saves": 0,
        })
        for _ in range(choice.choice((0, 0, 1, 3)))
    ]  # fmt: skip
    return [Record(one.topic, partition_of(one.key, 4), 0, one.key, one.value) for one in written]


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
    if run.failure is None:
        return lines(run, f"seed {seed} is exact")
    plan = needed(run.plan, lambda fewer: play(seed, fewer).failure is not None)
    shortest = play(seed, plan)
    again = f"seed {seed} fails with {plan}; again: python -m tests.simulation {seed}"
    return lines(shortest if shortest.failure is not None else run, again)


def lines(run: Run, end: str) -> str:
    """What happened in a run, when, and how it ended."""
    steps = [f"{at_s:9.3f}  {text}" for at_s, text in run.log]
    reason = traceback.format_exception(run.failure) if run.failure is not None else []
    return "\n".join([*steps, "".join(reason), end])


class Producer:
    """Somebody who sends facts, with or without transactions."""

    def __init__(self, world: World, choice: random.Random) -> None:
        self._world = world
        self._choice = choice

    async def send(self, records: list[Record]) -> None:
        """Send records one by one, in a transaction, or also in one that is aborted."""
        places = [
            (record.topic, self._partition(record), Content(START_MS, record.key, record.value)) for record in records
        ]
        way = self._choice.choice(("plain", "plain", "committed", "slow", "aborted"))
        kafka = self._world.kafka
        if way == "plain":
            for topic, partition, content in places:
                (offset,) = kafka.append(topic, partition, [content])
                self._world.produced.add((topic, partition, offset))
            return
        epoch = kafka.init("producer")
        commits = (False, True) if way == "aborted" else (True,)
        for commit in commits:
            for topic, partition, content in places:
                self._world.produced.add((topic, partition, kafka.logs[topic, partition].end))
                kafka.write("producer", epoch, {(topic, partition): [content]})
            if way == "slow":
                await asyncio.sleep(2.0)
            kafka.end("producer", epoch, commit=commit)

    def _partition(self, record: Record) -> int:
        """Two partitions at most, and what is misplaced stays so if it can."""
        partitions = self._world.partitions
        right = partition_of(record.key or b"", partitions)
        misplaced = partition_of(record.key or b"", 4) != record.partition
        return (right + misplaced) % partitions
