"""The cohorts of clicks of each category as the time series tell them, for app.alerts.maturing."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from app.alerts.maturing import AGES, Cohorts
from app.alerts.model import Array, Metric
from app.alerts.state import State
from app.redis_store.live_series import LiveSeries
from app.redis_store.reader import Reader
from streams.rollups import BASES, HOUR_MS, in_all_minutes, minute_of, row_of

BY_MINUTE_HOURS: Final = 6  # older cohorts are looked at by the hour
MOST_CATEGORIES: Final = 100
HOUR_MIN: Final = 60
CURRENCY: Final = "gross_minor:"

Counts = Mapping[str, int]
Dated = Sequence[tuple[float, Counts]]
"""Counters of cohorts by when these began, in minutes since 1970."""


async def learn_delays(reader: Reader, state: State, at_ms: int) -> None:
    """Once an hour, let a state see what has become of all clicks, and use the delays that follow from it."""
    hour = at_ms // HOUR_MS
    if state.matured_hour == hour or state.disturbed(at_ms):
        return
    state.matured_hour = hour
    categories = state.calm_categories(at_ms)
    if state.at_ms is None:  # it knows no scopes yet
        categories = sorted({cell.category async for _, cells in reader.notes() for cell, _ in cells if cell.platform})
    dated, at_min = await _dated(reader, categories[:MOST_CATEGORIES], at_ms), at_ms / 60_000
    for metric in AGES:
        base = BASES["event" if metric == "refund_rate" else "click"]
        by_category = {category: some for (of, category), some in dated.items() if of == base}
        found = {category: cohorts_of(metric, some, at_min) for category, some in by_category.items()}
        state.maturing.take(metric, found, at_min)
        if (curves := state.maturing.curves(metric)) is not None:
            state.set_delays(metric, curves)


async def no_delays(_: Reader, __: State, ___: int) -> None:
    """Nothing, for replays, whose series are told as a whole: no cohort is ever young."""


def cohorts_of(metric: Metric, dated: Dated, at_min: float) -> Cohorts:
    """The cohorts of a metric, the youngest first; those of the minute that is not over are left out."""
    known = sorted((at_min - began_min, counts) for began_min, counts in dated if began_min + 1 <= at_min)
    base, counted = _MEASURED[metric]([counts for _, counts in known])
    return Cohorts(np.array([age for age, _ in known]), base, counted)


def _of_clicks(name: str, some: list[Counts]) -> tuple[Array, Array]:
    def column(of: str) -> Array:
        return np.array([float(max(counts.get(of, 0), 0)) for counts in some])

    return column("clicks"), column(name)


def _refunds(some: list[Counts]) -> tuple[Array, Array]:
    """Orders' worth of money, so that it varies about as orders do, in the currency in which most was paid."""
    paid: dict[str, int] = {}
    for counts in some:
        for name, count in counts.items():
            if name.startswith(CURRENCY):
                paid[name] = paid.get(name, 0) + count
    currency = max(paid, key=lambda name: paid[name], default=CURRENCY).removeprefix(CURRENCY)
    orders = sum(counts.get("orders", 0) for counts in some)
    mean = max(paid.get(CURRENCY + currency, 0) / max(orders, 1), 1.0)
    gross, refunded = (
        np.array([max(counts.get(f"{name}:{currency}", 0), 0) / mean for counts in some])
        for name in ("gross_minor", "refunded_minor")
    )
    return gross, refunded


_MEASURED: Final = {
    "entry_rate": lambda some: _of_clicks("clicks_entered", some),
    "order_rate": lambda some: _of_clicks("clicks_ordered", some),
    "cart_rate": lambda some: _of_clicks("carts", some),
    "refund_rate": _refunds,
}


async def _dated(reader: Reader, categories: Sequence[str], at_ms: int) -> Mapping[tuple[str, str], Dated]:
    series, last = LiveSeries(reader), at_ms // HOUR_MS
    most_h = int(max(ages.most_min for ages in AGES.values())) // HOUR_MIN
    names = [f"{base}g{category}" for base in BASES.values() for category in categories]
    dated: dict[tuple[str, str], list[tuple[float, Counts]]] = {}
    # Hour by hour, so that no request keeps the server for long.
    for hour in range(last - BY_MINUTE_HOURS + 1, last + 1):
        found = await series.rows({("minutes", hour): in_all_minutes(names)})
        for name, counts in found["minutes", hour].items():
            dated.setdefault(_key(row_of(name)), []).append((hour * HOUR_MIN + minute_of(name), counts))
    hours = range(last - most_h, last - BY_MINUTE_HOURS + 1)
    for (_, hour), rows in (await series.rows({("hours", hour): names for hour in hours})).items():
        for row, counts in rows.items():
            dated.setdefault(_key(row), []).append((hour * HOUR_MIN + HOUR_MIN / 2, counts))
    return dated


def _key(row: str) -> tuple[str, str]:
    """Base and category."""
    return row[0], row[2:]
