"""An event loop in virtual time: when nothing is ready it jumps to the next timer, so that waiting takes no time."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Said = ParamSpec("Said")
Result = TypeVar("Result")


MOST_STEPS = 3_000_000


class Deadlock(Exception):
    """Nothing is ready and no timer is set: whoever is waited for will never come."""


class Livelock(Exception):
    """So much happens that it cannot be what was meant."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Knows tasks, futures and timers only; starts at 0 s.  The same program runs the same way every time."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._steps = 0
        self._selector = self  # where BaseEventLoop waits
        self._clock_resolution = 1e-6  # large enough to be seen beside a year of seconds
        self.defects: list[str] = []
        """What nobody awaited or caught; a run without defects has none."""
        self.set_exception_handler(self._keep_defect)

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._now_s

    def select(self, timeout_s: float | None) -> list[Any]:
        """Let `timeout_s` pass at once."""
        if timeout_s is None and not self._stopping:  # type: ignore[attr-defined]
            raise Deadlock("\n".join(map(repr, asyncio.all_tasks(self))))
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Livelock(f"{self._steps} steps in {self._now_s} s")
        self._now_s += timeout_s or 0.0
        return []

    def close(self) -> None:
        """End for good."""
        self._selector = None  # type: ignore[assignment]
        super().close()

    def _keep_defect(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.defects.append(f"{context['message']}: {context.get('exception')!r}")

    def _process_events(self, events: list[Any]) -> None:
        """Nothing ever comes from outside."""

    def _write_to_self(self) -> None:
        """There is no other thread to wake this one for."""


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in virtual time; raises when something failed that nobody looked at."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(story)
        loop = runner.get_loop()
    assert isinstance(loop, VirtualLoop)
    assert not loop.defects, loop.defects
    return result


def in_virtual_time(story: Callable[Said, Coroutine[Any, Any, None]]) -> Callable[Said, None]:
    """Make a test of a coroutine function."""

    @wraps(story)
    def test(*args: Said.args, **kwargs: Said.kwargs) -> None:
        run(story(*args, **kwargs))

    return test
