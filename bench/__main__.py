"""`python -m bench`: everything that is measured, in one run, on servers of its own."""

import argparse
import asyncio
import dataclasses
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import alerts, api, baseline, end_to_end, floor, handover, idle, latency, memory, outage, series
from bench.machine import machine
from bench.plan import FULL, QUICK, Plan
from bench.report import as_markdown, as_table, wrong
from bench.world import ROOT, World, open_world, progress
from streams.errors import RedcatError

WRONG_USE: Final = 2
INTERRUPTED: Final = 130
LATEST: Final = ROOT / "bench" / "results" / "latest.json"


PARTS: Final[dict[str, Callable[[World], Awaitable[Any]]]] = {
    "floor": floor.measure,
    "end_to_end": end_to_end.measure,
    "faust": baseline.measure,
    "series": series.measure,
    "memory": memory.measure,
    "latency": latency.measure,
    "idle": idle.measure,
    "handover": handover.measure,
    "outage": outage.measure,
    "api": api.measure,
    "alerts": alerts.measure,
}


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 when all that was compared is right, 1 when something is wrong or failed, 2 for wrong use."""
    options = _options(arguments)
    if options.markdown:
        return _show_markdown(options.json)
    plan = dataclasses.replace(QUICK if options.quick else FULL, seed=options.seed)
    if options.events:
        plan = dataclasses.replace(plan, end_to_end_events=(options.events,))
    if options.tokens:
        plan = dataclasses.replace(plan, handover_tokens=(options.tokens,))
    figures: dict[str, Any] = {}
    try:
        asyncio.run(_until_interrupted(_measure(plan, options.only, figures)))
    except asyncio.CancelledError:
        return INTERRUPTED
    except RedcatError as error:
        progress.print(f"bench: {error}", style="red", markup=False)
        return 1
    finally:
        _keep(figures, options.json)
    return 1 if wrong(figures) else 0


def _show_markdown(path: Path) -> int:
    try:
        print(as_markdown(json.loads(path.read_text())))
    except FileNotFoundError:
        progress.print(f"no figures in {path}: run the bench first", style="red", markup=False)
        return WRONG_USE
    return 0


def _keep(figures: dict[str, Any], path: Path) -> None:
    """Write and show what was measured, even if a later part failed."""
    if "machine" not in figures:
        return
    figures["ratios"] = _ratios(figures)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")
    Console().print(as_table(figures))
    progress.print(f"written to {path}", highlight=False)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Redcat on embedded real servers.")
    parser.add_argument("--quick", action="store_true", help="a few minutes less, with figures that are less sure")
    parser.add_argument("--events", type=int, help="records of the end-to-end run, instead of the usual sizes")
    parser.add_argument("--tokens", type=int, help="held while workers hand over, instead of the usual numbers")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated traffic")
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--json", type=lambda text: Path(text).resolve(), default=LATEST, help="where the figures go")
    parser.add_argument("--markdown", action="store_true", help="measure nothing, print the figures of the JSON file")
    return parser.parse_args(arguments)


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - PARTS.keys():
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return names


async def _until_interrupted(measuring: Coroutine[Any, Any, None]) -> None:
    """Wait for the end, unless Ctrl-C or SIGTERM comes: then everything that was started is stopped."""
    task = asyncio.create_task(measuring)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await task


async def _measure(plan: Plan, only: Sequence[str], figures: dict[str, Any]) -> None:
    """Put the figures of each part into `figures` as soon as they are there."""
    async with open_world(plan) as world:
        figures["machine"] = _plain(await machine(world))
        for name, part in PARTS.items():
            if name in only:
                figures[name] = _plain(await part(world))


def _plain(measured: Any) -> Any:
    if isinstance(measured, list):
        return [dataclasses.asdict(one) for one in measured]
    return dataclasses.asdict(measured)


def _ratios(figures: dict[str, Any]) -> dict[str, float]:
    """Between the worker times of the first end-to-end run and those that it is compared with."""
    ratios = {}
    if "end_to_end" in figures:
        worker_us = figures["end_to_end"][0]["worker_us_per_event"]
        if "faust" in figures:
            ratios["faust_to_worker"] = figures["faust"]["worker_us_per_event"] / worker_us
        if "floor" in figures:
            ratios["worker_to_floor"] = worker_us / figures["floor"]["feed_us_per_event"]
    return ratios


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
