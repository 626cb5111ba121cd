"""Workers on a Redis Cluster whose slots move and whose nodes die, while traffic flows."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle, takewhile

from app.draining import drained
from app.kafka_sender import Sending, kafka_sender
from app.local_stack.valkey_server import ValkeyServer
from app.reading import reading
from app.redis_store.cluster import slot_of
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from streams.errors import RedcatError
from tests.integration.simulated import assert_as_simulated
from tests.integration.workers import working
from tests.valkey_cluster import ValkeyCluster

MOVING_S = 60.0
DRAINED_S = 120.0
PAUSE_S = 0.05


class ClusterFaults:
    """The faults of a run, each over when every lane commits again."""

    def __init__(self, settings: Settings, cluster: ValkeyCluster, seed: int) -> None:
        self._settings = settings
        self._cluster = cluster
        self._chance = random.Random(seed)
        self.done: dict[str, int] = {}

    async def all(self) -> None:
        """Each kind once, in a random order."""
        kinds = [self.slot_moved_key_by_key, self.slot_moved_at_once, self.primary_killed]
        for fault in self._chance.sample(kinds, len(kinds)):
            await fault()

    async def slot_moved_key_by_key(self) -> None:
        """A shard goes to another node, during which its keys are on both."""
        await self._over("slot moved key by key", self._cluster.move)

    async def slot_moved_at_once(self) -> None:
        """A shard goes to another node from one moment to the next."""
        await self._over("slot moved at once", self._cluster.move_at_once)

    async def primary_killed(self) -> None:
        """A node dies with what its replica has not heard yet; later it comes back as a replica."""
        slot = self._slot()
        dead = await self._cluster.fail_over(slot)
        await self.until_moving()
        await dead.start()
        await self._cluster.until_whole()
        self._note("primary killed")

    async def _over(self, name: str, move: Callable[[int, ValkeyServer], Awaitable[None]]) -> None:
        slot = self._slot()
        source = await self._cluster.primary_of(slot)
        others = [node for node in await self._cluster.primaries() if node is not source]
        await move(slot, self._chance.choice(others))
        await self.until_moving()
        self._note(name)

    def _slot(self) -> int:
        return slot_of(self._chance.randrange(self._settings.shards))

    def _note(self, name: str) -> None:
        self.done[name] = self.done.get(name, 0) + 1

    async def until_moving(self) -> None:
        """Return when every token lane has committed once more."""
        lanes = range(self._settings.partitions)
        before: dict[int, int] | None = None
        async with asyncio.timeout(MOVING_S):
            while True:
                now = await _sequences(self._settings)
                before = before or now
                if now and before and all(now.get(lane, 0) > before.get(lane, 0) for lane in lanes):
                    return
                await asyncio.sleep(PAUSE_S)


async def exact_through_faults(
    settings: Settings, cluster: ValkeyCluster, *, seed: int, events: int, rate: float, rounds: int, workers: int
) -> dict[str, int]:
    """Run workers through rounds of all faults while `events` come in, again and again if they are too few.

    Asserts counters and results against the simulator's truth, for which repetitions make no difference.  Returns how
    often each fault was done.
    """
    tallies, faults = Tallies(full_results=True), ClusterFaults(settings, cluster, seed)
    config = SimulatorConfig(events=events, seed=seed, partitions=settings.partitions, full_results=True)
    records, over = list(simulate(config, tallies)), asyncio.Event()
    async with _workers(settings, workers):
        async with kafka_sender(settings, Sending(rate=rate)) as sender, asyncio.TaskGroup() as tasks:
            tasks.create_task(sender.send(takewhile(lambda _: not over.is_set(), cycle(records))))
            await faults.until_moving()
            for _ in range(rounds):
                await faults.all()
            over.set()
        async with kafka_sender(settings) as rest:
            await rest.send(records[sender.sent :])
        for _ in range(2):  # a forwarded record is input as well
            async with asyncio.timeout(DRAINED_S):
                await drained(settings)
    await assert_as_simulated(settings, tallies)
    return faults.done


@asynccontextmanager
async def _workers(settings: Settings, number: int) -> AsyncIterator[None]:
    if number == 0:
        yield
        return
    async with working(settings), _workers(settings, number - 1):
        yield


async def _sequences(settings: Settings) -> dict[int, int]:
    """How many commits each lane has seen; nothing while that cannot be read."""
    try:
        async with reading(settings) as reader:
            return {lane.lane: lane.tip.sequence for lane in await reader.lanes()}
    except RedcatError:
        return {}
