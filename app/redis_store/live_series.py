"""Rows of totals and series as they stand, again and again at little cost: what waits to be folded is read once."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from app.redis_store.forms import unpack_moments
from app.redis_store.keys import LaneKeys
from app.redis_store.link import Link, Reply, require
from app.redis_store.reader import Reader
from app.redis_store.resp import Value, command
from app.redis_store.told_rows import Span, add_moments, ask, ask_older
from streams.commits import Moment
from streams.rollups import Rows, add_counts

Question: TypeAlias = tuple[Value, ...]

MOMENTS_AT_ONCE: Final = 200
AT_ONCE: Final = 50  # hashes looked into by one step, which keeps the server from everything else


@dataclass
class Recent:
    """What a lane has not folded yet, as far as it was read."""

    since: bytes | None = None  # the tip of the last fold
    commits: int = 0
    rows: dict[Span, Rows] = field(default_factory=dict)

    def begin(self, since: bytes | None) -> None:
        """Forget what was read."""
        self.since, self.commits, self.rows = since, 0, {}

    def add(self, moments: list[Moment]) -> None:
        """Take some moments of a commit."""
        add_moments(self.rows, moments)


class LiveSeries:
    """Reads rows of some spans, summed over the lanes."""

    def __init__(self, reader: Reader) -> None:
        self._lanes = list(reader.lane_links())
        self._recent = [Recent() for _ in self._lanes]
        self._reading = [asyncio.Lock() for _ in self._lanes]

    async def rows(self, wanted: Mapping[Span, Iterable[str]]) -> dict[Span, Rows]:
        """The counters of the rows that are named, by span."""
        names = {span: list(rows) for span, rows in wanted.items() if rows}
        totals: dict[Span, Rows] = {span: {} for span in wanted}
        spans = list(names)
        for start in range(0, len(spans), AT_ONCE):
            some = {span: names[span] for span in spans[start : start + AT_ONCE]}
            for lane in range(len(self._lanes)):
                async with self._reading[lane]:
                    await self._add(totals, lane, some)
        return totals

    async def _add(self, totals: dict[Span, Rows], lane: int, names: Mapping[Span, list[str]]) -> None:
        (link, keys), recent = self._lanes[lane], self._recent[lane]
        asked = [ask(keys, span, rows) for span, rows in names.items()]
        older = [ask_older(keys, span, rows) for span, rows in names.items() if span[0] == "minutes"]
        sizes: list[Question] = [("HLEN", one.key) for one in older]
        replies = await self._read(link, keys, recent, [*(one.question for one in asked), *sizes])
        if any(require(size, keys.state) for size in replies[len(asked) :]):
            asked += older
            replies = await self._read(link, keys, recent, [one.question for one in asked])
        for one, reply in zip(asked, replies, strict=False):
            wanted = frozenset(names[one.span])
            for row, counts in one.rows(reply):
                if row in wanted:
                    add_counts(totals[one.span], row, counts)
        for span, rows in names.items():
            unfolded = recent.rows.get(span, {})
            for row in rows:
                if waiting := unfolded.get(row):
                    add_counts(totals[span], row, waiting)

    async def _read(self, link: Link, keys: LaneKeys, recent: Recent, questions: list[Question]) -> list[Reply]:
        """Bring `recent` up to date and ask the questions of the very same state."""
        while True:
            *_, done = await link.ask(
                command("MULTI"),
                command("HGET", keys.state, "folded"),
                command("LRANGE", keys.recent, recent.commits, -1),
                *(command(*question) for question in questions),
                command("EXEC"),
            )
            answers: list[Reply]
            folded, fresh, *answers = require(done, keys.recent)
            if require(folded, keys.state) == recent.since:
                await self._take(recent, keys, require(fresh, keys.recent))
                return answers
            # It was folded meanwhile, and another list begun: read that from its beginning.
            recent.begin(folded)

    async def _take(self, recent: Recent, keys: LaneKeys, fresh: list[bytes]) -> None:
        try:
            for commit in fresh:
                moments = unpack_moments([commit], keys.recent)
                for start in range(0, len(moments), MOMENTS_AT_ONCE):
                    recent.add(moments[start : start + MOMENTS_AT_ONCE])
                    await asyncio.sleep(0)  # others want to be answered meanwhile
                recent.commits += 1
        except asyncio.CancelledError:
            # Nobody knows how much of a commit was taken: all of it is read again.
            recent.begin(None)
            raise
