"""What decides how long messages travel, where batches end and what goes wrong."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Protocol

from tests.simulation.process import Call, Fault

HOP_S = 0.001


class Chance(Protocol):
    """The decisions of one run."""

    def strike(self, call: Call) -> Fault | None:
        """What goes wrong at this point."""
        ...

    def hop_s(self) -> float:
        """How long the next message travels."""
        ...

    def advance(self, left: int) -> int:
        """How many of the offsets that are left in a topic the next batch covers."""
        ...


class Upon:
    """Something that a story has happen at a call."""

    def __init__(self, name: str, do: Fault | Callable[[], object], worker: str | None, skip: int) -> None:
        self.name = name
        self.do = do
        self.worker = worker
        self.skip = skip
        self.reached = asyncio.Event()

    def fits(self, call: Call) -> bool:
        """Whether it is this call's turn."""
        if call.name != self.name or self.worker not in (None, call.worker):
            return False
        self.skip -= 1
        return self.skip < 0


class Told:
    """Nothing goes wrong but what a story says."""

    def __init__(self) -> None:
        self.batch_offsets = 1_000  # of a topic in one batch
        self._plans: list[Upon] = []

    def upon(
        self, name: str, do: Fault | Callable[[], object], *, worker: str | None = None, skip: int = 0
    ) -> asyncio.Event:
        """Do something at the next such call, or the one after `skip` others; the event is set when that comes."""
        plan = Upon(name, do, worker, skip)
        self._plans.append(plan)
        return plan.reached

    def strike(self, call: Call) -> Fault | None:
        for plan in self._plans:
            if plan.fits(call):
                self._plans.remove(plan)
                plan.reached.set()
                if isinstance(plan.do, Fault):
                    return plan.do
                plan.do()
                return None
        return None

    def hop_s(self) -> float:
        return HOP_S

    def advance(self, left: int) -> int:
        return min(left, self.batch_offsets)


class Drawn:
    """Everything is drawn from a seed; what goes wrong can be given instead, by the number of the point."""

    def __init__(self, seed: int, plan: Mapping[int, Fault] | None = None) -> None:
        self.plan: dict[int, Fault] = dict(plan or {})
        self.points = 0
        self._given = plan is not None
        self._travel = random.Random(seed)
        self._faults = random.Random(-seed - 1)
        self._left = self._faults.choice((1, 2, 2, 3, 3, 4, 5, 6, 8, 10))
        self._one_in = self._faults.choice((3, 6, 12, 25, 50))
        self._small_batches = self._faults.random() < 0.5
        self._kinds = self._faults.choice(THEMES)

    def strike(self, call: Call) -> Fault | None:  # noqa: ARG002  # every call is a point
        self.points += 1
        if self._given:
            return self.plan.get(self.points)
        if not self._left or self._faults.randrange(self._one_in):
            return None
        self._left -= 1
        what = self._faults.choice(self._kinds)
        lasting_s = SHORT_S if what in ("branch", "revive") else LASTING_S
        fault = Fault(what, self._faults.choice(lasting_s), int(self._faults.expovariate(0.2)))
        self.plan[self.points] = fault
        return fault

    def hop_s(self) -> float:
        return HOP_S * self._travel.choice((1, 1, 2, 10, 100))

    def advance(self, left: int) -> int:
        if self._small_batches:
            return min(left, self._travel.choice((0, 0, 1, 1, 2)))
        return self._travel.choice((left, left, 1, 0, self._travel.randint(0, left)))


LASTING_S = (0.0, 0.02, 0.3, 1.5, 6.0, 12.0, 25.0)
SHORT_S = (0.0, 0.002, 0.01, 0.05, 0.2, 1.0)
LOST = ("request lost", "reply lost", "reply lost", "late", "late", "error")
STOPPED = ("crash", "crash after", "pause", "pause after", "revive", "revive")
GROUP = ("expire", "swap", "leave", "join")
ROLLED_BACK = ("roll back", "roll back", "forth", "branch", "branch", "empty")
AWAY = ("store away", "kafka away", "results stall", "poison")
THEMES = (
    (*LOST, *STOPPED, *GROUP, *ROLLED_BACK, *AWAY),
    (*LOST, *STOPPED, *GROUP, *AWAY),
    (*ROLLED_BACK, "results stall", "late", "poison"),
    (*ROLLED_BACK, *STOPPED, "results stall", "poison"),
    ("branch", "branch", "roll back", "results stall"),
    ("branch", "results stall", "poison"),
    ("revive", "revive", "results stall", "poison"),
)
