"""Counters by hour or day, and days against each other."""

from typing import Final
from zoneinfo import ZoneInfo

from app.counters import Counters, add_up
from app.dashboard.views.overview import Day
from app.viewing.history import History
from app.viewing.party import Party
from app.viewing.periods import DEFAULT_ZONE, HOUR_S, cut
from app.viewing.series import METRICS, Point, SeriesQuery

ZONE: Final = ZoneInfo(DEFAULT_ZONE)
HOUR_MS: Final = HOUR_S * 1_000
DAY_MS: Final = 24 * HOUR_MS
WEEK_MS: Final = 7 * DAY_MS
COUNTED: Final = tuple(name for name in METRICS if name != "net_minor" and not name.endswith("_rate"))


async def day_of(history: History, party: Party, start_ms: int, until_ms: int) -> Day:
    """The hours of a day that have begun by some time of it."""
    end_ms = min(start_ms + DAY_MS, -(-until_ms // HOUR_MS) * HOUR_MS)
    if end_ms <= start_ms:
        return Day({}, {})
    query = SeriesQuery(None, "", COUNTED, cut(start_ms, end_ms, HOUR_S, ZONE), HOUR_S)
    hours = {point.from_ms: counters_of(point) for point in await history.points(party, query) or ()}
    return Day(add_up(hours.values()), hours)


def counters_of(point: Point) -> Counters:
    """The counters of a period by name, money as "gross_minor:CNY"."""
    counters: dict[str, int] = {}
    for name, value in point.values.items():
        if isinstance(value, int):
            counters[name] = value
        elif isinstance(value, dict):
            counters.update({f"{name}:{one}": amount for one, amount in value.items()})
    return counters


def cut_short(day: Day, until_ms: int) -> Day:
    """A day until some time of it; the hour that this lies in counts in proportion: nothing finer is kept so long."""
    parts = {start_ms: min(1.0, (until_ms - start_ms) / HOUR_MS) for start_ms in day.hours if start_ms < until_ms}
    hours = {
        start_ms: {name: round(count * part) for name, count in day.hours[start_ms].items()}
        for start_ms, part in parts.items()
    }
    return Day(add_up(hours.values()), hours)
