"""An event loop in virtual time: when nothing is ready it jumps to the next timer, so that waiting takes no time.

It knows tasks, futures and timers only, and does no more for them than a simulation needs: schedules are run by the
hundred thousand, and the loop of the standard library was half of what each of them cost.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import wraps
from heapq import heappop, heappush
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

Said = ParamSpec("Said")
Result = TypeVar("Result")
Args = TypeVarTuple("Args")

MOST_STEPS = 3_000_000


class Deadlock(Exception):
    """Nothing is ready and no timer is set: whoever is waited for will never come."""


class Livelock(Exception):
    """So much happens that it cannot be what was meant."""


class Step(asyncio.TimerHandle):
    """Something to be called; stands for both of asyncio's handles, and keeps none of their books."""

    __slots__ = ("args", "call", "context")

    def __init__(self, call: Callable[..., object], args: tuple[Any, ...], context: Context | None) -> None:
        self.call: Callable[..., object] | None = call
        self.args = args
        self.context = context

    def cancel(self) -> None:
        """Never call it."""
        self.call = None
        self.args = ()

    def cancelled(self) -> bool:
        """Whether it will not be called."""
        return self.call is None


class VirtualLoop(asyncio.BaseEventLoop):
    """Starts at 0 s.  The same program runs the same way every time."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._coming: deque[Step] = deque()
        self._timers: list[tuple[float, int, Step]] = []
        self._timers_set = 0  # those of one time come in the order in which they were set
        self._make_task: Callable[..., asyncio.Task[Any]] | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self.defects: list[str] = []
        """What nobody awaited or caught; a run without defects has none."""

    # -- as asyncio asks for it

    def time(self) -> float:
        """Seconds of virtual time."""
        return self._now_s

    def get_debug(self) -> bool:
        return False

    def is_closed(self) -> bool:
        """There is nothing to be closed."""
        return True

    def call_soon(self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None) -> Step:
        step = Step(callback, args, context)
        self._coming.append(step)
        return step

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> Step:
        step = Step(callback, args, context)
        self._timers_set += 1
        heappush(self._timers, (when, self._timers_set, step))
        return step

    def call_later(
        self, delay: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> Step:
        step = Step(callback, args, context)
        self._timers_set += 1
        heappush(self._timers, (self._now_s + delay, self._timers_set, step))
        return step

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> "asyncio.Task[Any]":
        if self._make_task is not None:
            task = self._make_task(self, coro, context=context)
        else:
            task = asyncio.Task(coro, loop=self, name=None if name is None else str(name), context=context)
        self._tasks.append(task)
        return task

    def set_task_factory(self, factory: Any) -> None:
        self._make_task = factory

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.defects.append(f"{context['message']}: {context.get('exception')!r}")

    # -- running

    def run_until(self, end: "asyncio.Future[Any]") -> None:
        """Do what is to be done until `end` is, and let time pass meanwhile."""
        ready, timers = self._coming, self._timers
        asyncio._set_running_loop(self)
        try:
            for _ in range(MOST_STEPS):
                if ready:
                    self._do(ready.popleft())
                elif end.done():
                    return
                elif timers:
                    when_s, _, step = heappop(timers)
                    if step.call is not None:
                        self._now_s = max(self._now_s, when_s)
                        self._do(step)
                else:
                    raise Deadlock("\n".join(repr(task) for task in self._tasks if not task.done()))
        finally:
            asyncio._set_running_loop(None)
        raise Livelock(f"{MOST_STEPS} steps in {self._now_s} s")

    def cancel_all(self) -> None:
        """End what is left."""
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            self.run_until(asyncio.gather(*left, return_exceptions=True))

    def _do(self, step: Step) -> None:
        call, args, context = step.call, step.args, step.context
        if call is None:
            return
        try:
            if context is None:
                call(*args)
            else:
                context.run(call, *args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            self.call_exception_handler({"message": f"in {call!r}", "exception": error})


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in virtual time; raises when something failed that nobody looked at."""
    loop = VirtualLoop()
    task: asyncio.Task[Result] = loop.create_task(story)
    try:
        loop.run_until(task)
    finally:
        loop.cancel_all()
    result = task.result()
    assert not loop.defects, loop.defects
    return result


def in_virtual_time(story: Callable[Said, Coroutine[Any, Any, None]]) -> Callable[Said, None]:
    """Make a test of a coroutine function."""

    @wraps(story)
    def test(*args: Said.args, **kwargs: Said.kwargs) -> None:
        run(story(*args, **kwargs))

    return test
