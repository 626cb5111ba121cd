"""Redcat end to end: what a worker and Redis spend on a record, from its fetch until its result is readable."""

import asyncio
from dataclasses import dataclass
from statistics import median

from bench.exactness import Exactness, check
from bench.ownership import Lanes, Span
from bench.traffic import send
from bench.world import Spent, World, progress

STARTS = 3


@dataclass(frozen=True)
class EndToEnd:
    """One run of `redcat worker --drain`; what the same command spends on empty topics is subtracted.

    The throughput is that from the moment when the first lane has an owner until the last commit.
    """

    events: int
    worker_us_per_event: float
    redis_us_per_event: float
    events_per_s: float
    worker_peak_rss_mib: float
    exactness: Exactness


async def measure(world: World) -> list[EndToEnd]:
    """A run for each of the plan's sizes."""
    progress.print("worker: start and stop without records")
    settings = await world.namespace("empty")
    starts = [await world.drain(settings) for _ in range(STARTS)]
    start_up = Spent(*(median(values) for values in zip(*starts, strict=True)))
    return [await _drain(world, events, start_up) for events in world.plan.end_to_end_events]


async def _drain(world: World, events: int, start_up: Spent) -> EndToEnd:
    """One run over `events` records, which are all in Kafka when it begins."""
    settings = await world.namespace(f"drain-{events}")
    truth = await send(settings, events=events, seed=world.plan.seed)
    progress.print(f"worker: {events:,} records")
    span = Span()
    watching = asyncio.create_task(Lanes(world, settings).at_work(span))
    try:
        spent = await world.drain(settings)
    finally:
        watching.cancel()
    return EndToEnd(
        events=events,
        worker_us_per_event=(spent.worker_s - start_up.worker_s) / events * 1e6,
        redis_us_per_event=(spent.redis_s - start_up.redis_s) / events * 1e6,
        events_per_s=events / span.length_s,
        worker_peak_rss_mib=spent.peak_rss_mib,
        exactness=await check(world, settings, truth),
    )
