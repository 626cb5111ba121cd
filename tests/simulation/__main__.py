"""`python -m tests.simulation`: random schedules of the lane protocol, and all small ones.

    python -m tests.simulation SEED             run the schedule of one seed and tell it
    python -m tests.simulation FIRST LAST       run those of many seeds, with a bar that says how far it is
    python -m tests.simulation exhaustive       a crash or a rollback at every step and at every pair of steps

`--jobs N` says over how many processors (default: all).  Exit status: 0 all are exact, 1 some are not, 2 wrong use.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.simulation.exhaustive import Case, check, pairs_after, singles, told_case
from tests.simulation.many import Broken, over_processors, played
from tests.simulation.schedules import play, told

SHOWN = 3
"""Failures that are told from beginning to end."""

What = TypeVar("What", int, Case)


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.splitlines()[0])
    parser.add_argument("what", help="a seed, or `exhaustive`")
    parser.add_argument("last", nargs="?", type=int, help="the last of many seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processors to use")
    asked = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    if asked.what == "exhaustive":
        return _exhaustive(asked.jobs)
    if not asked.what.isdecimal() or (asked.last is not None and asked.last < int(asked.what)) or asked.jobs < 1:
        parser.error("name a seed, the first and the last of some, or `exhaustive`; and at least one job")
    first = int(asked.what)
    if asked.last is None:
        run = play(first)
        print(told(first, run))
        return 0 if run.failure is None else 1
    return _run("schedules", range(first, asked.last + 1), played, _told_seed, jobs=asked.jobs)


def _exhaustive(jobs: int) -> int:
    single = singles()
    status = _run("schedules with one fault", single, check, told_case, jobs=jobs)
    pairs = [pair for case in single for pair in pairs_after(case)]
    return max(status, _run("schedules with two faults", pairs, check, told_case, jobs=jobs))


def _told_seed(seed: int) -> str:
    return told(seed, play(seed))


def _run(
    name: str,
    cases: Sequence[What],
    check_one: Callable[[What], Broken | None],
    tell: Callable[[What], str],
    *,
    jobs: int,
) -> int:
    failures: list[tuple[What, Broken]] = []
    began_s = time.monotonic()
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[failed]} failed")),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=len(cases), failed=0)
        for case, failed in over_processors(check_one, cases, jobs):
            if failed is not None:
                failures.append((case, failed))
            progress.update(task, advance=1, failed=len(failures))
    for case, _ in failures[:SHOWN]:
        print(tell(case))
    for case, failed in failures[SHOWN:]:
        print(f"{case}: {failed.how}: {failed.where}: {failed.what}")
    print(f"{len(cases)} {name}, {len(failures)} failed, {time.monotonic() - began_s:.0f} s on {jobs} processors")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
