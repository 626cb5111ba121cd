"""When to evaluate, and what time it is then."""

import asyncio
import time
from typing import Final, Protocol

from app.redis_store.reader import Reader

POLL_S: Final = 0.05
RENEW_S: Final = 2.0


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
    """As time passes in the traffic: whenever the clicks have come so much further.  For demonstrations and replays."""

    def __init__(self, every_s: float) -> None:
        self._every_ms = int(every_s * 1_000)
        self._last_ms = 0

    async def next(self, reader: Reader) -> int:
        """See Clock."""
        while True:
            lanes = await reader.lanes()
            clicked = [lane.clicks.plausible_ms for lane in lanes if lane.clicks.plausible_ms]
            # Journeys click again days later: what most lanes have come past is now.
            now_ms = min(clicked, default=0)
            if now_ms >= self._last_ms + self._every_ms:
                self._last_ms = now_ms
                return now_ms
            await asyncio.sleep(POLL_S)
