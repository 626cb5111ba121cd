"""The counters of all notes in memory, kept up to date with what the lanes commit."""

from app.redis_store.changes_reader import ChangesReader, Place
from app.viewing.cells import Cells
from streams.metric_digest import NOTE_ITSELF

PAGE = 100  # notes that are put in at once; others are answered between pages


class Mirror:
    """All cells as they stand (`live`); and what notes count as such also in `released`, beside what was released."""

    def __init__(self, changes: ChangesReader) -> None:
        self.live = Cells()
        self.released = Cells()
        self._changes = changes

    async def load(self) -> None:
        """Read everything."""
        await self._changes.start()
        for shard in range(self._changes.shards):
            cursor = b""
            while cursor != b"0":
                cursor, notes = await self._changes.notes(shard, cursor or b"0")
                await self._take([(shard, note_id) for note_id in notes])

    async def follow(self) -> bool | None:
        """Take what has changed; whether anything has, None when everything must be loaded into a new mirror."""
        places = await self._changes.news()
        if places:
            await self._take(places)
        return None if places is None else bool(places)

    async def _take(self, places: list[Place]) -> None:
        for start in range(0, len(places), PAGE):
            some = places[start : start + PAGE]
            for (shard, note_id), cells in zip(some, await self._changes.cells(some), strict=True):
                self.live.put(shard, note_id, cells)
                if NOTE_ITSELF in cells:
                    self.released.put(1 + shard, note_id, {NOTE_ITSELF: cells[NOTE_ITSELF]})
