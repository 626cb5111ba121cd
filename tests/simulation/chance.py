"""What decides how long messages travel, where batches end and what goes wrong."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from tests.simulation.process import Call, Fault

HOP_S = 0.001


class Chance(Protocol):
    """The decisions of one run."""

    def strike(self, call: Call) -> Fault | None:
        """What goes wrong with this request, or elsewhere when it is sent."""
        ...

    def strike_after(self, call: Call) -> Fault | None:
        """What goes wrong elsewhere once the request has taken effect, and before it is answered."""
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

    def strike_after(self, call: Call) -> Fault | None:  # noqa: ARG002  # stories count what is sent
        return None

    def hop_s(self) -> float:
        return HOP_S

    def advance(self, left: int) -> int:
        return min(left, self.batch_offsets)


class Drawn:
    """Everything is drawn from a seed; what goes wrong can be given instead, by the number of the point.

    Every seed has a swarm of its own: some kinds of faults only, at some requests only or at any, few or many.  All
    together would hide each other: what needs three rollbacks in a row is never seen where every second worker dies.
    Some seeds also aim: once the store was rolled back, the next fault meets a step of the mending.
    """

    def __init__(self, seed: int, plan: Mapping[int, Fault] | None = None) -> None:
        self.plan: dict[int, Fault] = dict(plan or {})
        self.points = 0
        self._given = plan is not None
        self._travel = random.Random(seed).random
        self._faults = faults = random.Random(-seed - 1)
        self._left = faults.choice((1, 1, 2, 2, 2, 3, 3, 4, 5, 7))
        self._kinds = _swarm(faults)
        self._where = _somewhere(faults, self._kinds)
        self._one_in = faults.choice((2, 3, 6, 12) if self._where else (6, 12, 25, 50))
        about = random.Random(f"restating {seed}")
        self.restates = about.random() < RESTATES
        """Whether it is about policies that enter a lane, and what goes wrong meanwhile."""
        if self.restates:
            self._kinds, self._where, self._one_in = frozenset(RESTATING), frozenset(about.choice(RESTATING_AT)), 2
        self._wait = self._draw_wait()
        self._small_batches = faults.random() < (0.9 if "fork" in self._kinds else 0.4)
        self._aims = faults.random() < 0.4
        self._aim: Aim | None = None

    def strike(self, call: Call) -> Fault | None:
        return self._point(call, self._kinds, after=False)

    def strike_after(self, call: Call) -> Fault | None:
        return self._point(call, self._kinds - WITH_A_REQUEST, after=True)

    def _point(self, call: Call, kinds: AbstractSet[str], *, after: bool) -> Fault | None:
        self.points += 1
        if self._given:
            return self.plan.get(self.points)
        if self._aim is not None:
            return self._hit(self._aim, call, after=after)
        if not self._left or (self._where is not None and call.name not in self._where):
            return None
        self._wait -= 1
        if self._wait > 0 or not kinds:
            return None
        self._wait = self._draw_wait()
        self._left -= 1
        fault = self._draw(sorted(kinds))
        self.plan[self.points] = fault
        if self._aims and fault.what in UNDONE:
            self._take_aim()
        return fault

    def _take_aim(self) -> None:
        choice = self._faults.choice
        self._aim = Aim(choice(MENDING), self._faults.random() < 0.6, choice((0, 0, 0, 1, 2)))

    def _hit(self, aim: "Aim", call: Call, *, after: bool) -> Fault | None:
        """The fault that was aimed, if this is the point."""
        if (call.name, after) != (aim.name, aim.after):
            return None
        if aim.skip:
            self._aim = aim._replace(skip=aim.skip - 1)
            return None
        self._aim = None
        what = self._faults.choice(AIMED if after else (*AIMED, "pause", "late"))
        fault = Fault(what, self._faults.choice(SHORT_S), self._faults.choice((0, 1, 1, 1, 2, 3)))
        self.plan[self.points] = fault
        if self._faults.random() < 0.3:
            self._take_aim()
        return fault

    def _draw(self, kinds: Sequence[str]) -> Fault:
        what = self._faults.choice(kinds)
        lasting_s = SHORT_S if what in ("branch", "revive", "usurp", "outlast", "fork") else LASTING_S
        return Fault(what, self._faults.choice(lasting_s), int(self._faults.expovariate(0.2)))

    def _draw_wait(self) -> int:
        return 1 + int(self._faults.expovariate(1 / self._one_in))

    def hop_s(self) -> float:
        return HOPS_S[int(self._travel() * len(HOPS_S))]

    def advance(self, left: int) -> int:
        if self._small_batches:
            return min(left, (0, 1, 1, 2, 2)[int(self._travel() * 5)])
        way = int(self._travel() * 5)
        return (left, left, 1, 0, int(self._travel() * (left + 1)))[way]


class Aim(NamedTuple):
    """A point at which something will go wrong."""

    name: str
    after: bool  # the effect
    skip: int  # such points before it


HOPS_S = tuple(HOP_S * times for times in (1, 1, 2, 10, 100))
LASTING_S = (0.0, 0.0, 0.02, 0.3, 0.3, 1.5, 1.5, 6.0, 12.0)
SHORT_S = (0.0, 0.002, 0.01, 0.05, 0.2, 1.0)
CALLS = (
    *("group.heartbeat", "store.acquire", "publisher.open", "publisher.read_marker", "feed.seek", "feed.deliver"),
    *("store.recent", "store.load", "store.commit", "store.trim", "store.probe", "store.rolled_back", "store.tokens"),
    *("producer.write", "producer.commit", "producer.abort"),
)
LOST = ("request lost", "reply lost", "late", "slow", "error")
STOPPED = ("crash", "crash after", "pause", "pause after", "oversleep", "revive", "usurp", "outlast")
GROUP = ("expire", "swap", "leave", "join", "fence")
ROLLED_BACK = ("roll back", "forth", "branch", "empty", "fork")
AWAY = ("store away", "kafka away", "results stall", "poison")
UNDONE = (*ROLLED_BACK, "revive", "usurp")
MENDING = (
    *("store.acquire", "publisher.open", "publisher.read_marker", "store.recent", "store.rolled_back", "feed.seek"),
    *("store.rolled_back", "store.commit", "store.commit", "producer.write", "producer.commit", "store.trim"),
)
RESTATES = 0.08
RESTATING = ("roll back", "branch", "forth", "crash")
RESTATING_AT = (("store.tokens",), ("store.tokens", "producer.commit"))
AIMED = ("roll back", "roll back", "roll back", "forth", "crash", "empty")
BROKEN_OFF = ("cut off", "recreate")
ALL = (*LOST, *STOPPED, *GROUP, *ROLLED_BACK, *AWAY)
WITH_A_REQUEST = frozenset((*LOST, "crash after", "pause after"))
"""What happens to a request when it is sent."""

THEMES = (
    (*ROLLED_BACK, "results stall", "late", "poison"),
    (*ROLLED_BACK, *STOPPED, "results stall", "poison"),
    ("branch", "roll back", "results stall"),
    ("branch", "results stall", "poison"),
    ("revive", "results stall", "poison"),
    ("usurp", "expire"),
    ("usurp", "swap", "crash"),
    ("oversleep",),
    ("oversleep", "results stall", "reply lost"),
    ("outlast",),
    ("outlast", "expire"),
    ("fork",),
    ("fork", "crash", "poison"),
    ("fork", "roll back", "slow"),
    ("slow", "crash"),
    ("slow", "crash", "expire", "roll back"),
)
"""What is known to be hard together."""


def _somewhere(faults: random.Random, kinds: AbstractSet[str]) -> frozenset[str] | None:
    """The requests at which something goes wrong; None: at any."""
    if kinds & {"usurp", "oversleep"} and faults.random() < 0.6:
        return frozenset(("store.acquire", *faults.sample(CALLS, faults.choice((0, 0, 1)))))
    if "branch" in kinds and faults.random() < 0.4:
        return frozenset(("store.commit",))  # what is committed just then is not published yet
    if {"slow", "crash"} <= kinds and faults.random() < 0.6:
        return frozenset(("producer.write", "producer.commit"))  # what was committed meanwhile waits
    return frozenset(faults.sample(CALLS, faults.choice((1, 1, 2, 3)))) if faults.random() < 0.5 else None


def _swarm(faults: random.Random) -> frozenset[str]:
    """The kinds of faults of one seed."""
    if faults.random() < 0.3:
        return frozenset(faults.choice(THEMES))
    kinds = faults.sample(ALL, faults.choice((1, 2, 2, 3, 3, 4, 5, 8, len(ALL))))
    if faults.random() < 0.06:
        kinds += BROKEN_OFF
    return frozenset(kinds)
