"""The store in memory: the same meaning as the one on Redis, under the same contract tests."""

import zlib
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, NamedTuple

from app.redis_store.forms import (
    pack_entry,
    pack_moments,
    pack_state,
    pack_tip,
    unpack_entry,
    unpack_lane,
    unpack_moments,
)
from streams.commits import Bucket, Commit, Increments, LaneState, Moment, Orders
from streams.errors import Refused
from streams.records import Tip
from streams.rollups import Counts, Rows, add_counts, by_cell, one_by_one, told_as, unfolded

PAGES: Final = 4


class Lane(NamedTuple):
    """A lane; state and entries in their stored form, so that nobody can change them from outside."""

    tip: Tip
    fields: dict[bytes, bytes]
    outbox: dict[Tip, bytes]
    words: tuple[str, ...] = ()


class Snapshot(NamedTuple):
    """All that the store held at one moment."""

    lanes: dict[int, Lane]
    journeys: dict[tuple[int, str], tuple[float, bytes]]  # (lane, token) -> expiry in ms, value
    counters: dict[tuple[str, str, str], int]  # (note, cell, name) -> count
    ledger: dict[tuple[int, str], int]  # (lane, line) -> count
    series: dict[tuple[int, Bucket, str, int, str], int]  # (lane, bucket, row, minute, name) -> count
    orders: dict[str, tuple[int, frozenset[str]]]  # order id -> expiry in ms, tokens
    reused: dict[str, None]  # orders that two tokens held at one time
    recent: dict[int, tuple[bytes, ...]]  # lane -> moments of each commit since the last that folded them

    def copied(self) -> "Snapshot":
        """The same, not changed by what is changed in this one."""
        return Snapshot(*map(dict, self))  # type: ignore[arg-type]  # each part is a dict


