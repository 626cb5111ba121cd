"""What a worker costs that has nothing to do, after it had."""

import asyncio
from dataclasses import dataclass

from bench.ownership import Lanes
from bench.processes import rss_mib
from bench.traffic import send
from bench.world import World, progress, redcat

EVENTS = 20_000
SETTLE_S = 3.0


@dataclass(frozen=True)
class Idle:
    """A worker that owns all lanes, all records absorbed."""

    processor_percent: float  # of one core
    rss_mib: float


async def measure(world: World) -> Idle:
    """Processor time over the plan's `idle_s`, and resident memory at its end."""
    settings = await world.namespace("idle")
    await send(settings, events=EVENTS, seed=world.plan.seed)
    async with world.running(settings, *redcat("worker")) as worker:
        lanes = Lanes(world, settings)
        await lanes.joined(1)
        await lanes.until_quiet()
        await asyncio.sleep(SETTLE_S)
        progress.print(f"idle: {world.plan.idle_s:.0f} s")
        before_s = await world.worker_processor_s(worker)
        await asyncio.sleep(world.plan.idle_s)
        spent_s = await world.worker_processor_s(worker) - before_s
        idle = Idle(spent_s / world.plan.idle_s * 100, rss_mib(worker.pid))
        await worker.stop()
    return idle
