"""Commits that name only what a test is about."""

from collections.abc import Mapping, Sequence

from streams.commits import WHOLE, Bucket, Commit, Increments, Journeys, Moment, Orders, RowChanges
from streams.records import Entry, LastRecord, Marker, Message, Positions, ResultRecord, Spans, Tip
from streams.rollups import Rows, by_cell, minute_of, row_of

DAY_MS = 86_400_000
CELL = "c1|m1|taobao|fmcg.skincare|note|ad"
OTHER_CELL = "|m2|xhs|outdoor|comment|ugc"
TOTALS = Bucket("totals", 0, None)


def hour(number: int, span: str = "hours", expires_ms: int = 4_000_000_000_000) -> Bucket:
    """The rows of one hour."""
    return Bucket(span, number, expires_ms)


def entry(tip: Tip, *results: str, positions: Positions | None = None) -> Entry:
    """The outbox entry of the commit that will make `tip`."""
    records = [ResultRecord(b"token", f"{name}@{tip.sequence}", "entry", name.encode()) for name in results]
    marker = Marker(tip, positions or {}, [1], {"order:internal": [(3, 4)]})
    letter = Message("dead-letter", 2, 1_750_000_000_000, None, b"\x00\xff", [("__dlq.error.code", b"internal")])
    return Entry(marker, 1_750_000_000_123, records, [letter])


def change(
    *,
    positions: Positions | None = None,
    policies: Sequence[int] = (1,),
    parked: Spans | None = None,
    last: dict[str, LastRecord] | None = None,
    spent: int = 0,
    journeys: dict[str, bytes] | None = None,
    ttl_ms: int | None = DAY_MS,
    words: Sequence[str] = (),
    cells: dict[str, dict[str, dict[str, int]]] | None = None,
    ledger: dict[str, int] | None = None,
    moments: Sequence[Moment] = (),
    fold: Mapping[Bucket, Rows] | None = None,
    minutes_until: int | None = None,
    entry: Entry | None = None,
    trim: Tip | None = None,
    published: Tip | None = None,
    held: Sequence[tuple[str, str]] = (),
    kept: Sequence[tuple[str, str]] = (),
    gone: Sequence[tuple[str, str]] = (),
) -> Commit:
    """A commit that changes only what is named."""
    return Commit(
        positions=positions or {},
        policies=list(policies),
        parked=parked or {},
        last_records=last or {},
        spent=spent,
        journeys=[Journeys(ttl_ms, list(journeys), list(journeys.values()))] if journeys else [],
        words=list(words),
        increments=Increments(cells or {}, ledger or {}, by_cell(moments)),
        entry=entry,
        trim=trim,
        published=published,
        fold=None if fold is None else {bucket: row_changes(rows) for bucket, rows in fold.items()},
        minutes_until=minutes_until,
        orders=Orders(ttl_ms or DAY_MS, list(held), list(kept), list(gone)) if held or kept or gone else None,
    )


def row_changes(rows: Rows) -> dict[str, RowChanges]:
    """Changes of rows, of which those are in a minute that are named so."""
    changes: dict[str, RowChanges] = {}
    for name, counts in rows.items():
        row, minute = (row_of(name), minute_of(name)) if name[0].isdigit() else (name, WHOLE)
        changes.setdefault(row, []).append((minute, counts))
    return changes


def after(tip: Tip) -> Tip:
    """The tip that a commit on `tip` makes."""
    return Tip(tip.nonce, tip.sequence + 1)


def full_change(tip: Tip) -> Commit:
    """A commit on `tip` that changes something of every kind."""
    return change(
        positions={"order": 7},
        policies=(1, 2),
        parked={"order:internal": [(3, 4)]},
        last={"order": LastRecord(6, 1_750_000_000_000, 0xFFFFFFFF)},
        spent=5,
        journeys={"a" * 32: b"journey", "short": b""},
        cells={"note-1": {CELL: {"clicks": 2, "gross_minor:CNY": 3}}},
        ledger={"order:consumed": 7},
        moments=[(("note-1", None, "m1", "jd", "fmcg", "note", "ad"), None, 29_000_000, "clicks", 2)],
        words=("jd", "note-1"),
        held=[("o1", "short")],
        entry=entry(after(tip), "one"),
    )
