"""How far the facts of each platform's shops are behind the clock, where they usually come all the time."""

from collections.abc import Collection, Mapping
from typing import Final

from app.redis_store.live_series import LiveSeries
from app.redis_store.reader import Reader
from streams.rollups import BASES, HOUR_MS, in_all_minutes, minute_of, row_of

MINUTE_MS: Final = 60_000
HOURS: Final = 3  # looked at
STEADY: Final = 180  # facts in these hours: where fewer come, a pause says nothing
FORGET_MS: Final = 24 * HOUR_MS  # what has been silent for so long is no feed any more
FACTS: Final = ("entries", "favourites", "carts", "orders")


class Lateness:
    """Remembers when each platform was heard of last."""

    def __init__(self) -> None:
        self.newest_ms: dict[str, int] = {}
        self._series: tuple[Reader, LiveSeries] | None = None

    async def of(self, reader: Reader, rows: Mapping[str, Collection[str]], at_ms: int) -> dict[str, float]:
        """By platform the ms from its newest facts to `at_ms`; `rows` are the channels of each platform."""
        if self._series is None or self._series[0] is not reader:
            self._series = reader, LiveSeries(reader)
        hours = range(at_ms // HOUR_MS - HOURS + 1, at_ms // HOUR_MS + 1)
        names = in_all_minutes(sorted({BASES["event"] + row for some in rows.values() for row in some}))
        found = await self._series[1].rows({("minutes", hour): names for hour in hours})
        platforms: dict[str, dict[int, int]] = {}
        for (_, hour), counted in found.items():
            for row, counts in counted.items():
                minutes = platforms.setdefault(row_of(row)[2:].partition("|")[0], {})
                minute_ms = hour * HOUR_MS + minute_of(row) * MINUTE_MS
                minutes[minute_ms] = minutes.get(minute_ms, 0) + sum(counts.get(name, 0) for name in FACTS)
        for platform, minutes in platforms.items():
            self._hear(platform, minutes, at_ms)
        return {
            platform: float(late_ms)
            for platform, newest_ms in self.newest_ms.items()
            if 0 < (late_ms := at_ms - newest_ms) < FORGET_MS
        }

    def _hear(self, platform: str, minutes: Mapping[int, int], at_ms: int) -> None:
        """Note when a platform was heard of last, once it is heard of steadily."""
        told = [minute_ms for minute_ms, count in minutes.items() if count > 0 and minute_ms <= at_ms]
        if told and (platform in self.newest_ms or sum(minutes[one] for one in told) >= STEADY):
            newest_ms = max(told) + MINUTE_MS
            self.newest_ms[platform] = max(self.newest_ms.get(platform, 0), min(newest_ms, at_ms))
