"""Totals and time series, one booking after the other."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from tests.oracle.counters import Booking

Place: TypeAlias = tuple[str, int, str, str]
"""Span, hour since 1970 (0 for totals), row, counter."""


def series(booked: Iterable[Booking]) -> dict[Place, int]:
    """All that stands in any row, zeros left out."""
    places: Counter[Place] = Counter()
    for booking in booked:
        for place in _places(booking):
            places[place] += booking.amount
    return {place: amount for place, amount in places.items() if amount}


def _places(booking: Booking) -> Iterator[Place]:
    cell, name = booking.cell, booking.name if booking.currency is None else f"{booking.name}:{booking.currency}"
    rows = [f"m{cell.merchant_id}", f"g{cell.category}", f"c{cell.platform}|{cell.link}|{cell.note_kind}"]
    if cell.campaign_id is not None:
        rows.append(f"p{cell.campaign_id}")
    for row in rows:
        yield "totals", 0, row, name
    for basis, at_ms in (("k", booking.click_at_ms), ("e", booking.at_ms)):
        if at_ms is None:
            continue
        hour, minute = at_ms // 3_600_000, at_ms // 60_000 % 60
        yield "hours", hour, f"{basis}n{cell.note_id}", name
        for row in rows:
            yield "hours", hour, basis + row, name
            yield "minutes", hour, f"{minute:02d}{basis}{row}", name
