"""Why a worker is not ready."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from app.health.view import LaneView, WorkerView

Code: TypeAlias = Literal[
    "starting",
    "stopping",
    "loop_stuck",
    "joining",
    "kafka_away",
    "redis_away",
    "lanes_waiting",
    "lane_stopped",
    "lane_taking_over",
    "lane_replaying",
    "lane_behind",
    "stalled",
]

LOOP_LATE_S: Final = 5.0  # an event loop that was silent for so long keeps nobody's lane


class Reason(NamedTuple):
    """One thing that is wrong: its code, in words, and the lane if it is one lane's."""

    code: Code
    detail: str
    lane: int | None = None

    def shown(self) -> dict[str, str | int]:
        """As JSON tells it."""
        lane = {} if self.lane is None else {"lane": self.lane}
        return {"reason": self.code, "detail": self.detail, **lane}


def unready(view: WorkerView, now_s: float) -> list[Reason]:
    """Everything that keeps a worker from being ready; one without lanes is."""
    return [*_of_the_worker(view, now_s), *(reason for lane in view.lanes for reason in _of_a_lane(lane, view.slack_s))]


def _of_the_worker(view: WorkerView, now_s: float) -> Iterator[Reason]:
    if (silent_s := now_s - view.at_s) > LOOP_LATE_S:
        yield Reason("loop_stuck", f"the event loop has not turned for {silent_s:.0f} s")
    if not view.joined:
        yield Reason("joining", "the consumer group has not given this worker its lanes yet")
    if view.kafka is not None:
        yield Reason("kafka_away", view.kafka)
    if view.redis is not None:
        yield Reason("redis_away", view.redis)
    if view.waiting:
        yield Reason("lanes_waiting", f"the other topics of their lanes are not here: {', '.join(view.waiting)}")


def _of_a_lane(lane: LaneView, slack_s: float) -> Iterator[Reason]:
    if lane.state == "stopped":
        yield Reason("lane_stopped", lane.trouble or "", lane.number)
    elif lane.state == "taking_over":
        yield Reason("lane_taking_over", lane.trouble or "the lane was assigned just now", lane.number)
    elif lane.state == "replaying":
        yield Reason("lane_replaying", f"{lane.replay_left} offsets are left of a silent replay", lane.number)
    if lane.commit_lag_s > slack_s / 2:
        yield Reason(
            "lane_behind",
            f"records have waited for {lane.commit_lag_s:.0f} s, more than half of retention_slack ({slack_s:.0f} s): "
            "journeys may expire while their orders wait",
            lane.number,
        )
