"""A warm worker under light traffic: how soon a record shows, and what it costs there."""

import asyncio
import sys
from dataclasses import dataclass
from itertools import islice

import msgspec

from app.local_stack.server_process import ServerProcess
from app.settings import Settings
from app.simulator.truth_file import truth_of
from bench.exactness import Exactness, check
from bench.light import LightTraffic, light_traffic
from bench.ownership import Lanes
from bench.percentile import percentile
from bench.probes import Timed, probes
from bench.processes import redis_processor_s
from bench.world import World, capture, progress, redcat


@dataclass(frozen=True)
class Latency:
    """From the call that produces a record until its counter is read, and until its result is."""

    rate_per_s: int
    probes: int
    counter_p50_ms: float
    counter_p99_ms: float
    result_p50_ms: float
    result_p99_ms: float
    worker_us_per_event: float
    redis_us_per_event: float
    exactness: Exactness


async def measure(world: World) -> Latency:
    """Warm-up, then processor time without probes, then probes; the traffic goes on evenly through all three."""
    plan, settings = world.plan, await world.namespace("light")
    seconds = plan.warm_up_s + plan.light_cost_s + plan.light_probes_s
    async with (
        light_traffic(settings, rate=plan.light_rate, seconds=seconds, seed=plan.seed) as traffic,
        world.running(settings, *redcat("worker")) as worker,
    ):
        await Lanes(world, settings).joined(1)
        progress.print(f"latency: {plan.light_rate:,} records a second for {seconds:.0f} s")
        traffic.begin()
        await asyncio.sleep(plan.warm_up_s)
        worker_us, redis_us = await _cost(world, worker, traffic)
        timed = await _probe(world, settings)
        await traffic.all_sent()
        await worker.stop()
    await world.drain(settings)
    for probe in islice(probes(plan.seed), len(timed.to_counter_s)):
        traffic.tallies.tell(probe)
    return Latency(
        rate_per_s=plan.light_rate,
        probes=len(timed.to_counter_s),
        counter_p50_ms=percentile(timed.to_counter_s, 50) * 1e3,
        counter_p99_ms=percentile(timed.to_counter_s, 99) * 1e3,
        result_p50_ms=percentile(timed.to_result_s, 50) * 1e3,
        result_p99_ms=percentile(timed.to_result_s, 99) * 1e3,
        worker_us_per_event=worker_us,
        redis_us_per_event=redis_us,
        exactness=await check(world, settings, truth_of(traffic.tallies)),
    )


async def _probe(world: World, settings: Settings) -> Timed:
    plan = world.plan
    numbers = map(str, (plan.seed, plan.probes_per_s, plan.light_probes_s))
    return msgspec.json.decode(await capture(settings, sys.executable, "-m", "bench.probes", *numbers), type=Timed)


async def _cost(world: World, worker: ServerProcess, traffic: LightTraffic) -> tuple[float, float]:
    """Processor time per event of worker and Redis, in us, over the plan's `light_cost_s`."""
    sent = traffic.sent
    worker_s, redis_s = await world.worker_processor_s(worker), await redis_processor_s(world.redis)
    await asyncio.sleep(world.plan.light_cost_s)
    worker_s = await world.worker_processor_s(worker) - worker_s
    redis_s = await redis_processor_s(world.redis) - redis_s
    events = traffic.sent - sent
    return worker_s / events * 1e6, redis_s / events * 1e6
