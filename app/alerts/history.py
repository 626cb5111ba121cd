"""The hours before an evaluator began, so that it knows what is normal from the start."""

from collections.abc import AsyncIterator
from typing import Final

from app.alerts.counted import larger_scopes
from app.alerts.model import Observations, Scope
from app.alerts.recorded import ByScope, add_counts, observations_of, own_base, scopes_of
from app.redis_store.reader import Reader
from app.redis_store.series_reader import read_series
from streams.rollups import HOUR_MS, Rows

HOURS: Final = 14 * 24


async def hours_before(reader: Reader, at_ms: int) -> AsyncIterator[tuple[int, Observations]]:
    """The whole hours of the last fortnight that are in the time series, the oldest first, each with its end in ms."""
    within: dict[Scope, tuple[Scope, ...]] = {}
    async for note_id, cells in reader.notes():
        larger = [scope for cell, _ in cells if cell.platform for scope in larger_scopes(cell)]
        within[Scope("note", note_id)] = tuple(dict.fromkeys(larger))
    series, begun = await read_series(reader), False
    for hour in range(at_ms // HOUR_MS - HOURS, at_ms // HOUR_MS):
        rows = await series.bucket("hours", hour)
        begun = begun or bool(rows)
        if begun:
            yield (hour + 1) * HOUR_MS, observations_of(_by_scope(rows), within)


async def no_hours(_: Reader, __: int) -> AsyncIterator[tuple[int, Observations]]:
    """Nothing, for replays, which begin at their beginning."""
    for nothing in list[tuple[int, Observations]]():
        yield nothing


def _by_scope(rows: Rows) -> ByScope:
    total: ByScope = {}
    for row, counts in rows.items():
        booked = own_base(row[0], counts)
        for scope in scopes_of(row[1:]):
            add_counts(total.setdefault(scope, {}), booked)
    return total