class MemoryStore:
    """A `streams.ports.Store`; journeys expire by the clock that is passed in."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._held = Snapshot({}, {}, {}, {}, {}, {}, {}, {})

    def snapshot(self) -> Snapshot:
        """What the store holds now."""
        return self._held.copied()

    def restore(self, snapshot: Snapshot) -> None:
        """Hold again what the store held then."""
        self._held = snapshot.copied()

    async def acquire(self, lane: int, nonce: str) -> LaneState:
        """Make `nonce` the lane's owner."""
        known = self._held.lanes.get(lane, Lane(Tip("", 0), {}, {}))
        tip = Tip(nonce, known.tip.sequence)
        self._held.lanes[lane] = known._replace(tip=tip)
        outbox = [unpack_entry(entry, b"outbox") for entry in known.outbox.values()]
        return unpack_lane(tip, known.fields, outbox, list(known.words), b"lane")

    async def load(self, lane: int, tip: Tip, tokens: Sequence[str]) -> list[bytes | None]:
        """Read journeys."""
        self._at(lane, tip)
        now_ms = self._now_ms()
        found = (self._held.journeys.get((lane, token), (0, None)) for token in tokens)
        return [value if expiry_ms > now_ms else None for expiry_ms, value in found]

    async def tokens(self, lane: int, cursor: int) -> tuple[int, list[str]]:
        """A page of the tokens of the lane, by their checksums, so that what comes and goes moves no other."""
        now_ms = self._now_ms()
        held = (
            token for (of, token), (expiry_ms, _) in self._held.journeys.items() if of == lane and expiry_ms > now_ms
        )
        return (cursor + 1) % PAGES, [token for token in held if zlib.crc32(token.encode()) % PAGES == cursor]

    async def recent(self, lane: int, tip: Tip) -> list[Moment]:
        """The moments that wait to be folded."""
        self._at(lane, tip)
        return unpack_moments(self._held.recent.get(lane, ()), b"recent")

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip:
        """Apply all of `commit` and return the new tip."""
        held = self._at(lane, tip)
        fields, outbox = (
            held.fields | {b"state": pack_state(commit, len(held.words) + len(commit.words))},
            dict(held.outbox),
        )
        if commit.trim in outbox:
            fields, outbox = _trimmed(held._replace(fields=fields), commit.trim)
        if commit.published is not None:
            fields[b"published"] = pack_tip(commit.published)
        if commit.entry is not None:
            outbox[commit.entry.marker.tip] = pack_entry(commit.entry)
        new = Lane(Tip(tip.nonce, tip.sequence + 1), fields, outbox, (*held.words, *commit.words))
        now_ms = self._now_ms()
        for ttl_ms, tokens, values in commit.journeys:
            for token, value in zip(tokens, values, strict=True):
                self._held.journeys[lane, token] = (inf if ttl_ms is None else now_ms + ttl_ms, value)
        self._count(lane, commit.increments)
        if commit.orders is not None:
            self._index(commit.orders)
        self._remember(lane, commit)
        self._held.lanes[lane] = new
        return new.tip

    async def rolled_back(self, lane: int, tip: Tip, sequence: int, published: Tip | None) -> Tip:
        """Empty the outbox and raise the sequence."""
        held = self._at(lane, tip)
        new_tip = Tip(tip.nonce, max(tip.sequence, sequence))
        told = {} if published is None else {b"published": pack_tip(published)}
        self._held.lanes[lane] = Lane(new_tip, held.fields | told, {}, held.words)
        return new_tip

    async def trim(self, lane: int, tip: Tip, published: Tip) -> None:
        """Drop outbox entries that were published."""
        held = self._at(lane, tip)
        if published in held.outbox:
            self._held.lanes[lane] = Lane(tip, *_trimmed(held, published), held.words)

    async def probe(self, lane: int, tip: Tip) -> None:
        """Compare the tip."""
        self._at(lane, tip)

    async def release(self, lane: int) -> None:
        """Nothing is held for a lane."""

    def cells(self) -> dict[str, dict[str, dict[str, int]]]:
        """The counters that are not 0: note id -> cell text -> name -> count."""
        cells: dict[str, dict[str, dict[str, int]]] = {}
        for (note_id, cell, name), count in self._held.counters.items():
            if count:
                cells.setdefault(note_id, {}).setdefault(cell, {})[name] = count
        return cells

    def ledger(self) -> dict[str, int]:
        """The ledger's lines, summed over the lanes, zeros left out."""
        total: dict[str, int] = {}
        for (_, line), count in self._held.ledger.items():
            total[line] = total.get(line, 0) + count
        return {line: count for line, count in total.items() if count}

    def series(self) -> dict[str, dict[int, Rows]]:
        """Totals and series that have not expired: span -> hour -> row -> name -> count, summed over the lanes."""
        now_ms, series = self._now_ms(), dict[str, dict[int, Rows]]()

        def add(span: str, number: int, row: str, counts: Counts) -> None:
            add_counts(series.setdefault(span, {}).setdefault(number, {}), row, counts)

        for (_, bucket, row, minute, name), count in self._held.series.items():
            if count and (bucket.expires_ms is None or bucket.expires_ms > now_ms):
                for span, told in told_as(bucket.span, row, minute):
                    add(span, bucket.hour, told, {name: count})
        for values in self._held.recent.values():
            for one in unfolded(by_cell(unpack_moments(values, b"recent"))):
                add(*one)
        return series

    def tokens_of_order(self, order_id: str) -> list[str]:
        """The tokens whose journeys hold an order."""
        expires_ms, tokens = self._held.orders.get(order_id, (0, frozenset[str]()))
        return sorted(tokens) if expires_ms > self._now_ms() else []

    def reused_orders(self) -> list[str]:
        """The orders that two tokens held at one time."""
        return sorted(self._held.reused)

    def _remember(self, lane: int, commit: Commit) -> None:
        recent, series = self._held.recent, self._held.series
        if commit.fold is None:
            recent[lane] = (*recent.get(lane, ()), pack_moments(commit.increments.moments))
            return
        recent[lane] = ()
        for bucket, rows in commit.fold.items():
            for row, minute, counts in one_by_one(rows):
                for name, change in counts.items():
                    place = lane, bucket, row, minute, name
                    series[place] = series.get(place, 0) + change

    def _index(self, orders: Orders) -> None:
        index, reused, expires_ms = self._held.orders, self._held.reused, self._now_ms() + orders.ttl_ms
        for order_id, token in (*orders.new, *orders.kept):
            tokens = frozenset(self.tokens_of_order(order_id))
            if token not in tokens and len(tokens) == 1:
                reused[order_id] = None
            index[order_id] = expires_ms, tokens | {token}
        for order_id, token in orders.gone:
            tokens = frozenset(self.tokens_of_order(order_id))
            if token in tokens:
                index[order_id] = index[order_id][0], tokens - {token}
                if len(tokens) == 2:
                    reused.pop(order_id, None)

    def _at(self, lane: int, tip: Tip) -> Lane:
        held = self._held.lanes.get(lane)
        if held is None or held.tip != tip:
            raise Refused(f"lane {lane} stands at {held and held.tip}, not at {tip}")
        return held

    def _count(self, lane: int, increments: Increments) -> None:
        counters, ledger = self._held.counters, self._held.ledger
        for note_id, cells in increments.cells.items():
            for cell, changes in cells.items():
                for name, change in changes.items():
                    counters[note_id, cell, name] = counters.get((note_id, cell, name), 0) + change
        for line, change in increments.ledger.items():
            ledger[lane, line] = ledger.get((lane, line), 0) + change


def _trimmed(lane: Lane, published: Tip) -> tuple[dict[bytes, bytes], dict[Tip, bytes]]:
    kept = {tip: entry for tip, entry in lane.outbox.items() if tip.sequence > published.sequence}
    return lane.fields | {b"published": pack_tip(published)}, kept
