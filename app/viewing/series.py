"""Time series of a scope as far as a party sees it, on both time bases.

A merchant's part of anything has rows of its own, so that what it sees of a note, campaign, platform or category that
it shares with others is exactly its part.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from app.counters import COUNTS, MONEY
from app.redis_store.told_rows import Span
from app.viewing.figures import CounterValue, Figures, Rates, figures_of
from app.viewing.periods import HOUR_S, Periods, WrongPeriods, hours_of
from app.viewing.scopes import Dimension, Scope
from app.viewing.view import View
from streams.rollups import BASES, Rows, in_all_minutes, minute_of, row_of

Basis: TypeAlias = Literal["event", "click"]

OF_NOTES: Final = ("reads", "likes", "saves", "comments", "shares")
RATES: Final = ("entry_rate", "order_rate", "refund_rate")
METRICS: Final = (*(name for name in COUNTS if name not in OF_NOTES), *MONEY, "net_minor", *RATES)
"""What there are series of; a note's own figures have none."""

CLICKS: Final = frozenset(("clicks", "clicks_refused"))
"""What counts clicks as such: it has only one time, and is stored on the basis `click` alone."""

MOST_FIELDS: Final = 2_000_000


class SeriesQuery(NamedTuple):
    """Which series; without a scope that of all that the party sees."""

    scope: Scope | None
    id: str
    metrics: Sequence[str]
    periods: Periods
    step_s: int
    basis: Basis = "event"


class Expected(msgspec.Struct, frozen=True):
    """What a count that still grows is expected to come to; the truth lies between `low` and `high` with 95 %."""

    value: float
    low: float
    high: float


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """A period: its values and rates by metric; with `immature`, orders of its clicks may still come."""

    from_ms: int
    to_ms: int
    values: dict[str, CounterValue]
    rates: Rates = Rates()
    immature: bool = False
    expected: dict[str, Expected] = {}


def rows_of(view: View, scope: Scope | None, name: str) -> list[str]:
    """The rows that add up to what the party sees of an id; none if it sees none.

    Nor are there any for who is shown groups of tokens only: of those there is no live series.
    """
    if view.party.grouped:
        return []
    cells, merchant = view.cells, view.party.id if view.party.kind == "merchant" else None
    rows = view.rows() if scope is None else view.rows_of(scope, name)
    shop_rows = cells.of_shops(rows)

    def distinct(*dimensions: Dimension) -> Iterable[tuple[str, ...]]:
        return cells.distinct(shop_rows, dimensions)

    if scope in ("notes", "campaigns"):
        letter = "n" if scope == "notes" else "p"
        return [f"{letter}{name}|{shop}" for (shop,) in distinct("merchant_id")]
    if scope == "merchants" or merchant is not None:
        return [f"m{'|'.join(parts)}" for parts in distinct("merchant_id", "platform", "category")]
    if scope == "categories":
        return [f"g{category}" for (category,) in distinct("category")]
    return [f"c{'|'.join(parts)}" for parts in distinct("platform", "link", "note_kind")]


def kept_step_s(scope: Scope | None, step_s: int, from_ms: int, minutes_since_ms: int) -> int:
    """The finest step of at least `step_s` there is: of notes, and of what came before `minutes_since_ms`, by hour."""
    by_hour = scope == "notes" or from_ms < minutes_since_ms
    return max(step_s, HOUR_S) if by_hour else step_s


def spans_of(query: SeriesQuery, rows: Sequence[str]) -> dict[Span, list[str]]:
    """The rows to read, by span; WrongPeriods if they are too many."""
    hours, bases = hours_of(query.periods), _bases(query)
    fine = query.step_s < HOUR_S
    fields = len(hours) * len(rows) * len(bases) * (60 if fine else 1)
    if fields > MOST_FIELDS:
        raise WrongPeriods("this is too much to read at once: take a longer step or a shorter time")
    if fine:
        names = in_all_minutes([base + row for base in bases for row in rows])
        return {("minutes", hour): names for hour in hours}
    names = [base + row for base in bases for row in rows]
    return {("hours", hour): names for hour in hours}


def counted(query: SeriesQuery, found: Mapping[Span, Rows]) -> list[dict[str, int]]:
    """The counters of each period, by name."""
    sums: list[dict[str, int]] = [{} for _ in query.periods.starts_ms]
    for (span, hour), rows in found.items():
        for row, counts in rows.items():
            minute, base = (minute_of(row), row_of(row)[0]) if span == "minutes" else (0, row[0])
            number = query.periods.place((hour * 60 + minute) * 60_000)
            if number is not None:
                _add(sums[number], counts, only_clicks=base != BASES[query.basis])
    return sums


def points(query: SeriesQuery, sums: Sequence[Mapping[str, int]]) -> list[Point]:
    """The values of each period."""
    found = []
    for number, start in enumerate(query.periods.starts_ms):
        figures = figures_of(sums[number])
        end = query.periods.end_of(number)
        found.append(Point(start, end, values(figures, query.metrics), _rates(figures, query.metrics)))
    return found


def values(figures: Figures, metrics: Iterable[str]) -> dict[str, CounterValue]:
    """What some metrics are in some figures, 0 for what was not counted."""
    return {
        metric: figures.money(metric) if metric in (*MONEY, "net_minor") else figures.count(metric)
        for metric in metrics
        if metric not in RATES
    }


def _rates(figures: Figures, metrics: Iterable[str]) -> Rates:
    return Rates(**{name: getattr(figures.rates, name) for name in RATES if name in metrics})


def _bases(query: SeriesQuery) -> list[str]:
    needed = {BASES[query.basis]}
    if CLICKS & set(query.metrics) or set(RATES) & set(query.metrics):
        needed.add(BASES["click"])
    return sorted(needed)


def _add(sums: dict[str, int], counts: Mapping[str, int], *, only_clicks: bool) -> None:
    for name, count in counts.items():
        if not only_clicks or name in CLICKS:
            sums[name] = sums.get(name, 0) + count
