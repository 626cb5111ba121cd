"""A process that is stuck where no thread runs ends itself as well; one that is not goes on."""

import subprocess
import sys
from textwrap import dedent

import pytest

PROGRAM = """
    import asyncio, ctypes, logging, sys, time
    from app.health.view import WorkerView
    from app.health.watchdog import Watchdog

    logging.basicConfig(stream=sys.stderr)
    dog = Watchdog(lambda: WorkerView(time.monotonic()), 1.0)
    dog.start()
    {then}
    dog.stop()
    sys.exit(7)
"""


def ended(then: str) -> tuple[int, str]:
    """Exit status and stderr of a program under a watchdog with a second of patience."""
    code = dedent(PROGRAM).format(then=then)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("then", "status", "said"),
    [
        ("time.sleep(2.5)", 7, ""),
        # PyDLL keeps Python's lock: no other thread runs.
        ("time.sleep(1.5); ctypes.PyDLL(None).sleep(60)", 1, "Timeout (0:00:03)!"),
    ],
    ids=["all is well", "C code that lets no thread run"],
)
def test_a_process(then: str, status: int, said: str) -> None:
    found, stderr = ended(then)

    assert found == status
    assert said in stderr
    assert bool(stderr) == bool(said)
