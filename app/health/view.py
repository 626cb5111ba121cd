"""What a worker looks like at one moment, as values that any thread may read."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from streams.records import Positions

LaneState: TypeAlias = Literal["serving", "replaying", "taking_over", "stopped"]


class LaneView(NamedTuple):
    """One lane of the worker."""

    number: int
    state: LaneState
    trouble: str | None  # what ended the last ownership, unless the lane serves
    positions: Positions  # the last ones known
    lag: Mapping[str, int]  # by topic, how many offsets wait in Kafka
    event_lag_s: float
    commit_lag_s: float
    outbox: int  # entries that wait to be published
    credit: int
    restating: bool
    replay_left: int
    steps: int  # grows with all that the lane gets done or fails at
    sent: int  # grows with what is published

    @property
    def behind(self) -> bool:
        """Whether records wait in Kafka."""
        return any(self.lag.values())


class WorkerView(NamedTuple):
    """A worker, as its event loop sees itself."""

    at_s: float  # monotonic
    lanes: tuple[LaneView, ...] = ()
    joined: bool = False
    waiting: tuple[str, ...] = ()  # partitions that are ours but of no use
    kafka: str | None = None  # why it is thought to be away; then `lag` is what was known last
    redis: str | None = None
    slack_s: float = float("inf")  # the shortest retention_slack of the policies in force
    loop_delay_s: float = 0.0
