"""Memory over a long run of a worker and a server: python -m bench.soak [--minutes N] [--rate N] [--notes N].

Light traffic flows all the time; notes and lists are asked for, and streams are open.  Each minute a line with the
resident memory of both and of Redis, in the end, as JSON, how much both grew in each hour of the second half: by then
caches are full and every note of the traffic is known.
"""

import argparse
import asyncio
import dataclasses
import json
import statistics
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from rich.console import Console

from bench.api import Caller, Listener, serving
from bench.plan import FULL
from bench.processes import rss_mib
from bench.world import World, open_world, redcat

MINUTE_S: Final = 60.0
ASKED_PER_S: Final = 20
STREAMS: Final = 50
MINUTES_AN_HOUR: Final = 60

console = Console()


class Sample(NamedTuple):
    """Memory in MiB at the end of a minute."""

    minute: int
    worker: float
    server: float
    redis: float


async def measure(minutes: int, rate: int, notes: int) -> list[Sample]:
    """One sample a minute."""
    plan = dataclasses.replace(FULL, light_rate=rate, api_notes=notes)
    async with (
        open_world(plan) as world,
        serving(world, notes, (minutes + 1) * MINUTE_S, redcat("serve")) as caller,
        listening(caller),
    ):
        samples = [await sample(world, caller, 0)]
        for minute in range(1, minutes + 1):
            await caller.notes(ASKED_PER_S, MINUTE_S)
            await caller.lists()
            samples.append(await sample(world, caller, minute))
        return samples


@asynccontextmanager
async def listening(caller: Caller) -> AsyncIterator[None]:
    """Some streams are open meanwhile."""
    tasks = [asyncio.create_task(Listener(f"bench{number}", caller.port).listen()) for number in range(STREAMS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def sample(world: World, caller: Caller, minute: int) -> Sample:
    """The memory of all three, shown at once."""
    redis = (await world.redis.info("memory"))["used_memory"] / 2**20
    found = Sample(minute, rss_mib(caller.worker.pid), rss_mib(caller.server.pid), redis)
    console.print(
        f"{minute:4} min   worker {found.worker:7.1f} MiB   server {found.server:7.1f} MiB   Redis {redis:7.1f} MiB"
    )
    return found


def grown_mib_per_h(samples: Sequence[Sample]) -> dict[str, float]:
    """How much memory grew in an hour of the second half: the slope of the line that fits best."""
    half = samples[len(samples) // 2 :]
    times = [one.minute / MINUTES_AN_HOUR for one in half]
    slopes = {
        name: statistics.linear_regression(times, [getattr(one, name) for one in half]).slope
        for name in ("worker", "server")
    }
    return {f"{name}_mib_per_h": round(slope, 2) for name, slope in slopes.items()}


def main() -> None:
    """Run until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--rate", type=int, default=300, help="records a second")
    parser.add_argument("--notes", type=int, default=20_000, help="that are there from the beginning")
    options = parser.parse_args()
    samples = asyncio.run(measure(max(2, options.minutes), options.rate, options.notes))
    print(json.dumps({"minutes": samples[-1].minute, **grown_mib_per_h(samples)}))


if __name__ == "__main__":
    main()
