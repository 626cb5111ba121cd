"""When to evaluate, and what time it is then."""

import asyncio
import time
from typing import Final, Protocol

from app.redis_store.reader import LaneOverview, Reader
from streams.rollups import HOUR_MS

POLL_S: Final = 0.5
SLACK_MS: Final = 90 * 60_000  # of event time, after which nearly all is told


class Clock(Protocol):
    """Says when the next evaluation is due."""

    async def next(self, reader: Reader) -> int:
        """Wait until an evaluation is due; returns its time in ms, later than that of the one before."""
        ...


class WallClock:
    """Every so many seconds, on the round second."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last_ms = 0

    async def next(self, reader: Reader) -> int:  # noqa: ARG002  # the protocol's
        """See Clock; what was missed while an evaluation took longer is not made up for."""
        due_s = (time.time() // self._every_s + 1) * self._every_s
        await asyncio.sleep(max(0.0, due_s - time.time()))
        self._last_ms = max(self._last_ms + 1, int(due_s * 1_000))
        return self._last_ms


class EventClock:
    """As time passes in the traffic: hour by hour, once an hour is told, in steps of so many minutes.

    For simulations and replays, in which hours pass in a second.
    """

    def __init__(self, every_s: float, until_ms: int | None = None) -> None:
        self._every_ms = int(every_s * 1_000)
        self._until_ms = until_ms
        self._last_ms: int | None = None
        self._told_ms = 0  # up to here everything is told
        self._finished = False
        self.ended = asyncio.Event()
        """Set when all is evaluated and `finish` was called."""

    def finish(self) -> None:
        """Say that all there will ever be is told."""
        self._finished = True

    async def next(self, reader: Reader) -> int:
        """See Clock; nothing is due any more at `until_ms`."""
        while self._last_ms is None or self._last_ms + self._every_ms > self._told_ms:
            self._look(clicked_up_to_ms(await reader.lanes()))
            if self._last_ms is None or self._last_ms + self._every_ms > self._told_ms:
                if self._finished:
                    self.ended.set()
                await asyncio.sleep(POLL_S)
        self._last_ms += self._every_ms
        return self._last_ms

    def _look(self, clicked_ms: int | None) -> None:
        if clicked_ms is None:
            return
        until_ms = clicked_ms if self._until_ms is None else self._until_ms
        told_ms = until_ms if self._finished else min(clicked_ms - SLACK_MS, until_ms)
        self._told_ms = told_ms // HOUR_MS * HOUR_MS
        if self._last_ms is None:
            self._last_ms = min(clicked_ms, until_ms) // HOUR_MS * HOUR_MS


def clicked_up_to_ms(lanes: list[LaneOverview]) -> int | None:
    """The moment up to which all lanes have clicks; None before there are any."""
    clicked = [lane.clicks.plausible_ms for lane in lanes if lane.clicks.plausible_ms]
    return min(clicked) if clicked else None
