"""In which order the tests go to the processes of xdist, so that no core waits and no long test begins last."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import pytest

WAITING: Final = ("tests/integration/", "tests/browser/")
LONGEST: Final = (
    *("test_dashboard", "test_rebuild", "test_worker", "test_policies", "test_simulate"),
    *("test_outages", "test_security", "test_stack", "test_demo", "test_health", "test_dlq", "test_feed"),
)


def dealt(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """One part for each process: all but the last begin with files that wait for servers, the last one computes.

    xdist gives each process an equally long stretch of what it gets here, and later lets who is done take from the
    ends of others, where tests are short.
    """
    waiters = max(processes - 1, 1)
    files = _of_servers(items)
    shares = [[item for of_file in files[first::waiters] for item in of_file] for first in range(waiters)]
    shares += [[] for _ in range(processes - waiters)]
    computing = iter([item for item in items if not item.nodeid.startswith(WAITING)])
    ends = [len(items) * number // processes for number in range(processes + 1)]
    parts = [
        [*share, *_up_to(end - start - len(share), computing)]
        for share, start, end in zip(shares, ends, ends[1:], strict=False)
    ]
    return [item for part in parts for item in part] + list(computing)


def _of_servers(items: Sequence[pytest.Item]) -> list[list[pytest.Item]]:
    """The tests of each file that waits for servers, the longest first."""
    waiting = [item for item in items if item.nodeid.startswith(WAITING)]
    by_name = {path.stem: list(of_file) for path, of_file in groupby(waiting, lambda item: item.path)}
    first = [name for name in LONGEST if name in by_name]
    return [by_name[name] for name in dict.fromkeys([*first, *by_name])]


def _up_to(count: int, items: Iterator[pytest.Item]) -> list[pytest.Item]:
    return [item for _, item in zip(range(count), items, strict=False)]
