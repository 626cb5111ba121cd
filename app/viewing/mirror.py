"""The counters of all notes in memory, kept up to date with what the lanes commit.

News of changed notes is fetched at each step, the notes themselves as quickly as they can be read: so a burst of
changes makes what is shown older for a while, but no news is missed because of it.  If news is missed nevertheless, all
notes are read once more, into the same table and beside the news.
"""

import time
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from app.redis_store.changes_reader import ChangesReader, NotePages, Place
from app.viewing.cells import Cells
from app.viewing.turns import Turns
from streams.metric_digest import NOTE_ITSELF

STEP_S: Final = 0.2  # of reading notes before there may be other news
PAGE: Final = 100  # notes that are asked for at once


class Mirror:
    """All cells as they stand (`live`); and what notes count as such also in `released`, beside what was released."""

    def __init__(self, changes: ChangesReader) -> None:
        self.live = Cells()
        self.released = Cells()
        self.loaded = False  # whether every note was read once
        self._changes = changes
        self._looked_ms = 0  # when there was news last
        self._due: dict[Place, int] = {}  # notes that have changed since a time, the earliest first
        self._missed_ms: int | None = None  # since when other notes may have changed as well
        self._sweep: Sweep | None = None

    @property
    def as_of_ms(self) -> int:
        """All that was committed by then is in."""
        swept_ms = None if self._sweep is None else self._sweep.since_ms
        since = (self._missed_ms, swept_ms, next(iter(self._due.values()), None))
        return min([self._looked_ms, *(one for one in since if one is not None)])

    async def start(self, now_ms: int) -> None:
        """Begin at a time; everything has to be read."""
        await self._changes.start()
        self._looked_ms = self._missed_ms = now_ms

    async def follow(self, now_ms: int) -> bool:
        """Take the news, and some of the notes that have changed; whether anything was taken."""
        until_s = time.perf_counter() + STEP_S
        news = await self._changes.news()
        for place in news.places:
            self._due.setdefault(place, self._looked_ms)
        if not news.complete and self._missed_ms is None:
            self._missed_ms = self._looked_ms
        self._looked_ms = now_ms
        taken = await self._take_due(until_s)
        if self._sweep is None and self._missed_ms is not None:
            self._sweep, self._missed_ms = Sweep(self._missed_ms, NotePages(self._changes)), None
        while self._sweep is not None and time.perf_counter() < until_s:
            taken = await self._sweep_on(self._sweep) or taken
        return taken

    async def _take_due(self, until_s: float) -> bool:
        taken = False
        while self._due and time.perf_counter() < until_s:
            page = list(islice(self._due, PAGE))
            await self._take(page)
            for place in page:
                del self._due[place]
            taken = True
        return taken

    async def _sweep_on(self, sweep: "Sweep") -> bool:
        """Take another page of notes; after the last one those that were there once and were not told of are due."""
        page = await sweep.pages.page()
        if page is None:
            turns, gone = Turns(), dict[Place, int]()
            for place in self.live.places() if self.loaded else ():
                if place not in sweep.pages.told:
                    gone[place] = sweep.since_ms
                await turns.pause()
            self._due = gone | self._due
            self._sweep, self.loaded = None, True
            return False
        for start in range(0, len(page), PAGE):
            await self._take(page[start : start + PAGE])
        return bool(page)

    async def _take(self, places: Sequence[Place]) -> None:
        turns = Turns()
        for (shard, note_id), cells in await self._changes.cells(places):
            self.live.put(shard, note_id, cells)
            if NOTE_ITSELF in cells or not cells:
                own = {NOTE_ITSELF: cells[NOTE_ITSELF]} if cells else {}
                self.released.put(1 + shard, note_id, own)
            await turns.pause()
        for cells_of in (self.live, self.released):
            cells_of.settle()


class Sweep(NamedTuple):
    """Reads all notes, for what may have changed since a time."""

    since_ms: int
    pages: NotePages
