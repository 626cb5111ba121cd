"""Processes of the workers, which can be stopped, woken and killed, and what they ask of servers."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from streams.errors import LaneStopped, Unavailable

Answer = TypeVar("Answer")

PATIENCE_S = 5.0
"""How long a process waits for an answer."""


class Fault(NamedTuple):
    """Something that goes wrong with a request, or in the world just then."""

    what: str
    seconds: float = 0.0  # how long it lasts, or how late it is
    choice: int = 0  # which one of several


class Call(NamedTuple):
    """A request of a worker: a point in a run at which something can go wrong."""

    worker: str
    name: str


class Surrounding(Protocol):
    """The world, as a process meets it."""

    delayed: int  # requests that take long to reach their server and have not yet

    def strike(self, call: Call) -> Fault | None:
        """What goes wrong with this request; what goes wrong elsewhere is done when this returns."""
        ...

    def sent(self, call: Call, fault: Fault) -> None:
        """The request with this fault is on its way."""
        ...

    def done(self, call: Call) -> None:
        """The request has taken effect; the answer is not under way yet."""
        ...

    @property
    def hop_s(self) -> Callable[[], float]:
        """How long a message is on its way."""
        ...

    def is_away(self, call: Call) -> bool:
        """Whether the server that is asked does not answer at present."""
        ...

    def note(self, text: str) -> None:
        """Remember that something happened."""
        ...


class Life(Enum):
    """What a process does."""

    RUNNING = "running"
    PAUSED = "paused"
    DEAD = "dead"


class Process:
    """One worker's process: while it is paused nothing leaves it and nothing reaches it, once dead never again."""

    def __init__(self, name: str, world: Surrounding) -> None:
        self.name = name
        self.life = Life.RUNNING
        self._world = world
        self.loop = asyncio.get_running_loop()
        self._held: list[Callable[[], object]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a task that ends with the process at the latest, as do the tasks that it starts."""
        context = copy_context()
        context.run(_PROCESS.set, self)
        return self.loop.create_task(work, context=context)

    def keep(self, task: "asyncio.Task[Any]") -> None:
        """Take a task that runs in this process."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def pause(self) -> None:
        """Stop it as SIGSTOP does."""
        if self.life is Life.RUNNING:
            self.life = Life.PAUSED

    def wake(self) -> None:
        """Let it go on as SIGCONT does."""
        if self.life is Life.PAUSED:
            self.life = Life.RUNNING
            held, self._held = self._held, []
            for callback in held:
                self.when_awake(callback)

    def kill(self) -> None:
        """End it as SIGKILL does; what it has sent is still on its way."""
        self.life = Life.DEAD
        for task in list(self._tasks):
            task.cancel()

    def when_awake(self, callback: Callable[..., object], *args: object) -> None:
        """Call back now, or when it is woken; never if it is dead."""
        if self.life is Life.RUNNING:
            callback(*args)
        elif self.life is Life.PAUSED:
            self._held.append(partial(callback, *args))

    async def awake(self) -> None:
        """Wait until it is running."""
        while self.life is Life.PAUSED:
            woken = asyncio.Event()
            self.when_awake(woken.set)
            await woken.wait()
        if self.life is Life.DEAD:
            raise asyncio.CancelledError

    async def ask(self, name: str, effect: Callable[[], Answer]) -> Answer:
        """Have a server do `effect`, which is over at once; Unavailable when no answer comes."""
        if self.life is not Life.RUNNING:
            await self.awake()
        call = Call(self.name, name)
        fault = self._world.strike(call)
        if self.life is not Life.RUNNING:
            await self.awake()
        if fault is not None and fault.what == "error":
            raise LaneStopped(f"{name}: the server says that something is wrong")
        request = _Request(self, self._world, call, effect)
        request.send(fault)
        answer: Answer = await request.answer
        return answer


class _Request:
    """A request on its way; it lives on when the process that sent it is dead."""

    __slots__ = ("_call", "_effect", "_loop", "_process", "_world", "answer")

    def __init__(self, process: Process, world: Surrounding, call: Call, effect: Callable[[], Any]) -> None:
        self._process = process
        self._world = world
        self._call = call
        self._effect = effect
        self._loop = process.loop
        self.answer: asyncio.Future[Any] = self._loop.create_future()

    def send(self, fault: Fault | None) -> None:
        """Begin to travel.  Only a request with a fault can be given up: any other is answered soon enough."""
        if fault is None:
            self._loop.call_later(self._world.hop_s(), self._arrive, True)
            return
        self._loop.call_later(PATIENCE_S, self._process.when_awake, self._give_up)
        if fault.what == "late":
            self._travel(PATIENCE_S + fault.seconds, answered=False)
        elif fault.what != "request lost":
            travel_s = fault.seconds if fault.what == "slow" else self._world.hop_s()
            self._travel(travel_s, answered=fault.what != "reply lost")
        self._world.sent(self._call, fault)

    def _travel(self, seconds: float, *, answered: bool) -> None:
        self._world.delayed += 1
        self._loop.call_later(seconds, self._arrive_late, answered)

    def _arrive_late(self, answered: bool) -> None:
        self._world.delayed -= 1
        self._arrive(answered)

    def _arrive(self, answered: bool) -> None:
        """Reach the server."""
        world, call = self._world, self._call
        result, error = None, None
        try:
            if world.is_away(call):
                raise Unavailable(f"{call.name}: nobody is there")
            result = self._effect()
            world.done(call)
        except Exception as refusal:
            error = refusal
        world.note(f"{call.worker}: {call.name}" if error is None else f"{call.worker}: {call.name} fails: {error!r}")
        if answered:
            self._loop.call_later(world.hop_s(), self._process.when_awake, self._end, result, error)

    def _end(self, result: Any, error: Exception | None) -> None:
        if self.answer.done():
            return
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(result)

    def _give_up(self) -> None:
        if not self.answer.done():
            self.answer.set_exception(Unavailable(f"{self._call.name}: no answer"))


_PROCESS: ContextVar[Process] = ContextVar("process")


def task_factory(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], *, context: Context | None = None
) -> "asyncio.Task[Any]":
    """Makes tasks that die with the process that started them."""
    context = copy_context() if context is None else context
    task = asyncio.Task(work, loop=loop, context=context)
    process = context.get(_PROCESS)
    if process is not None:
        process.keep(task)
    return task
