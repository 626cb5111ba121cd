"""Rollups: what a batch changes in everything larger than a note's cell, in all and by minute and hour.

A row is one merchant on one platform in one category, one campaign's or (by hour only) one note's part with one
merchant, one category, or one *channel* (platform, link and note kind together).  What has rows by merchant can be
shown to the merchant, who is to see no other's part.  Merchants, campaigns, notes, platforms, links, note kinds and the
ancestors of categories are sums of rows, taken by who reads.

Beside these, by the day of the click, orders are counted by how long after their click they came.

Time series have two *bases*: `event` books each fact at its own time, `click` at the time of its click.  What counts
clicks as such is the same under both and is booked under `click` alone.  Refunds go with their order.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from streams.ports import Bucket, Moment

HOUR_MS: Final = 3_600_000
DAY_MINUTES: Final = 1_440
DELAYS_MIN: Final = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 720),
    *(days * DAY_MINUTES for days in (1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 20, 25, 30, 45, 60, 90)),
)
"""Where the classes of delays begin, in minutes; the first class lies below all of them."""
BASES: Final = {"event": "e", "click": "k"}

Counts: TypeAlias = dict[str, int]
Rows: TypeAlias = dict[str, Counts]
Cell: TypeAlias = tuple[str | None, ...]


class Kept(NamedTuple):
    """How long time series live after their hour has ended."""

    minutes_ms: int = 3 * 24 * HOUR_MS
    hours_ms: int = 60 * 24 * HOUR_MS


class Changed(NamedTuple):
    """What changes in a cell: in all, and by the minute of the fact and of its click."""

    ever: Counts
    in_time: dict[tuple[int | None, int], Counts]


FOR_EVER: Final = Kept(2**62, 2**62)


def roll_up(moments: Iterable[Moment], kept: Kept, now_ms: int) -> dict[Bucket, Rows]:
    """What moments come to in totals and time series; what is past its time is left out.

    In an hour, a row that is named after a minute counts for the hour as well: `told_as` says for what.
    """
    oldest = (now_ms - max(kept)) // HOUR_MS * 60  # nothing keeps what came before that minute
    totals: Rows = {}
    minutes: dict[str, dict[int, Rows]] = {basis: {} for basis in BASES.values()}
    hours: dict[int, Rows] = {}
    days: dict[int, Rows] = {}
    for cell, changed in _by_cell(moments, oldest).items():
        rows, note = rows_of(cell), row_of_note(cell)
        _add(totals, rows, changed.ever)
        for (minute, click_minute), counts in changed.in_time.items():
            if click_minute >= oldest:
                _add(minutes["k"].setdefault(click_minute, {}), rows, counts)
                add_counts(hours.setdefault(click_minute // 60, {}), "k" + note, counts)
                if minute is not None and (orders := counts.get("orders")):
                    after = {delayed(minute - click_minute): orders}
                    _add(days.setdefault(click_minute // DAY_MINUTES, {}), rows, after)
            if minute is not None and minute >= oldest:
                _add(minutes["e"].setdefault(minute, {}), rows, counts)
                add_counts(hours.setdefault(minute // 60, {}), "e" + note, counts)
    _fold(minutes, hours, (now_ms - kept.minutes_ms) // HOUR_MS)
    buckets = {Bucket("totals", 0, None): totals} if totals else {}
    for span, by_number, length_ms, kept_ms in (
        ("hours", hours, HOUR_MS, max(kept)), ("days", days, 24 * HOUR_MS, kept.hours_ms),
    ):  # fmt: skip
        for number, rows_of_it in by_number.items():
            expires_ms = (number + 1) * length_ms + kept_ms
            if expires_ms > now_ms:
                buckets[Bucket(span, number, expires_ms)] = rows_of_it
    return buckets


def minutes_until(kept: Kept, now_ms: int) -> int:
    """The first hour that has to keep its minutes: a day more than was asked for, as clocks may be wrong by hours."""
    return (now_ms - kept.minutes_ms) // HOUR_MS - 24


def told_as(span: str, row: str) -> tuple[tuple[str, str], ...]:
    """The spans and rows that a stored row counts for: the row of a minute for the minute and for its hour."""
    return (("minutes", row), (span, row[2:])) if span == "hours" and row[0].isdigit() else ((span, row),)


@lru_cache(16_384)
def delayed(minutes: int) -> str:
    """The counter of orders that came so long after their click: `orders:CLASS`, the class by its place."""
    return f"orders:{bisect_right(DELAYS_MIN, minutes):02d}"


def _by_cell(moments: Iterable[Moment], oldest: int) -> dict[Cell, Changed]:
    """The changes of each cell, those of one time together, as far as any series still takes that time."""
    cells: dict[Cell, Changed] = {}
    for cell, minute, click_minute, name, change in moments:
        changed = cells.get(cell)
        if changed is None:
            changed = cells[cell] = Changed({}, {})
        ever, in_time = changed
        ever[name] = ever.get(name, 0) + change
        if click_minute >= oldest or (minute is not None and minute >= oldest):
            counts = in_time.get((minute, click_minute))
            if counts is None:
                in_time[minute, click_minute] = {name: change}
            else:
                counts[name] = counts.get(name, 0) + change
    return cells


@lru_cache(16_384)
def rows_of(cell: Cell) -> tuple[str, ...]:
    """The rows that a cell is part of, but for its note: merchant, category, channel and campaign, by their letters."""
    _, campaign_id, merchant_id, platform, category, link, note_kind = cell
    rows = (f"m{merchant_id}|{platform}|{category}", f"g{category}", f"c{platform}|{link}|{note_kind}")
    return rows if campaign_id is None else (*rows, f"p{campaign_id}|{merchant_id}")


@lru_cache(16_384)
def row_of_note(cell: Cell) -> str:
    """The row of a note's part with one merchant."""
    return f"n{cell[0]}|{cell[2]}"


def _add(known: Rows, rows: Iterable[str], counts: Counts) -> None:
    for row in rows:
        add_counts(known, row, counts)


def _fold(minutes: Mapping[str, Mapping[int, Rows]], hours: dict[int, Rows], oldest_hour: int) -> None:
    """Add the rows of minutes to those of their hours, each named after its minute if its hour still keeps those."""
    for basis, by_minute in minutes.items():
        for minute, rows in by_minute.items():
            hour, start = minute // 60, f"{minute % 60:02d}{basis}"
            of_hour = hours.setdefault(hour, {})
            if hour >= oldest_hour:
                of_hour.update((start + row, counts) for row, counts in rows.items())
            else:
                for row, counts in rows.items():
                    add_counts(of_hour, basis + row, counts)


def add_counts(rows: Rows, row: str, counts: Counts) -> None:
    """Add changes of counters to those of a row."""
    known = rows.get(row)
    if known is None:
        rows[row] = counts.copy()
    else:
        for name, change in counts.items():
            known[name] = known.get(name, 0) + change
