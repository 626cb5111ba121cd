"""The workers of a world: they start, stop, sleep, wake and die."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from streams.core.policy import Policy, parse_policy
from tests.generators.policies import Document
from tests.simulation.chance import Chance
from tests.simulation.feed import Kinds
from tests.simulation.process import Fault, Life
from tests.simulation.standing import Standing
from tests.simulation.worker import Worker

SESSION_S = 8.0
FOR_GOOD = Fault("stop", math.inf)
LONG_GONE = Fault("stop", 20.0)
SLEPT = Fault("outlast", 15.0)
STILL_S = 2.0


class Workforce(Standing):
    """Servers, and workers with all that can become of them."""

    def __init__(self, partitions: int, chance: Chance, policies: Sequence[Document], kinds: Kinds) -> None:
        super().__init__(partitions, chance, policies, kinds)
        self._policies: dict[int, Policy] = {}  # by the document's identity

    def start_worker(self, policies: Sequence[Document] | None = None) -> Worker:
        """One more worker; they are named A, B and so on."""
        name = chr(ord("A") + len(self.workers))
        self.note(f"{name} starts")
        known = [self._parsed(document) for document in policies or self.policies]
        self.workers[name] = Worker(name, self, known, self.kinds)
        return self.workers[name]

    def crash(self, worker: Worker, fault: Fault = FOR_GOOD) -> None:
        """Kill a worker; the group notices after a while, and another one may be started."""
        self.note(f"{worker.name} dies")
        worker.process.kill()
        self._loop.call_later(SESSION_S, self.group.expire, worker.name)
        if fault.seconds < math.inf:
            self._loop.call_later(fault.seconds, self.start_worker)

    def pause(self, worker: Worker, fault: Fault = FOR_GOOD) -> None:
        """Stop a worker for a while, or until it is woken; the group drops it meanwhile."""
        self.note(f"{worker.name} is paused for {fault.seconds} s")
        worker.process.pause()
        self._loop.call_later(SESSION_S, self._drop_if_paused, worker)
        if fault.seconds < math.inf:
            self._loop.call_later(fault.seconds, self.wake, worker)

    def wake(self, worker: Worker) -> None:
        """Let a paused worker go on."""
        self.note(f"{worker.name} wakes")
        worker.process.wake()

    def oversleep(self, worker: Worker, fault: Fault) -> None:
        """Stop a worker for a while, and let the group drop it at once."""
        self.pause(worker, fault)
        self.group.expire(worker.name)

    def revive(self, worker: Worker, fault: Fault) -> None:
        """Stop a worker, and when it wakes let the store be as it was when it stopped, or a little later."""
        then = len(self.saved) - 1
        self.pause(worker, fault)
        self.group.expire(worker.name)
        later_s = fault.seconds + (0.0, 0.002, 0.005, 0.05)[fault.choice % 4]
        self._loop.call_later(
            later_s, lambda: self.roll_back(self.saved[min(then + fault.choice // 4, len(self.saved) - 1)])
        )

    def stand_still(self, but: str) -> None:
        """Let all workers but one stand still for a moment."""
        for worker in self.workers.values():
            if worker.name != but and worker.process.life is Life.RUNNING:
                worker.process.pause()
                self._loop.call_later(STILL_S, worker.process.wake)

    def replace(self, worker: Worker, fault: Fault) -> None:
        """Stop a worker as on SIGTERM, and start another one later."""
        self.note(f"{worker.name} is told to stop")
        worker.stop()
        self._loop.call_later(fault.seconds, self.start_worker)

    def release(self, kinds: Kinds) -> None:
        """Replace the workers one after the other by some that know these kinds of lanes."""
        self.kinds = kinds
        present = [worker for worker in self.workers.values() if worker.process.life is not Life.DEAD]
        for number, worker in enumerate(present):
            self._loop.call_later(number, self.replace, worker, Fault("release", 0.5))

    def poison(self, worker: Worker, fault: Fault) -> None:
        """Let the core of one worker or of all fail for some clicks for a while."""
        categories = {"fmcg.skincare"}
        workers = [worker] if fault.choice else list(self.workers.values())
        for one in workers:
            one.poison |= categories
            self._loop.call_later(fault.seconds, one.poison.difference_update, categories)

    def drop(self, name: str) -> None:
        """Let the group drop a worker."""
        self.group.expire(name)

    def sleep(self, name: str) -> None:
        """Stop a worker, and let the group drop it."""
        self.oversleep(self.workers[name], SLEPT)

    def wake_up(self, name: str, late_s: float) -> None:
        """Let a worker go on soon."""
        self.later(late_s, partial(self.wake, self.workers[name]))

    def end(self, name: str, *, dies: bool) -> None:
        """Kill a worker, or stop it for long."""
        (self.crash if dies else self.pause)(self.workers[name], LONG_GONE)

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Do something when some time has passed."""
        self._loop.call_later(seconds, do)

    def _drop_if_paused(self, worker: Worker) -> None:
        if worker.process.life is Life.PAUSED:
            self.group.expire(worker.name)

    def _parsed(self, document: Document) -> Policy:
        """The policy of a document, parsed once for all workers."""
        known = self._policies.get(id(document))
        if known is None:
            known = self._policies[id(document)] = parse_policy(document)
        return known
