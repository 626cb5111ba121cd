"""The survey: a worker's event loop looks at itself, about every second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from app.health.lag import Waiting
from app.health.timely import TimelyFeed
from app.health.view import LaneState, LaneView, WorkerView
from streams.errors import RedcatError
from streams.lane import Lane
from streams.lanes import Lanes
from streams.owner import Owner
from streams.records import Positions

BEAT_S: Final = 1.0
SERVERS_EVERY_S: Final = 5.0
ANSWER_S: Final = 5.0


class Surveyed(NamedTuple):
    """What is looked at."""

    lanes: Lanes
    feed: TimelyFeed
    ping: Callable[[Mapping[int, int]], Awaitable[None]]  # asks Redis, and leaves there what waits for which lane
    now_ms: Callable[[], int]


class Survey:
    """Keeps `view` up to date while it runs."""

    def __init__(self, surveyed: Surveyed, stall_s: float) -> None:
        self.view = WorkerView(time.monotonic())
        self._surveyed = surveyed
        self._every_s = min(SERVERS_EVERY_S, stall_s / 4)
        self._positions: dict[int, Positions] = {}  # where lanes were seen last
        self._kafka: str | None = None
        self._redis: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            group.create_task(self._ask_servers())

    async def _beat(self) -> None:
        delay_s = 0.0
        while True:
            self.view = self._look(delay_s)
            self._stop_late_lanes()
            due_s = time.monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)
            delay_s = max(0.0, time.monotonic() - due_s)

    async def _ask_servers(self) -> None:
        while True:
            self._kafka = await _trouble(self._ask_kafka(), "Kafka")
            self._redis = await _trouble(self._surveyed.ping(self._waiting()), "Redis")
            await asyncio.sleep(self._every_s)

    async def _ask_kafka(self) -> None:
        """Where the lanes' topics end; a worker without lanes asks for one that is not its own."""
        feed = self._surveyed.feed
        ends = await feed.kafka.looks.end_offsets(feed.kafka.lanes or {0})
        mine = feed.kafka.lanes  # others by now, perhaps
        feed.keep_only(mine)
        self._positions = {lane: known for lane, known in self._positions.items() if lane in mine}
        for lane in self._positions.keys() & ends.keys():
            feed.waiting.setdefault(lane, Waiting()).see(time.monotonic(), ends[lane], self._positions[lane])

    def _waiting(self) -> dict[int, int]:
        """How many records wait in Kafka for each lane that is here."""
        waiting = self._surveyed.feed.waiting
        return {
            lane: sum(waiting[lane].records(positions).values())
            for lane, positions in self._positions.items()
            if lane in waiting
        }

    def _stop_late_lanes(self) -> None:
        for lane in self.view.lanes:
            late = self._surveyed.feed.too_late(lane.number, lane.commit_lag_s)
            if late is not None and lane.state == "serving":
                self._surveyed.lanes.fail(lane.number, late)

    def _look(self, delay_s: float) -> WorkerView:
        feed = self._surveyed.feed
        return WorkerView(
            at_s=time.monotonic(),
            lanes=tuple(map(self._look_at, self._surveyed.lanes.lanes())),
            joined=feed.kafka.has_joined,
            waiting=feed.kafka.waiting,
            kafka=self._kafka,
            redis=self._redis,
            slack_s=feed.slack_s(),
            loop_delay_s=delay_s,
        )

    def _look_at(self, lane: Lane) -> LaneView:
        owner, outbox, number = lane.owner, lane.outbox, lane.number
        if owner is not None:
            self._positions[number] = owner.positions
        positions = self._positions.get(number, {})
        waiting = self._surveyed.feed.waiting.get(number, Waiting())
        lag = waiting.records(positions)
        return LaneView(
            number=number,
            state=_state(lane),
            trouble=None if lane.trouble is None else str(lane.trouble),
            positions=positions,
            lag=lag,
            event_lag_s=0.0 if owner is None else _event_lag_s(owner, lag, self._surveyed.now_ms()),
            commit_lag_s=waiting.seconds(time.monotonic(), positions),
            outbox=0 if outbox is None else len(outbox),
            credit=self._surveyed.feed.kafka.credit(number),
            restating=owner is not None and owner.policies.restating != "",
            replay_left=lane.replay_left,
            steps=lane.steps,
            sent=0 if outbox is None else outbox.sent,
        )


async def _trouble(asked: Awaitable[None], server: str) -> str | None:
    """Why there is no answer."""
    try:
        async with asyncio.timeout(ANSWER_S):
            await asked
    except RedcatError as error:
        return str(error)
    except TimeoutError:
        return f"{server} gave no answer within {ANSWER_S:g} s"
    return None


def _state(lane: Lane) -> LaneState:
    if lane.stopped is not None:
        return "stopped"
    if lane.owner is not None:
        return "serving"
    return "replaying" if lane.replay_left else "taking_over"


def _event_lag_s(owner: Owner, lag: dict[str, int], now_ms: int) -> float:
    """Age of the oldest of the last records committed of the topics in which more wait; 0 when there are none."""
    behind = (topic for topic, records in lag.items() if records)
    last_ms = min(
        (owner.last_records[topic].timestamp for topic in behind if topic in owner.last_records), default=None
    )
    return 0.0 if last_ms is None else max(0.0, (now_ms - last_ms) / 1000)
