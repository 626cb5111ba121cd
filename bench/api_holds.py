"""How long the server is held up at a time, beside a running worker: python -m bench.api_holds.

Single notes at 500 a second, ranked lists, series, pages and streams, while every callback of the server's loop is
measured in processor time (bench/probed_server.py), which does not depend on what else the machine does.  The longest
ones are printed as JSON with the place where they were; exit status 1 if one was longer than it may be.
"""

import argparse
import asyncio
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.api import Caller, serving
from bench.plan import FULL
from bench.world import open_world, progress

MOST_MS: Final = 10.0
POLL_S: Final = 0.2
SHOWN: Final = 12
PATHS: Final = (
    "/v1/notes?limit=500", "/v1/notes?search=99", "/v1/notes?sort=clicks&platform=jd", "/v1/merchants",
    "/v1/campaigns?sort=entry_rate", "/v1/platforms/taobao", "/v1/categories?sort=clicks",
    "/v1/merchants/m1/series?metric=clicks,orders", "/v1/platforms/jd/series?metric=clicks&basis=click&step=86400",
    "/v1/notes/bench1/series?metric=clicks", "/metrics",
)  # fmt: skip
TURNS: Final = 5


async def measure(notes: int, seconds: float, file: Path) -> dict[str, Any]:
    """What the probe reports of one thing after the other."""
    plan = dataclasses.replace(FULL, api_notes=notes, api_s=seconds)
    server = (sys.executable, "-m", "bench.probed_server", str(file))
    async with open_world(plan) as world, serving(world, notes, 3 * seconds + 120, server) as caller:
        await reported(caller.server.pid, file)  # how it began is not looked at
        await caller.notes(plan.api_rate, seconds)
        await caller.lists()
        await others(caller)
        await caller.streams(plan.api_streams, seconds)
        return await reported(caller.server.pid, file)


async def reported(pid: int, file: Path) -> dict[str, Any]:
    """What was measured since the last report."""
    os.kill(pid, signal.SIGUSR1)
    while not await asyncio.to_thread(file.exists):
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(POLL_S)  # until it is written
    report: dict[str, Any] = json.loads(await asyncio.to_thread(file.read_bytes))
    await asyncio.to_thread(file.unlink)
    return report


async def others(caller: Caller) -> None:
    """What else there is to ask for."""
    progress.print("api: lists, series and pages")
    for _ in range(TURNS):
        for path in PATHS:
            await caller.pool.good(path)


def main() -> int:
    """Exit status 1 if somebody had to wait too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=FULL.api_notes)
    parser.add_argument("--seconds", type=float, default=30.0, help="of single notes, and of streams")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        report = asyncio.run(measure(options.notes, options.seconds, Path(folder) / "holds.json"))
    report["longest"] = report["longest"][:SHOWN]
    print(json.dumps(report, indent=1))
    return int(report["longest"][0]["ms"] > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
