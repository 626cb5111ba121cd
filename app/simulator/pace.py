"""When things happen: the pace of a day, how long people think before they buy, how late facts are told."""

from random import Random
from typing import NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# Share of the day's clicks by hour in Asia/Shanghai: quiet nights, noon, and a long evening.
DIURNAL = (
    28, 16, 9, 6, 5, 6, 12, 24, 36, 42, 46, 48, 58, 54, 46, 44, 44, 46, 54, 66, 82, 92, 84, 52,
)  # fmt: skip


class Clock:
    """Event time by the share of the traffic that is through; it never goes back."""

    def __init__(self, start_ms: int, days: float) -> None:
        self._start_ms = self._hour_start_ms = start_ms
        self._hours_left = days * 24
        self._total = self._weight(days * 24)
        self._hour = 0
        self._before = 0.0

    def share(self, from_ms: int, to_ms: int) -> float:
        """The share of the traffic that usually begins in a stretch of time."""
        hours = [max(0.0, (at_ms - self._start_ms) / HOUR_MS) for at_ms in (from_ms, to_ms)]
        return min(1.0, (self._weight(hours[1]) - self._weight(hours[0])) / self._total)

    @staticmethod
    def _weight(hours: float) -> float:
        whole = int(hours)
        return sum(DIURNAL[hour % 24] for hour in range(whole)) + (hours - whole) * DIURNAL[whole % 24]

    def at(self, share: float) -> int:
        """The moment in ms at which `share` (never less than before) of the traffic has begun; above 1 days follow."""
        target = share * self._total
        while target >= self._before + DIURNAL[self._hour % 24] and (self._hours_left > 1 or share > 1):
            self._before += DIURNAL[self._hour % 24]
            self._hour += 1
            self._hours_left -= 1
            self._hour_start_ms += HOUR_MS
        return self._hour_start_ms + int((target - self._before) / DIURNAL[self._hour % 24] * HOUR_MS)


class Thinking(NamedTuple):
    """How long after the click something happens: shares of minutes and of hours; the rest takes days."""

    minutes: float
    hours: float
    longest_days: float

    def draw(self, random: Random) -> int:
        """A delay in ms, from two seconds to `longest_days`."""
        kind, where = random.random(), random.random()
        if kind < self.minutes:
            return int(2_000 + where * where * 30 * MINUTE_MS)
        if kind < self.minutes + self.hours:
            return int((0.5 + where * where * 20) * HOUR_MS)
        return int((1 + where * (self.longest_days - 1)) * DAY_MS)


ENTRY_THINKING = {
    "fmcg": Thinking(0.72, 0.25, 3),
    "outdoor": Thinking(0.60, 0.34, 5),
    "health": Thinking(0.64, 0.31, 4),
}
ACTION_THINKING = {
    "fmcg": Thinking(0.64, 0.28, 8),
    "outdoor": Thinking(0.48, 0.38, 12),
    "health": Thinking(0.54, 0.34, 10),
}
ORDER_THINKING = {
    "fmcg": Thinking(0.45, 0.35, 18),
    "outdoor": Thinking(0.15, 0.40, 24),
    "health": Thinking(0.25, 0.40, 20),
}
OTHER_THINKING = Thinking(0.5, 0.4, 6)


class Lateness(NamedTuple):
    """How long after it happened a fact is told: mostly at once, some after minutes, a few after hours."""

    at_once: float
    soon: float
    at_once_ms: int
    soon_ms: int
    longest_ms: int

    def draw(self, random: Random) -> int:
        """A lateness in ms."""
        kind, where = random.random(), random.random()
        if kind < self.at_once:
            return int(where * self.at_once_ms)
        if kind < self.at_once + self.soon:
            return int(where * self.soon_ms)
        return int(where * where * self.longest_ms)


CLICK_LATENESS = Lateness(0.94, 0.04, 3_000, 10 * MINUTE_MS, 6 * HOUR_MS)
ENTRY_LATENESS = Lateness(0.90, 0.08, 5_000, 10 * MINUTE_MS, 6 * HOUR_MS)
STEP_LATENESS = Lateness(0.60, 0.30, 30_000, 2 * HOUR_MS, 2 * DAY_MS)
REPEAT_LATENESS = Lateness(0.50, 0.40, 60_000, 2 * HOUR_MS, 2 * DAY_MS)
