"""The floor: what it costs to fetch the records and to decode them into typed values, and no more."""

import json
import sys
from dataclasses import dataclass

from app.settings import Settings
from bench.traffic import send
from bench.world import World, capture, progress


@dataclass(frozen=True)
class Floor:
    """Processor time of a process that only reads, its start-up not counted."""

    events: int
    plain_us_per_event: float
    feed_us_per_event: float


async def measure(world: World) -> Floor:
    """Read the records of the first end-to-end run, with aiokafka's consumer and with Redcat's feed."""
    settings, events = await world.namespace("floor"), world.plan.end_to_end_events[0]
    await send(settings, events=events, seed=world.plan.seed)
    progress.print(f"floor: {events:,} records")
    return Floor(events, await _read(settings, "plain"), await _read(settings, "feed"))


async def _read(settings: Settings, way: str) -> float:
    printed = await capture(settings, sys.executable, "-m", "bench.floor_reader", way)
    return float(json.loads(printed)["us_per_event"])
