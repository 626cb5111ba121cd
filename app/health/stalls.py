"""What a stall is: work waits, nothing hinders, and nothing gets done.  No clock, no threads."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from app.health.view import LaneView, WorkerView

SUSPENDED_S: Final = 5.0  # between two looks: then the whole process stood still, and nobody is to blame


class Stall(NamedTuple):
    """One thing that stands still: what, of which lane, and for how long."""

    what: str
    lane: int | None
    for_s: float


class Stalls:
    """Compares a worker with what it was before.

    A lane that waits for a person, that tries again and fails, or whose servers are away is in trouble, which
    readiness tells; it is not stalled, and ending the process would not help it.
    """

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._looked_s: float | None = None
        self._resumed_s = 0.0
        self._still: dict[tuple[str, int], tuple[int, float]] = {}  # what and lane: a count, and since when it stands

    def look(self, now_s: float, view: WorkerView) -> list[Stall]:
        """What stands still for longer than allowed; to be called about every second."""
        if self._looked_s is None or now_s - self._looked_s > SUSPENDED_S:
            self._resumed_s = now_s
            self._still.clear()
        self._looked_s = now_s
        silent_s = now_s - max(view.at_s, self._resumed_s)
        if silent_s > self._stall_s:
            return [Stall("the event loop does not turn", None, silent_s)]
        found = [] if view.kafka or view.redis else [one for lane in view.lanes for one in _work(lane)]
        self._still = {key: (count, self._since(key, count, now_s)) for key, count in found}
        return [
            Stall(what, lane, now_s - since_s)
            for (what, lane), (_, since_s) in self._still.items()
            if now_s - since_s > self._stall_s
        ]

    def _since(self, key: tuple[str, int], count: int, now_s: float) -> float:
        known, since_s = self._still.get(key, (None, now_s))
        return since_s if known == count else now_s


def _work(lane: LaneView) -> Iterator[tuple[tuple[str, int], int]]:
    """What waits for the lane, each with a count that grows while something is done about it."""
    if lane.state == "stopped":
        return
    if lane.state == "taking_over":
        yield ("nothing is heard of a take-over", lane.number), lane.steps
    elif lane.behind or lane.replay_left:
        yield ("records wait in Kafka and the lane does nothing", lane.number), lane.steps
    if lane.outbox:
        yield ("results wait and none is published", lane.number), lane.sent
