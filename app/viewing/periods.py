"""Periods: time cut in steps, days at midnight of a time zone.  Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
STEPS_S: Final = (
    *(60, 120, 180, 300, 600, 900, 1_200, 1_800),
    *(HOUR_S, 2 * HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, DAY_S, WEEK_S),
)
"""The lengths of periods there are, in seconds."""

MOST_PERIODS: Final = 2_000
DEFAULT_ZONE: Final = "Asia/Shanghai"


class WrongPeriods(ValueError):
    """These periods cannot be cut."""


class Periods(NamedTuple):
    """Adjacent half-open periods: where each begins, and where the last one ends."""

    starts_ms: list[int]
    end_ms: int

    def place(self, at_ms: int) -> int | None:
        """The number of the period that a time is in; None outside of all."""
        if not self.starts_ms or not self.starts_ms[0] <= at_ms < self.end_ms:
            return None
        return bisect_right(self.starts_ms, at_ms) - 1

    def end_of(self, number: int) -> int:
        """Where a period ends."""
        return self.starts_ms[number + 1] if number + 1 < len(self.starts_ms) else self.end_ms


def cut(from_ms: int, to_ms: int, step_s: int, zone: ZoneInfo) -> Periods:
    """The whole periods that cover a time; WrongPeriods if they are too many or there is no such step."""
    if step_s not in STEPS_S:
        raise WrongPeriods(f"step is one of {', '.join(map(str, STEPS_S))} seconds")
    if from_ms >= to_ms:
        raise WrongPeriods("from_ms must be before to_ms")
    if (to_ms - from_ms) // (1_000 * step_s) >= MOST_PERIODS:
        raise WrongPeriods(f"these are more than {MOST_PERIODS:,} periods: take a longer step or a shorter time")
    start = _start_of(datetime.fromtimestamp(from_ms / 1_000, zone), step_s)
    starts: list[int] = []
    while (at_ms := _ms(start)) < to_ms:
        if not starts or at_ms > starts[-1]:
            starts.append(at_ms)
        start = _next(start, step_s, zone)
    return Periods(starts, _ms(start))


def finest_s(zone: ZoneInfo, from_ms: int) -> int:
    """The finest hours that fit a zone: where its clock is not at whole hours, series by hour cannot be cut."""
    offset = datetime.fromtimestamp(from_ms / 1_000, zone).utcoffset() or timedelta()
    return HOUR_S if offset.total_seconds() % HOUR_S == 0 else MINUTE_S


def _start_of(at: datetime, step_s: int) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if step_s == WEEK_S:
        return midnight - timedelta(days=midnight.weekday())
    if step_s == DAY_S:
        return midnight
    since = at.hour * HOUR_S + at.minute * MINUTE_S
    start = since - since % step_s
    return midnight.replace(hour=start // HOUR_S, minute=start % HOUR_S // MINUTE_S, fold=at.fold)


def _next(start: datetime, step_s: int, zone: ZoneInfo) -> datetime:
    if step_s >= DAY_S:
        # Days are as long as the zone's clock makes them.
        return (start.replace(tzinfo=None) + timedelta(seconds=step_s)).replace(tzinfo=zone)
    return _start_of(datetime.fromtimestamp(start.timestamp() + step_s, zone), step_s)


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1_000


def hours_of(periods: Periods) -> Sequence[int]:
    """The hours since 1970 that periods reach into."""
    if not periods.starts_ms:
        return ()
    return range(periods.starts_ms[0] // (1_000 * HOUR_S), -(-periods.end_ms // (1_000 * HOUR_S)))
