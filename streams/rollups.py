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
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple, TypeAlias, TypeVar

from streams.commits import NO_MOMENTS, WHOLE, Bucket, Moment, Moments, RowChanges
from streams.core.tally import CellKey, When

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
Changes: TypeAlias = dict[str, RowChanges]

Key = TypeVar("Key")


class Kept(NamedTuple):
    """How long time series live after their hour has ended."""

    minutes_ms: int = 3 * 24 * HOUR_MS
    hours_ms: int = 60 * 24 * HOUR_MS


FOR_EVER: Final = Kept(2**62, 2**62)


Place: TypeAlias = tuple[str | None, str, str, str, str, str]
"""A cell without its note."""


class InTime(NamedTuple):
    """What changes in a place: in all, by minute on each basis, and of orders by the day of their click."""

    ever: Counts
    by_basis: dict[str, dict[int, Counts]]
    delays: dict[int, Counts]


class Gathered:
    """Moments, added up as far as that needs no clock."""

    def __init__(self, moments: Moments = NO_MOMENTS) -> None:
        self.number = 0  # of the moments as they were added
        self.places: dict[Place, dict[When, int]] = {}
        self.notes: dict[tuple[str, int], Rows] = {}  # by basis and hour
        self.add(moments)

    def add(self, moments: Moments) -> None:
        """Take some more."""
        for cell, changes in moments.items():
            self.number += len(changes)
            note, place = row_of_note(cell), cell[1:]
            of_place = self.places.get(place)
            if of_place is None:
                of_place = self.places[place] = {}
            for when, change in changes.items():
                of_place[when] = of_place.get(when, 0) + change
                minute, click_minute, name = when
                self._add_to_note("k", click_minute, note, name, change)
                if minute is not None:
                    self._add_to_note("e", minute, note, name, change)

    def _add_to_note(self, basis: str, minute: int, note: str, name: str, change: int) -> None:
        rows = self.notes.get((basis, minute // 60))
        if rows is None:
            rows = self.notes[basis, minute // 60] = {}
        counts = rows.get(note)
        if counts is None:
            rows[note] = {name: change}
        else:
            counts[name] = counts.get(name, 0) + change


def by_cell(moments: Iterable[Moment]) -> Moments:
    """Single moments, added up."""
    cells: dict[CellKey, dict[When, int]] = {}
    for cell, minute, click_minute, name, change in moments:
        changes, when = cells.setdefault(cell, {}), (minute, click_minute, name)
        changes[when] = changes.get(when, 0) + change
    return cells


def roll_up(gathered: Iterable[Gathered], kept: Kept, now_ms: int) -> dict[Bucket, Changes]:
    """What moments come to in totals and time series; what is past its time is left out.

    Each minute stands in the changes of a row once.  Rows share counts, so these must not be changed.
    """
    oldest = (now_ms - max(kept)) // HOUR_MS * 60  # nothing keeps what came before that minute
    by_minute = (now_ms - kept.minutes_ms) // HOUR_MS * 60  # the hour from which on there are minutes
    totals: Changes = {}
    hours: dict[tuple[str, int], Changes] = {}
    days: dict[int, Changes] = {}
    for place, changes in chain.from_iterable(some.places.items() for some in gathered):
        rows, (ever, by_basis, delays) = rows_of_place(place), _in_time(changes, oldest)
        _put(totals, rows, (WHOLE, ever))
        for basis, minutes in by_basis.items():
            for minute, counts in minutes.items():
                of_hour = hours.setdefault((basis, minute // 60), {})
                _put(of_hour, rows, (minute % 60 if minute >= by_minute else WHOLE, counts))
        for day, orders in delays.items():
            _put(days.setdefault(day, {}), rows, (WHOLE, orders))
    for of_basis, notes in chain.from_iterable(some.notes.items() for some in gathered):
        of_hour = hours.setdefault(of_basis, {})
        for row, counts in notes.items():
            _put(of_hour, (row,), (WHOLE, counts))
    buckets = {Bucket("totals", 0, None): _once("", totals)} if totals else {}
    for (basis, hour), of_hour in hours.items():
        bucket = Bucket("hours", hour, (hour + 1) * HOUR_MS + max(kept))
        buckets.setdefault(bucket, {}).update(_once(basis, of_hour))
    for day, of_day in days.items():
        buckets[Bucket("days", day, (day + 1) * 24 * HOUR_MS + kept.hours_ms)] = _once("", of_day)
    return {bucket: rows for bucket, rows in buckets.items() if bucket.expires_ms is None or bucket.expires_ms > now_ms}


def minutes_until(kept: Kept, now_ms: int) -> int:
    """The first hour that has to keep its minutes: a day more than was asked for, as clocks may be wrong by hours."""
    return (now_ms - kept.minutes_ms) // HOUR_MS - 24


def told_as(span: str, row: str, minute: int) -> tuple[tuple[str, str], ...]:
    """The spans and rows that a change counts for: what is in a minute for the minute and for its hour."""
    return ((span, row),) if minute == WHOLE else (("minutes", in_minute(minute, row)), (span, row))


def one_by_one(changes: Mapping[str, RowChanges]) -> Iterator[tuple[str, int, Counts]]:
    """Each row with each of its minutes and what changes there."""
    return ((row, minute, counts) for row, some in changes.items() for minute, counts in some)


def unfolded(moments: Moments) -> Iterator[tuple[str, int, str, Counts]]:
    """What moments that wait to be folded come to for readers: span, its number, row and counts; some come in parts."""
    for bucket, changes in roll_up([Gathered(moments)], FOR_EVER, 0).items():
        for row, minute, counts in one_by_one(changes):
            for span, told in told_as(bucket.span, row, minute):
                yield span, bucket.hour, told, counts


def in_minute(minute: int, row: str) -> str:
    """The name of a row in a minute of an hour."""
    return f"{minute:02d}{row}"


def in_all_minutes(rows: Sequence[str]) -> list[str]:
    """The names of rows in each minute of an hour."""
    return [start + row for start in map("{:02d}".format, range(60)) for row in rows]


def minute_of(name: str) -> int:
    """The minute in a name of `in_minute`."""
    return int(name[:2])


def row_of(name: str) -> str:
    """The row in a name of `in_minute`."""
    return name[2:]


@lru_cache(16_384)
def delayed(minutes: int) -> str:
    """The counter of orders that came so long after their click: `orders:CLASS`, the class by its place."""
    return f"orders:{bisect_right(DELAYS_MIN, minutes):02d}"


def _in_time(changes: Mapping[When, int], oldest: int) -> InTime:
    """The changes of a place, those of one time together, as far as any series still takes that time."""
    ever: Counts = {}
    clicked: defaultdict[int, Counts] = defaultdict(dict)
    happened: defaultdict[int, Counts] = defaultdict(dict)
    delays: defaultdict[int, Counts] = defaultdict(dict)
    for (minute, click_minute, name), change in changes.items():
        if not change:
            continue
        ever[name] = ever.get(name, 0) + change
        if click_minute >= oldest:
            counts = clicked[click_minute]
            counts[name] = counts.get(name, 0) + change
            if name == "orders" and minute is not None:
                counts, late = delays[click_minute // DAY_MINUTES], delayed(minute - click_minute)
                counts[late] = counts.get(late, 0) + change
        if minute is not None and minute >= oldest:
            counts = happened[minute]
            counts[name] = counts.get(name, 0) + change
    return InTime(ever, {BASES["click"]: clicked, BASES["event"]: happened}, delays)


def rows_of(cell: CellKey) -> tuple[str, ...]:
    """The rows that a cell is part of, but for its note: merchant, category, channel and campaign, by their letters."""
    return rows_of_place(cell[1:])


@lru_cache(16_384)
def rows_of_place(place: Place) -> tuple[str, ...]:
    """The same of a cell without its note."""
    campaign_id, merchant_id, platform, category, link, note_kind = place
    rows = (f"m{merchant_id}|{platform}|{category}", f"g{category}", f"c{platform}|{link}|{note_kind}")
    return rows if campaign_id is None else (*rows, f"p{campaign_id}|{merchant_id}")


@lru_cache(16_384)
def row_of_note(cell: CellKey) -> str:
    """The row of a note's part with one merchant."""
    return f"n{cell[0]}|{cell[2]}"


def _put(known: Changes, rows: Iterable[str], change: tuple[int, Counts]) -> None:
    for row in rows:
        changes = known.get(row)
        if changes is None:
            known[row] = [change]
        else:
            changes.append(change)


def _once(basis: str, changes: Changes) -> Changes:
    """The same with each minute once in each row."""
    return {basis + row: some if len(some) == 1 else _summed(some) for row, some in changes.items()}


def _summed(changes: RowChanges) -> RowChanges:
    by_minute: dict[int, Counts] = {}
    for minute, counts in changes:
        add_counts(by_minute, minute, counts)
    return list(by_minute.items())


def add_counts(rows: dict[Key, Counts], row: Key, counts: Counts) -> None:
    """Add changes of counters to those of a row, or of whatever else they are kept by."""
    known = rows.get(row)
    if known is None:
        rows[row] = counts.copy()
    else:
        for name, change in counts.items():
            known[name] = known.get(name, 0) + change
