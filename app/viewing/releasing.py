"""Releases: once an hour one of the serving processes releases what can be, and all show what was released last."""

from typing import Final, NamedTuple

import numpy as np

from app.redis_store.releases import Counts, Hour, Releases, Rows
from app.viewing.cells import Cells
from app.viewing.grouping import Key, add, steps
from app.viewing.turns import Turns
from streams.rollups import HOUR_MS

RELEASED: Final = 0  # in the place of the shard; those of the notes' own figures follow


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
        turns, known = Turns(), dict[Key, Counts]()
        for text, counts in (await releases.cells()).items():
            known[key_of(text)] = counts
            await turns.pause()
        stored = await releases.rows()
        number = now_ms // HOUR_MS
        hour = Hour(number, (number + 1) * HOUR_MS + self._kept_ms, {}, {}, {})
        now = await self._now()
        for step in steps(now, known, self.grouping.k_tokens):
            if step is not None:
                row = text_of(step.row)
                hour.steps[row] = step.total
                hour.rows[row] = stored.get(row, {})
                add(hour.rows[row], step.total)
                for cell, change in step.changes.items():
                    counted = hour.cells[text_of(cell)] = dict(known.get(cell, {}))
                    add(counted, change)
                    await turns.pause()
            await turns.pause()
        await releases.release(now_ms, before_ms, hour)
        for done in (now, known, stored, hour.cells):
            # Given back bit by bit: all at once would take as long as a whole list.
            while done:
                done.popitem()
                await turns.pause()

    async def _now(self) -> dict[Key, Counts]:
        """What each cell counts, over all shards."""
        live, turns = self._live, Turns()
        found: dict[Key, Counts] = {}
        for row in live.of_shops(np.arange(live.size)).tolist():
            add(found.setdefault(live.key(row), {}), live.sums([row]))
            await turns.pause()
        return found

    async def _show(self, rows: Rows) -> None:
        turns, by_note = Turns(), dict[str, Rows]()
        for text, counts in rows.items():
            note_id, _, cell = text.partition("|")
            by_note.setdefault(note_id, {})[cell] = counts
            await turns.pause()
        gone = [note for shard, note in self._released.places() if shard == RELEASED and note not in by_note]
        for note_id in (*by_note, *gone):
            self._released.put(RELEASED, note_id, by_note.get(note_id, {}))
            await turns.pause()


def key_of(text: str) -> Key:
    """A row of its stored text."""
    return tuple(text.split("|"))


def text_of(key: Key) -> str:
    """A row as it is stored."""
    return "|".join(key)
