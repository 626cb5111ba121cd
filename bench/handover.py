"""How long the lanes of a worker stand still that was killed, or asked to stop, under traffic; by tokens held."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from app.local_stack.server_process import ServerProcess
from app.settings import Settings
from app.simulator.truth_file import truth_of
from bench.exactness import Exactness, check
from bench.light import light_traffic
from bench.ownership import Lanes
from bench.world import World, progress, redcat

RECORDS_PER_TOKEN: Final = 2  # of the simulated traffic, about
TURN_S: Final = 40.0  # of traffic for one worker killed and one asked to stop; what is left of it is sent at the end


@dataclass(frozen=True)
class Handover:
    """From the signal to the first commit by others on the last of the worker's lanes, of each turn."""

    tokens: int  # held, about
    rate_per_s: int
    after_kill_s: list[float]
    after_sigterm_s: list[float]
    exactness: Exactness


async def measure(world: World) -> list[Handover]:
    """For each number of tokens of the plan."""
    return [await _measure(world, tokens) for tokens in world.plan.handover_tokens]


async def _measure(world: World, tokens: int) -> Handover:
    """Two workers under traffic: the older one is killed, another joins, the older one is asked to stop, and again."""
    settings, plan = await world.namespace(f"handover-{tokens}"), world.plan
    held, seconds = tokens * RECORDS_PER_TOKEN, plan.handover_turns * TURN_S
    traffic_of = light_traffic(settings, rate=plan.handover_rate, seconds=seconds, seed=plan.seed, at_once=held)
    async with traffic_of as traffic:
        progress.print(f"hand-over: about {tokens:,} tokens first")
        await traffic.send_at_once(held)
        await world.drain(settings)
        async with AsyncExitStack() as workers:
            shift = _Shift(world, settings, workers)
            await shift.begin()
            traffic.begin()
            after_kill_s, after_sigterm_s = [], []
            for turn in range(plan.handover_turns):
                progress.print(f"hand-over: turn {turn + 1} of {plan.handover_turns}")
                after_kill_s.append(await shift.change(ServerProcess.kill))
                after_sigterm_s.append(await shift.change(ServerProcess.stop))
            progress.print("hand-over: the rest of the traffic")
            traffic.hurry()
            await traffic.all_sent()
            await shift.end()
    await world.drain(settings)
    exactness = await check(world, settings, truth_of(traffic.tallies))
    return Handover(tokens, plan.handover_rate, after_kill_s, after_sigterm_s, exactness)


class _Shift:
    """One worker, and for the time of a change another one."""

    def __init__(self, world: World, settings: Settings, workers: AsyncExitStack) -> None:
        self._world = world
        self._settings = settings
        self._workers = workers
        self._lanes = Lanes(world, settings)
        self._at_work: ServerProcess

    async def begin(self) -> None:
        """Start the first worker."""
        self._at_work = await self._start()

    async def change(self, end: Callable[[ServerProcess], Coroutine[None, None, None]]) -> float:
        """Let a new worker join and `end` the old one; how long it takes until its lanes move on."""
        (member,) = await self._lanes.joined(1)
        new = await self._start()
        shares = await self._lanes.joined(2)
        await self._lanes.all_move()
        began_s = asyncio.get_running_loop().time()
        ending = asyncio.create_task(end(self._at_work))
        moved_s = await self._lanes.moved_on(shares[member])
        await ending
        self._at_work = new
        return moved_s - began_s

    async def end(self) -> None:
        """Ask the last worker to stop."""
        await self._at_work.stop()

    async def _start(self) -> ServerProcess:
        return await self._workers.enter_async_context(self._world.running(self._settings, *redcat("worker")))
