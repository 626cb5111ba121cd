"""Totals and time series, one booking after the other."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from tests.oracle.counters import Booking

DAY_MIN = 24 * 60
STARTS_MIN = [1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 720] + [
    day * DAY_MIN for day in (1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 20, 25, 30, 45, 60, 90)
]
"""From how many minutes on an order belongs to each class of delays but the first."""

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
    rows = [
        f"m{cell.merchant_id}|{cell.platform}|{cell.category}",
        f"g{cell.category}",
        f"c{cell.platform}|{cell.link}|{cell.note_kind}",
    ]
    if cell.campaign_id is not None:
        rows.append(f"p{cell.campaign_id}|{cell.merchant_id}")
    for row in rows:
        yield "totals", 0, row, name
    for basis, at_ms in (("k", booking.click_at_ms), ("e", booking.at_ms)):
        if at_ms is None:
            continue
        hour, minute = at_ms // 3_600_000, at_ms // 60_000 % 60
        yield "hours", hour, f"{basis}n{cell.note_id}|{cell.merchant_id}", name
        for row in rows:
            yield "hours", hour, basis + row, name
            yield "minutes", hour, f"{minute:02d}{basis}{row}", name
    if booking.name == "orders" and booking.at_ms is not None:
        # Both times are cut to whole minutes before they are compared.
        delay = booking.at_ms // 60_000 - booking.click_at_ms // 60_000
        late = sum(delay >= start for start in STARTS_MIN)
        for row in rows:
            yield "days", booking.click_at_ms // 86_400_000, row, f"orders:{late:02d}"
