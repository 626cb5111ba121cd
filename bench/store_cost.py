"""What the store costs, and why it commits as it does: `python -m bench.store_cost`.

The forms of a commit are run in turns on one embedded Valkey, so that their ratios hold on a busy machine too.
"""

import asyncio
import gc
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple, Protocol

from redis.asyncio import Redis

from app.connections import redis_address
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.redis_store.link import Dial, Link, dialler
from app.redis_store.store import RedisStore
from app.settings import Settings
from bench.commit_scripts import SCRIPTS, ScriptStore
from bench.processes import redis_processor_s
from bench.store_load import DAY_MS, EVENTS, loads, on_tip
from streams.commits import Commit, Increments, Journeys
from streams.records import Tip

TURNS, COMMITS_A_TURN = 6, 10
LENGTHS = (70, 88, 89, 110)  # of journeys, for the memory they take
TOKENS = (100_000, 400_000)
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd: makes different tokens of different numbers


class Commits(Protocol):
    """The part of the store that has several forms."""

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip: ...


class Cost(NamedTuple):
    """Processor time in microseconds per event."""

    redis: float
    client: float


class Meter:
    """One form of the commit, measured turn by turn."""

    def __init__(self, store: RedisStore, form: Commits, redis: Redis, tip: Tip) -> None:
        self.loads: list[Cost] = []
        self.commits: list[Cost] = []
        self._store, self._form, self._redis, self._tip = store, form, redis, tip
        self._batches = loads(seed=1)
        self._published: Tip | None = None

    async def turn(self) -> None:
        """Some loads and commits; what is loaded and committed is made outside the measured time."""
        for _ in range(COMMITS_A_TURN):
            tokens, commit = next(self._batches)
            commit = on_tip(commit, self._tip, self._published)
            redis_s, began_s = await redis_processor_s(self._redis), time.thread_time()
            await self._store.load(0, self._tip, tokens)
            redis_s, began_s = await self._note(self.loads, redis_s, began_s)
            self._tip = self._published = await self._form.commit(0, self._tip, commit)
            await self._note(self.commits, redis_s, began_s)

    async def _note(self, costs: list[Cost], redis_s: float, began_s: float) -> tuple[float, float]:
        client_s, now_s = time.thread_time() - began_s, await redis_processor_s(self._redis)
        costs.append(Cost((now_s - redis_s) / EVENTS * 1e6, client_s / EVENTS * 1e6))
        return now_s, time.thread_time()


async def measure_commits(dial: Dial, redis: Redis) -> None:
    """Print what each form of the commit costs."""
    meters: dict[str, Meter] = {}
    for number, form in enumerate(("look, then MULTI with MSETEX", "look, then MULTI with SET", *SCRIPTS)):
        group = f"g{number}"
        store = RedisStore(dial, group, 1)
        tip = (await store.acquire(0, "0123456789abcdef")).tip
        commits: Commits = store
        if form in SCRIPTS:
            commits = ScriptStore(await dial(0), group, form)
        elif form.endswith("SET"):
            commits = RedisStore(_without_msetex(dial), group, 1)
            tip = (await commits.acquire(0, "0123456789abcdef")).tip
        meters[form] = Meter(store, commits, redis, tip)
    gc.disable()
    for _ in range(TURNS):
        for meter in meters.values():
            await meter.turn()
    print(f"{'us per event, medians':32}{'Redis: load':>12}{'commit':>8}{'client: load':>14}{'commit':>8}")
    for form, meter in meters.items():
        load, commit = _medians(meter.loads), _medians(meter.commits)
        print(f"{form:32}{load.redis:12.2f}{commit.redis:8.2f}{load.client:14.2f}{commit.client:8.2f}")


def _medians(costs: list[Cost]) -> Cost:
    # The first turn also makes what later ones find: hashes, definitions, the interpreter's caches.
    settled = costs[COMMITS_A_TURN:]
    return Cost(median(cost.redis for cost in settled), median(cost.client for cost in settled))


def _without_msetex(dial: Dial) -> Dial:
    async def dial_older(shard: int) -> Link:
        link = await dial(shard)
        link.has_msetex = False
        return link

    return dial_older


async def measure_memory(dial: Dial, redis: Redis) -> None:
    """Print how much memory a journey takes, key and expiry included."""
    await redis.config_set("lazyfree-lazy-user-flush", "no")
    print(f"\n{'bytes per journey of':24}" + "".join(f"{f'{count:,} tokens':>18}" for count in TOKENS))
    for length in LENGTHS:
        used = [await _bytes_per_token(dial, redis, count, length) for count in TOKENS]
        print(f"{f'{length} bytes':24}" + "".join(f"{each:18.1f}" for each in used))


async def _bytes_per_token(dial: Dial, redis: Redis, count: int, length: int) -> float:
    await redis.flushall(asynchronous=False)
    store = RedisStore(dial, "redcat", 1)
    tip = (await store.acquire(0, "0123456789abcdef")).tip
    before = (await redis.info("memory"))["used_memory"]
    for start in range(0, count, EVENTS):
        tokens = [f"{number * SPREAD % 2**128:032x}" for number in range(start, start + EVENTS)]
        journeys = [Journeys(16 * DAY_MS + start % 7, tokens, [bytes(length)] * EVENTS)]
        commit = Commit({}, [1], {}, {}, 0, journeys, [], Increments({}, {}), None, None)
        tip = await store.commit(0, tip, commit)
    used = (await redis.info("memory"))["used_memory"]
    await store.close()
    return float(used - before) / count


async def main() -> None:
    """Run all measurements."""
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(free_port(), Path(folder))
        await server.start()
        dial = dialler(redis_address(Settings(redis=server.url)))
        async with Redis.from_url(server.url) as redis:
            await measure_commits(dial, redis)
            await measure_memory(dial, redis)
        await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
