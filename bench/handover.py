"""How long the lanes of a worker stand still that was killed, or asked to stop, under traffic."""

import asyncio
from dataclasses import dataclass

from app.simulator.truth_file import truth_of
from bench.exactness import Exactness, check
from bench.light import light_traffic
from bench.ownership import Lanes
from bench.world import World, progress, redcat


@dataclass(frozen=True)
class Handover:
    """From the signal to the first commit by others on the last of the worker's lanes."""

    rate_per_s: int
    after_kill_s: float
    after_sigterm_s: float
    exactness: Exactness


async def measure(world: World) -> Handover:
    """Two workers under traffic: one is killed, another joins, then the older one is asked to stop."""
    settings, rate = await world.namespace("handover"), world.plan.handover_rate
    lanes, loop = Lanes(world, settings), asyncio.get_running_loop()
    worker = redcat("worker")
    async with (
        light_traffic(settings, rate=rate, seconds=world.plan.handover_s, seed=world.plan.seed) as traffic,
        world.running(settings, *worker) as first,
    ):
        traffic.begin()
        (first_member,) = await lanes.joined(1)
        async with world.running(settings, *worker) as second:
            shares = await lanes.joined(2)
            await lanes.all_move()
            progress.print("hand-over: kill -9")
            killed = loop.time()
            await first.kill()
            after_kill_s = await lanes.moved_on(shares[first_member]) - killed
            (second_member,) = await lanes.joined(1)
            async with world.running(settings, *worker) as third:
                shares = await lanes.joined(2)
                await lanes.all_move()
                progress.print("hand-over: SIGTERM")
                asked = loop.time()
                stopping = asyncio.create_task(second.stop())
                after_sigterm_s = await lanes.moved_on(shares[second_member]) - asked
                await stopping
                progress.print("hand-over: the rest of the traffic")
                await traffic.all_sent()
                await third.stop()
    await world.drain(settings)
    exactness = await check(world, settings, truth_of(traffic.tallies))
    return Handover(rate, after_kill_s, after_sigterm_s, exactness)
