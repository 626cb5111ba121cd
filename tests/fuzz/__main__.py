"""`python -m tests.fuzz`: spoilt bytes for everything that decodes.

    python -m tests.fuzz                      ten million inputs
    python -m tests.fuzz --seconds 60         as many as fit into a minute
    python -m tests.fuzz codec 17             the inputs of one seed again

Exit status: 0 good, 1 something was raised or decoded that must not be, 2 wrong use.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.fuzz.targets import TARGETS
from tests.simulation.many import Broken, over_processors

INPUTS: Final = 10_000_000
IN_A_CASE: Final = 400
Case = tuple[str, int]


def check(case: Case) -> Broken | None:
    """What is wrong with some inputs of a target."""
    target, seed = case
    try:
        TARGETS[target](random.Random(seed), IN_A_CASE)
    except Exception as error:
        return Broken("wrong", f"python -m tests.fuzz {target} {seed}", repr(error)[:2_000])
    return None


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Spoilt bytes for everything that decodes."
    )
    parser.add_argument("target", nargs="?", choices=list(TARGETS), help="default: all of them in turn")
    parser.add_argument("seed", nargs="?", type=int, help="only the inputs of this seed, with what they raise")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="how many (default: ten million)")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processors to use")
    asked = parser.parse_args(arguments)
    if asked.inputs < 1 or asked.jobs < 1 or (asked.seconds is not None and asked.seconds <= 0):
        parser.error("--inputs, --jobs and --seconds must be positive")
    if asked.seed is not None:
        TARGETS[asked.target](random.Random(asked.seed), IN_A_CASE)
        print(f"{asked.target} {asked.seed}: {IN_A_CASE} inputs, nothing wrong")
        return 0
    names = [asked.target] if asked.target else list(TARGETS)
    cases = [(names[n % len(names)], asked.first + n // len(names)) for n in range(-(-asked.inputs // IN_A_CASE))]
    return _run(cases, asked.jobs, asked.seconds)


def _run(cases: Sequence[Case], jobs: int, seconds: float | None) -> int:
    began_s, inputs = time.monotonic(), 0
    failures: list[Broken] = []
    columns = (
        *(TextColumn("fuzzing"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f} inputs")),
        *(TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[failed]} failed")),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(cases) * IN_A_CASE, failed=0)
        for _, failed in over_processors(check, cases, jobs):
            inputs += IN_A_CASE
            if failed is not None:
                failures.append(failed)
            progress.update(task, advance=IN_A_CASE, failed=len(failures))
            if seconds is not None and time.monotonic() - began_s > seconds:
                break
    for failed in failures[:10]:
        print(f"{failed.what}\nagain: {failed.where}")
    print(f"{inputs:,} inputs, {len(failures)} cases failed, {time.monotonic() - began_s:.0f} s on {jobs} processors")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
