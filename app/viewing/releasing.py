"""Releases: once an hour one of the serving processes releases what can be, and all show what was released last."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from app.redis_store.releases import Counts, Hour, Releases, Rows
from app.viewing.cells import Cells
from app.viewing.grouping import Key, add, steps
from streams.rollups import HOUR_MS

RELEASED: Final = 0  # in the place of the shard; those of the notes' own figures follow
ROWS_AT_ONCE: Final = 2_000  # between two looks at who else wants to be answered


class Grouping(NamedTuple):
    """Figures of grouped parties change in steps of so many tokens, and did so last at `released_ms`."""

    k_tokens: int
    released_ms: int


class Releasing:
    """Releases into `released`, from `live`."""

    def __init__(self, live: Cells, released: Cells, k_tokens: int, kept_ms: int) -> None:
        self.grouping = Grouping(k_tokens, 0)
        self._live = live
        self._released = released
        self._kept_ms = kept_ms

    async def look(self, releases: Releases, now_ms: int) -> bool:
        """Release if it is time and nobody else has; whether there is anything new to show."""
        at_ms = await releases.at_ms()
        if at_ms // HOUR_MS < now_ms // HOUR_MS:
            await self._release(releases, now_ms, at_ms)
            at_ms = await releases.at_ms()
        if at_ms == self.grouping.released_ms:
            return False
        await self._show(await releases.rows())
        self.grouping = Grouping(self.grouping.k_tokens, at_ms)
        return True

    async def _release(self, releases: Releases, now_ms: int, before_ms: int) -> None:
        known = {key_of(text): counts for text, counts in (await releases.cells()).items()}
        found = steps(await self._now(), known, self.grouping.k_tokens)
        stored = await releases.rows()
        rows: Rows = {}
        cells: Rows = {}
        by_row: Rows = {}
        for step in found:
            row, total = text_of(step.row), step.total
            rows[row] = stored.get(row, {})
            by_row[row] = total
            add(rows[row], total)
            for cell, change in step.changes.items():
                counted = dict(known.get(cell, {}))
                add(counted, change)
                cells[text_of(cell)] = counted
        number = now_ms // HOUR_MS
        expires_ms = (number + 1) * HOUR_MS + self._kept_ms
        await releases.release(now_ms, before_ms, Hour(number, expires_ms, rows, cells, by_row))

    async def _now(self) -> Mapping[Key, Counts]:
        """What each cell counts, over all shards."""
        live = self._live
        found: dict[Key, Counts] = {}
        rows = live.of_shops(range(live.size)).tolist()
        for start in range(0, len(rows), ROWS_AT_ONCE):
            for row in rows[start : start + ROWS_AT_ONCE]:
                key = live.key(row)
                add(found.setdefault(key, {}), live.sums([row]))
            await asyncio.sleep(0)
        return found

    async def _show(self, rows: Rows) -> None:
        by_note: dict[str, Rows] = {}
        for text, counts in rows.items():
            note_id, _, cell = text.partition("|")
            by_note.setdefault(note_id, {})[cell] = counts
        for number, (note_id, cells) in enumerate(by_note.items(), 1):
            self._released.put(RELEASED, note_id, cells)
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)


def key_of(text: str) -> Key:
    """A row of its stored text."""
    return tuple(text.split("|"))


def text_of(key: Key) -> str:
    """A row as it is stored."""
    return "|".join(key)
