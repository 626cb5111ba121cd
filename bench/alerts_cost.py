"""What a look at counters and its evaluation cost, Redis included: `python -m bench.alerts_cost`.

Counters of very many notes are changed every simulated minute, by commits as workers make them, on an embedded Valkey.
"""

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from redis.asyncio import Redis

from app.alerts.evaluation import evaluate
from app.alerts.memory import packed, unpacked
from app.alerts.observing import Observer
from app.alerts.rules_file import read_rules
from app.alerts.state import State
from app.connections import redis_address
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.progress import progress_bar
from app.redis_store.link import Dial, dialler
from app.redis_store.namespace import open_namespace
from app.redis_store.reader import open_reader
from app.redis_store.store import RedisStore
from app.settings import Settings
from bench.processes import redis_processor_s
from streams.commits import Commit, Increments
from streams.records import Tip

GROUP: Final = "redcat"
START_MS: Final = 1_794_758_400_000
MINUTE_MS: Final = 60_000
OF_A_COMMIT: Final = 2_000  # notes
PLATFORMS: Final = ("taobao", "tmall", "jd", "xhs")
RARE: Final = {"clicks_ordered": 0.1, "orders": 0.1, "carts": 0.2, "refused:entry/window_passed": 0.04}


@dataclass(frozen=True)
class LookCost:
    """Processor time of one minute, medians; seconds."""

    notes: int
    changed: int  # of them in a minute
    look_s: float  # the evaluator's, for reading what changed
    redis_s: float
    evaluation_s: float
    first_look_s: float  # of everything
    memory_bytes: int  # what is stored so that a restart loses nothing
    memory_s: float  # for making that, and for going on with it
    recall_s: float
    peak_mib: float  # of the process, commits included


class Notes:
    """Notes with one cell each, and what a minute changes in some of them."""

    def __init__(self, count: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._cells = {
            f"note-{number:09d}": f"c{number % 60}|m{number % 300}|{PLATFORMS[number % 4]}|fmcg.c{number % 20}|note|ad"
            for number in range(count)
        }

    def minute(self, changed: int) -> Iterator[Increments]:
        """The commits of a minute."""
        chosen = self._random.sample(list(self._cells), changed)
        for start in range(0, changed, OF_A_COMMIT):
            cells = {note: {self._cells[note]: self._counters()} for note in chosen[start : start + OF_A_COMMIT]}
            clicks = sum(counters["clicks"] for some in cells.values() for counters in some.values())
            yield Increments(cells, {"click-out:consumed": clicks, "shop-entry:consumed": clicks // 2})

    def _counters(self) -> dict[str, int]:
        clicks = self._random.randint(1, 5)
        counters = {"clicks": clicks, "clicks_entered": (clicks + 1) // 2, "entries": (clicks + 1) // 2}
        for name, often in RARE.items():
            if self._random.random() < often:
                counters[name] = 1
        if "orders" in counters:
            counters["gross_minor:CNY"] = 9_900
        return counters


async def measure(notes: int, changed: int, minutes: int) -> LookCost:
    """Let so many notes change every minute, and look."""
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(free_port(), Path(folder))
        await server.start()
        try:
            dial = dialler(redis_address(Settings(redis=server.url)))
            async with Redis.from_url(server.url) as redis:
                return await _measured(dial, redis, notes, changed, minutes)
        finally:
            await server.stop()


async def _measured(dial: Dial, redis: Redis, notes: int, changed: int, minutes: int) -> LookCost:
    await open_namespace(dial, GROUP, partitions=1, shards=1, policies={1: "{}"})
    store, traffic = RedisStore(dial, GROUP, 1), Notes(notes, 1)
    tip = (await store.acquire(0, "0123456789abcdef")).tip
    rules = msgspec.structs.replace(read_rules(None), learn="0s")
    observer, state = Observer(), State(rules)
    costs: list[tuple[float, float, float]] = []
    reader = await open_reader(dial, GROUP)
    with progress_bar("looks", minutes + 3) as done:
        async with observer.following(reader):
            for minute in range(minutes + 3):
                tip = await _commit(store, tip, traffic.minute(changed if minute else notes))
                await asyncio.sleep(0.6)  # that the changes are heard of, as between two looks
                redis_s, began_s = await redis_processor_s(redis), time.process_time()
                seen = await observer.look(reader, START_MS + minute * MINUTE_MS)
                look_s, redis_s = time.process_time() - began_s, await redis_processor_s(redis) - redis_s
                began_s = time.process_time()
                evaluate(rules, state, seen.observations, START_MS + minute * MINUTE_MS)
                costs.append((look_s, redis_s, time.process_time() - began_s))
                done(minute + 1)
    await reader.close()
    await store.close()
    look_s, redis_s, evaluation_s = (median(of) for of in zip(*costs[3:], strict=True))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    remembered = _remembered(state, observer)
    return LookCost(notes, changed, look_s, redis_s, evaluation_s, costs[0][0], *remembered, peak_mib)


def _remembered(state: State, observer: Observer) -> tuple[int, float, float]:
    """The size of what is remembered, and the processor time of making it and of going on with it."""
    began_s = time.process_time()
    memory = packed(state, observer)
    made_s = time.process_time()
    if unpacked(memory, state.rules, state.at_ms or 0) is None:
        raise ValueError("what was remembered cannot be read")
    return len(memory), made_s - began_s, time.process_time() - made_s


async def _commit(store: RedisStore, tip: Tip, minute: Iterator[Increments]) -> Tip:
    for increments in minute:
        tip = await store.commit(0, tip, Commit({}, [1], {}, {}, 0, [], [], increments, None, None))
    return tip


def main(arguments: Sequence[str]) -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.alerts_cost", description=__doc__)
    parser.add_argument("--notes", type=int, default=100_000)
    parser.add_argument("--changed", type=int, help="of them in a minute; default: all")
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    cost = asyncio.run(measure(options.notes, options.changed or options.notes, options.minutes))
    if options.json:
        print(msgspec.json.encode(cost).decode())
    else:
        print(f"{cost.changed:,} of {cost.notes:,} notes changed in a minute; processor seconds, medians:")
        print(f"  look {cost.look_s:.2f}, Redis {cost.redis_s:.2f}, evaluation {cost.evaluation_s:.2f}")
        print(f"  the first look {cost.first_look_s:.2f}; at most {cost.peak_mib:,.0f} MiB")
        print(
            f"  remembered: {cost.memory_bytes / 1e6:,.1f} MB, made in {cost.memory_s:.2f}, read in {cost.recall_s:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
