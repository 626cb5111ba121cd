"""Recorded series as history: what each minute brought by the times of the facts, in scopes larger than notes."""

from collections.abc import AsyncIterator, Iterator
from typing import Final, Protocol

import numpy as np

from app.alerts.model import Array, Observations, Scope
from streams.core.policy import ancestry
from streams.rollups import minute_of, row_of

HOUR_MIN: Final = 60
_CLICKS: Final = ("clicks", "clicks_refused")  # booked by the times of clicks alone

Minute = dict[Scope, dict[str, int]]


class Series(Protocol):
    """What is needed of a reader of series."""

    async def bucket(self, span: str, hour: int) -> dict[str, dict[str, int]]:
        """All rows of an hour."""
        ...


async def minutes_of(series: Series, first_hour: int, last_hour: int) -> AsyncIterator[tuple[int, Observations]]:
    """The minutes of some hours since 1970, the last one included, by their numbers; hours without series are empty."""
    scopes: list[Scope] = []
    rows: dict[Scope, int] = {}
    for hour in range(first_hour, last_hour + 1):
        for within, minute in enumerate(_by_minute(await series.bucket("minutes", hour))):
            for scope in minute:
                if scope not in rows:
                    rows[scope] = len(scopes)
                    scopes = [*scopes, scope]
            yield hour * HOUR_MIN + within, _observations(scopes, rows, minute)


def _observations(scopes: list[Scope], rows: dict[Scope, int], minute: Minute) -> Observations:
    counts: dict[str, Array] = {}
    for scope, counted in minute.items():
        for name, count in counted.items():
            if name not in counts:
                counts[name] = np.zeros(len(scopes))
            counts[name][rows[scope]] += count
    return Observations(scopes, [()] * len(scopes), counts, np.zeros(len(scopes)))


def _by_minute(bucket: dict[str, dict[str, int]]) -> Iterator[Minute]:
    minutes: list[Minute] = [{} for _ in range(HOUR_MIN)]
    for field, counted in bucket.items():
        minute, within = minute_of(field), row_of(field)
        basis, row = within[0], within[1:]
        taken = _taken(counted, by_click=basis == "k")
        for scope in _scopes(row) if taken else ():
            known = minutes[minute].setdefault(scope, {})
            for name, count in taken.items():
                known[name] = known.get(name, 0) + count
    yield from minutes


def _taken(counted: dict[str, int], *, by_click: bool) -> dict[str, int]:
    """Clicks by their own time, everything else by the time of the fact; refusals and money as rules know them."""
    taken: dict[str, int] = {}
    for name, count in counted.items():
        if (name in _CLICKS) != by_click:
            continue
        base, _, rest = name.partition(":")
        names = ["refused", f"refused:{rest.partition('/')[2]}"] if base == "refused" else [base]
        for one in names:
            taken[one] = taken.get(one, 0) + count
    return taken


def _scopes(row: str) -> Iterator[Scope]:
    """The scopes that a row of the series is a part of; each record is in one row of each letter."""
    letter, rest = row[0], row[1:]
    if letter == "g":
        yield from (Scope("category", category) for category in ancestry(rest))
    elif letter == "c":
        platform, link, _ = rest.split("|")
        yield from (Scope("platform", platform), Scope("link", link), Scope("all", "*"))
    elif letter == "m":
        yield Scope("merchant", rest.split("|")[0])
    elif letter == "p":
        yield Scope("campaign", rest.split("|")[0])
