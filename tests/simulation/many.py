"""Many schedules, one after the other or over several processors."""

import gc
import logging
import multiprocessing
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from tests.simulation.schedules import play

AT_ONCE: Final = 25  # schedules that are handed to a processor together
COLLECT_EVERY: Final = 200  # schedules: worlds are made of cycles, and to look for these all the time is dear
HERE: Final = Path(__file__).parent.parent.parent

PROMISES: Final = {
    "tests/simulation/exactness.py": "wrong",
    "tests/comparison.py": "wrong",
    "tests/simulation/standing.py": "stuck",
    "tests/simulation/clock.py": "stuck",
}
"""Where a failure is raised that says that a promise was broken."""

Case = TypeVar("Case")


class Broken(NamedTuple):
    """What a schedule that failed says."""

    how: str  # wrong or stuck: a promise was broken; else it is an accident
    where: str
    what: str


def broken(failure: BaseException | None) -> Broken | None:
    """What a failure says, in a form that other processes can read."""
    if failure is None:
        return None
    frame = traceback.extract_tb(failure.__traceback__)[-1]
    path = Path(frame.filename)
    place = path.relative_to(HERE).as_posix() if path.is_relative_to(HERE) else frame.filename
    what = " ".join((repr(failure) if str(failure) else f"{failure!r}: {frame.line}").split())
    return Broken(PROMISES.get(place, "accident"), f"{place}:{frame.lineno}", what[:300])


def played(seed: int) -> Broken | None:
    """How the schedule of a seed failed; None: it is exact."""
    return broken(play(seed).failure)


def until_broken(seeds: Iterable[int]) -> tuple[int, Broken | None]:
    """The first seed of which the schedule breaks a promise, or the number of those that were tried."""
    prepare()
    tried, accident = 0, None
    for tried, seed in enumerate(seeds, 1):
        failed = played(seed)
        if failed is not None and failed.how != "accident":
            return tried, failed
        accident = accident or failed
        if tried % COLLECT_EVERY == 0:
            gc.collect()
    return tried, accident


def over_processors(
    check: Callable[[Case], Broken | None], cases: Sequence[Case], jobs: int
) -> Iterator[tuple[Case, Broken | None]]:
    """Check all cases, in their order."""
    chunks = [cases[start : start + AT_ONCE] for start in range(0, len(cases), AT_ONCE)]
    if jobs == 1:
        prepare()
        for chunk in chunks:
            yield from zip(chunk, _checked((check, chunk)), strict=True)
        return
    with multiprocessing.Pool(jobs, prepare) as pool:
        found = pool.imap(_checked, [(check, chunk) for chunk in chunks])
        for chunk, results in zip(chunks, found, strict=True):
            yield from zip(chunk, results, strict=True)


def prepare() -> None:
    """Make a process ready for many schedules: no logs, and no search for garbage while one runs."""
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()
    gc.disable()


def _checked(part: tuple[Callable[[Case], Broken | None], Sequence[Case]]) -> list[Broken | None]:
    check, cases = part
    results = [check(case) for case in cases]
    gc.collect()
    return results
