"""How soon lanes commit again after Kafka or Valkey has come back from a crash, under traffic."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.local_stack.kafka_server import KafkaServer
from app.local_stack.server_process import free_port
from app.local_stack.stack import LocalStack
from app.local_stack.valkey_server import ValkeyServer
from app.simulator.truth_file import truth_of
from bench.exactness import Exactness, check
from bench.light import light_traffic
from bench.ownership import Lanes
from bench.processes import rss_mib
from bench.world import World, progress, redcat

TURN_S: Final = 20.0  # of traffic beside the time away, for one crash of one server


@dataclass(frozen=True)
class Outage:
    """From the moment in which the server answers again to the first commit of the last lane, of each turn."""

    rate_per_s: int
    away_s: float
    after_kafka_s: list[float]
    after_valkey_s: list[float]
    worker_grown_mib: float  # at its highest, over what it was before the first outage
    exactness: Exactness


async def measure(world: World) -> Outage:
    """One worker under traffic on servers of its own, which forget nothing; they are killed in turn."""
    folder = Path(tempfile.mkdtemp(prefix="redcat-outage-"))
    try:
        async with LocalStack(free_port(), free_port(), folder) as stack:
            own = World(stack, world.plan)
            try:
                return await _measure(own)
            finally:
                await own.redis.aclose()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _measure(world: World) -> Outage:
    settings, plan = await world.namespace("outage"), world.plan
    lanes, stack = Lanes(world, settings), world.stack
    seconds = plan.outage_turns * 2 * (plan.outage_away_s + TURN_S)
    async with (
        light_traffic(settings, rate=plan.outage_rate, seconds=seconds, seed=plan.seed) as traffic,
        world.running(settings, *redcat("worker")) as worker,
    ):
        traffic.begin()
        await lanes.joined(1)
        await lanes.all_move()
        before_mib = rss_mib(worker.pid)
        after_kafka_s, after_valkey_s = [], []
        for turn in range(plan.outage_turns):
            progress.print(f"outage: turn {turn + 1} of {plan.outage_turns}")
            after_kafka_s.append(await _crash(world, stack.kafka_server, lanes))
            after_valkey_s.append(await _crash(world, stack.valkey_server, lanes))
        grown_mib = rss_mib(worker.pid, peak=True) - before_mib
        traffic.hurry()
        await traffic.all_sent()
        await worker.stop()
    await world.drain(settings)
    exactness = await check(world, settings, truth_of(traffic.tallies))
    return Outage(plan.outage_rate, plan.outage_away_s, after_kafka_s, after_valkey_s, grown_mib, exactness)


async def _crash(world: World, server: KafkaServer | ValkeyServer, lanes: Lanes) -> float:
    """Kill a server and start it again; seconds from its return until every lane has moved."""
    await server.kill()
    await world.redis.connection_pool.disconnect()
    await asyncio.sleep(world.plan.outage_away_s)
    await server.start()
    back_s = asyncio.get_running_loop().time()
    await lanes.all_move()
    took_s = asyncio.get_running_loop().time() - back_s
    await lanes.all_move()  # steadily, before the next one
    return took_s
