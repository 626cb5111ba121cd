"""Faults that go on when something has happened that they wait for."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from app.memory_store import Snapshot
from tests.simulation.process import Call, Fault

SLOWLY: Final = Fault("slow", 4.0)
MENDING: Final = ("store.acquire", "store.rolled_back", "store.commit", "producer.write", "producer.commit")


class Stage(Protocol):
    """What plots do to a world."""

    @property
    def saved(self) -> Sequence[Snapshot]:
        """All that the store ever held."""
        ...

    def roll_back(self, to: Snapshot) -> None: ...

    def later(self, seconds: float, do: Callable[[], object]) -> None: ...

    def stand_still(self, but: str) -> None:
        """Let all workers but one stand still for a moment."""
        ...

    def drop(self, name: str) -> None:
        """Let the group drop a worker."""
        ...

    def sleep(self, name: str) -> None:
        """Stop a worker, and let the group drop it."""
        ...

    def wake_up(self, name: str, late_s: float) -> None:
        """Let a worker go on soon."""
        ...

    def end(self, name: str, *, dies: bool) -> None:
        """Kill a worker, or stop it for long."""
        ...


class Plot:
    """A fault that is not over yet."""

    def strike(self, call: Call) -> Fault | None:  # noqa: ARG002  # most of them only look at what was done
        """What goes wrong with this request."""
        return None

    def done(self, call: Call) -> bool:
        """A request has taken effect; returns whether the plot has come to its end."""
        raise NotImplementedError


class Usurping(Plot):
    """A worker that wakes when its lanes are another one's, takes them and publishes; then that is undone."""

    def __init__(self, stage: Stage, name: str, *, stands_s: float, alone: bool) -> None:
        self._stage = stage
        self._name = name
        self._stands_s = stands_s
        self._alone = alone  # the others stand still when it takes the lanes
        self._before = 0

    def done(self, call: Call) -> bool:
        if call == (self._name, "store.acquire"):
            self._before = len(self._stage.saved) - 2
            if self._alone:
                self._stage.stand_still(self._name)
        if call != (self._name, "producer.commit"):
            return False
        self._stage.later(self._stands_s, lambda: self._stage.roll_back(self._stage.saved[max(0, self._before)]))
        return True


class Returning(Plot):
    """After so many transactions the store is as it was once."""

    def __init__(self, stage: Stage, *, transactions: int, then: int, late_s: float) -> None:
        self._stage = stage
        self._left = transactions
        self._then = then  # an index of what the store held
        self._late_s = late_s

    def done(self, call: Call) -> bool:
        self._left -= call.name == "producer.commit"
        if self._left:
            return False
        self._stage.later(self._late_s, lambda: self._stage.roll_back(self._stage.saved[max(0, self._then)]))
        return True


class Outlasting(Plot):
    """A take-over that is slept through, while the next owner publishes, and commits more that is slow to be published.

    It begins when something was published: the owner is dropped, and whoever comes next is the sleeper, at its acquire.
    Awake it goes on by what it knew before, and if it mends the store by that, it comes to an end just then.
    """

    def __init__(self, stage: Stage, *, transactions: int, commits: int, late_s: float, dies: bool) -> None:
        self._stage = stage
        self._sleeper: str | None = None
        self._begun = self._slow = False
        self._transactions = transactions  # that it sleeps through
        self._commits = commits  # and after these
        self._late_s = late_s
        self._dies = dies

    def strike(self, call: Call) -> Fault | None:
        if self._sleeper is None:
            if self._begun and call.name == "store.acquire":
                self._sleeper = call.worker
                self._stage.sleep(call.worker)
        elif not self._transactions and not self._slow and call.name == "producer.write":
            self._slow = True
            return SLOWLY
        return None

    def done(self, call: Call) -> bool:
        if self._sleeper is None:
            if not self._begun and call.name == "producer.commit":
                self._begun = True
                self._stage.drop(call.worker)
            return False
        if call == (self._sleeper, "store.rolled_back"):
            self._stage.end(self._sleeper, dies=self._dies)
            return True
        if self._transactions:
            self._transactions -= call.name == "producer.commit"
        elif self._commits and call.name == "store.commit":
            self._commits -= 1
            if not self._commits:
                self._stage.wake_up(self._sleeper, self._late_s)
        return False


class Forking(Plot):
    """Two histories: what was committed is slow to be published, lost with some that was, made anew, and there again.

    Of the new history a transaction is published before the older one is there again.  Some steps later, whoever mends
    that comes to an end.
    """

    def __init__(self, stage: Stage, *, commits: int, back: int, late_s: float, steps: int) -> None:
        self._stage = stage
        self._published = self._slow = self._back = self._forked = False
        self._commits = commits  # that wait to be published
        self._lost = commits + back  # changes of the store that are lost
        self._late_s = late_s
        self._steps = steps

    def strike(self, call: Call) -> Fault | None:
        if not self._published or self._slow or call.name != "producer.write":
            return None
        self._slow = True
        return SLOWLY

    def done(self, call: Call) -> bool:
        if self._forked:
            self._steps -= call.name in MENDING
            if not self._steps:
                self._stage.end(call.worker, dies=True)
            return not self._steps
        if call.name == "producer.commit":
            self._published = True
            if self._back:
                self._back = False
                self._stage.later(self._late_s, self._return)
        elif self._slow and call.name == "store.commit" and self._commits:
            self._commits -= 1
            if not self._commits:
                self._then = len(self._stage.saved) - 1
                self._back = True
                self._stage.roll_back(self._stage.saved[max(0, self._then - self._lost)])
        return False

    def _return(self) -> None:
        self._stage.roll_back(self._stage.saved[self._then])
        self._forked = True
