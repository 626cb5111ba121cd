"""From time series to observations: what happened in each stretch of event time, whenever it was told.

Unlike the look at counters it does not depend on the order in which records come, so it also serves where time passes
quickly: simulations, replays and looking back.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final, TypeAlias

import numpy as np

from app.alerts.causes import Place
from app.alerts.counted import channel_row, larger_scopes
from app.alerts.model import Observations, Scope
from app.alerts.observing import Seen
from app.alerts.triage import Worth
from app.redis_store.live_series import LiveSeries
from app.redis_store.reader import Cell, CellCounters, Reader
from streams.core.policy import ancestry
from streams.rollups import BASES, Rows, in_all_minutes, minute_of, row_of

MINUTE_MS: Final = 60_000
OF_CLICKS: Final = frozenset(("clicks", "clicks_refused"))  # which are booked at the click, everything else at itself

Counts: TypeAlias = dict[str, int]
ByScope: TypeAlias = dict[Scope, Counts]


class RecordedObserver:
    """Looks at stretches of event time, for platforms, links and categories; see app.alerts.running.Looks."""

    def __init__(self) -> None:
        self._before_ms: int | None = None
        self._hours: dict[int, dict[int, ByScope]] = {}
        self._worths: dict[Scope, Worth] = {}
        self._places: dict[Scope, Place] = {}

    def following(self, _: Reader) -> AbstractAsyncContextManager[None]:
        """Nothing is followed: each look reads what it needs."""
        return nullcontext()

    async def look(self, reader: Reader, at_ms: int) -> Seen:
        """What happened since the look before, from the one round minute to the other."""
        total: ByScope = {}
        before_ms, self._before_ms = self._before_ms, at_ms
        for minute in range((at_ms if before_ms is None else before_ms) // MINUTE_MS, at_ms // MINUTE_MS):
            hour = await self._hour(reader, minute // 60)
            for scope, counts in hour.get(minute % 60, {}).items():
                add_counts(total.setdefault(scope, {}), counts)
        return Seen(observations_of(total), lambda: self._places, self._worth)

    def _worth(self, scopes: Iterable[Scope]) -> dict[Scope, Worth]:
        return {scope: self._worths[scope] for scope in scopes if scope in self._worths}

    async def _hour(self, reader: Reader, hour: int) -> dict[int, ByScope]:
        if hour not in self._hours:
            notes = {note_id: _clicked(cells) async for note_id, cells in reader.notes()}
            self._places = {Scope("note", note_id): _place(cells) for note_id, cells in notes.items() if cells}
            rows = list(
                dict.fromkeys(row for cells in notes.values() for cell, _ in cells for row in surroundings(cell))
            )
            names = in_all_minutes([base + row for base in BASES.values() for row in rows])
            found = await LiveSeries(reader).rows({("minutes", hour): names, ("totals", 0): rows})
            self._hours = {hour: _by_minute(found["minutes", hour])}
            self._worths = _worths(found["totals", 0])
        return self._hours[hour]


def _clicked(cells: CellCounters) -> list[tuple[Cell, int]]:
    return [(cell, counters.get("clicks", 0)) for cell, counters in cells if cell.platform]


def _place(cells: Sequence[tuple[Cell, int]]) -> Place:
    within = dict.fromkeys(scope for cell, _ in cells for scope in larger_scopes(cell))
    return Place(tuple(within), sum(clicks for _, clicks in cells))


def surroundings(cell: Cell) -> tuple[str, str]:
    """The rows of a cell's channel and category: there are few, however many notes there are."""
    return channel_row(cell), f"g{cell.category}"


def _worths(rows: Rows) -> dict[Scope, Worth]:
    totals: ByScope = {}
    for row, counts in rows.items():
        for scope in scopes_of(row):
            add_counts(totals.setdefault(scope, {}), counts)
    return {scope: worth_of(counts) for scope, counts in totals.items()}


def worth_of(counts: Mapping[str, int]) -> Worth:
    """What clicks have brought, in the currency in which most was paid."""
    named = _named(counts)
    clicks, entered, carts, orders = (named.get(name, 0) for name in ("clicks", "clicks_entered", "carts", "orders"))
    net_minor = named.get("gross_minor", 0) - named.get("refunded_minor", 0)
    return Worth(clicks, entered, carts, orders, net_minor, _currency(counts))


def _by_minute(rows: Rows) -> dict[int, ByScope]:
    minutes: dict[int, ByScope] = {}
    for row, counts in rows.items():
        at, within = minutes.setdefault(minute_of(row), {}), row_of(row)
        booked = own_base(within[0], counts)
        for scope in scopes_of(within[1:]):
            add_counts(at.setdefault(scope, {}), booked)
    return minutes


def own_base(base: str, counts: Mapping[str, int]) -> Counts:
    """Of a row what is booked at its own time under this base."""
    of_clicks = base == BASES["click"]
    return {name: count for name, count in counts.items() if (name in OF_CLICKS) == of_clicks}


def scopes_of(row: str) -> list[Scope]:
    """The scopes that a row of a series is part of."""
    kind, name = row[0], row[1:]
    if kind == "c":
        platform, link, _ = name.split("|")
        return [Scope("platform", platform), Scope("link", link)]
    if kind == "g":
        return [Scope("category", category) for category in ancestry(name)]
    first = name.partition("|")[0]
    return [Scope("merchant", first) if kind == "m" else Scope("campaign" if kind == "p" else "note", first)]


def observations_of(
    by_scope: Mapping[Scope, Mapping[str, int]], within: Mapping[Scope, tuple[Scope, ...]] | None = None
) -> Observations:
    """Observations from counters by scope, with what counts refusals and money under the names that rules know."""
    scopes = list(by_scope)
    known = [_named(by_scope[scope]) for scope in scopes]
    names = sorted({name for counts in known for name in counts})
    counts = {name: np.array([float(one.get(name, 0)) for one in known]) for name in names}
    larger = [(within or {}).get(scope, ()) for scope in scopes]
    return Observations(scopes, larger, counts, np.zeros(len(scopes)))


def _named(counts: Mapping[str, int]) -> Counts:
    named: Counts = {}
    currency = _currency(counts)
    for name, count in counts.items():
        base, _, rest = name.partition(":")
        if base == "refused":
            for refused in ("refused", f"refused:{rest.partition('/')[2]}"):
                named[refused] = named.get(refused, 0) + count
        elif not rest or rest == currency:
            named[base] = named.get(base, 0) + count
    return named


def _currency(counts: Mapping[str, int]) -> str:
    money = [name for name in counts if name.startswith("gross_minor:")]
    return max(money, key=lambda name: counts[name]).partition(":")[2] if money else "CNY"


def add_counts(total: Counts, counts: Mapping[str, int]) -> None:
    """Add some counters to others."""
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count
