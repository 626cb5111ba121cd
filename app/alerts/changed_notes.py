"""The counters of notes that have changed since they were read last: all of them when that cannot be said."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final

from app.redis_store.cells import Cells
from app.redis_store.changes_reader import PAGE, ChangesReader, NotePages, Place
from app.redis_store.reader import Reader
from streams.errors import RedcatError

log = logging.getLogger(__name__)

LOOK_S: Final = 0.5  # lanes tell of the changes of their last commits only: those of about two seconds


class ChangedNotes:
    """Follows the changes of one reader; made by `following`."""

    def __init__(self, reader: Reader) -> None:
        self.whole = False
        """Whether what was read last were all notes."""
        self._changes = ChangesReader(reader)
        self._places: dict[Place, None] | None = None  # those that have changed; None: all may have
        self._looking = asyncio.Lock()

    async def read(self) -> AsyncIterator[tuple[Place, Cells]]:
        """What has changed since this was called last; at first, and when too much has, everything there is."""
        await self._look()
        places, self._places = self._places, {}
        self.whole = places is None
        try:
            if places is None:
                async for place, cells in self._all():
                    yield place, cells
            else:
                async for place, cells in self._some(places):
                    yield place, cells
        except BaseException:
            self._places = None  # who knows what of it was taken
            raise

    async def follow(self) -> None:
        """Remember what changes, until cancelled; a server that does not answer makes all notes be read again."""
        while True:
            try:
                await self._look()
            except RedcatError as error:
                self._places = None
                log.debug("changes of notes are not followed", extra={"reason": str(error)})
            await asyncio.sleep(LOOK_S)

    async def start(self) -> None:
        """Begin with what comes from now on."""
        await self._changes.start()

    async def _look(self) -> None:
        async with self._looking:
            news = await self._changes.news()
            if not news.complete or self._places is None:
                self._places = None
            else:
                self._places.update(dict.fromkeys(news.places))

    async def _all(self) -> AsyncIterator[tuple[Place, Cells]]:
        pages = NotePages(self._changes)
        while (page := await pages.page()) is not None:
            async for place, cells in self._some(page):
                yield place, cells

    async def _some(self, places: Iterable[Place]) -> AsyncIterator[tuple[Place, Cells]]:
        wanted = list(places)
        for start in range(0, len(wanted), PAGE):
            for place, cells in await self._changes.cells(wanted[start : start + PAGE]):
                yield place, cells


@asynccontextmanager
async def following(reader: Reader) -> AsyncIterator[ChangedNotes]:
    """Changes of notes, followed as long as this is entered."""
    changed = ChangedNotes(reader)
    await changed.start()
    task = asyncio.create_task(changed.follow())
    try:
        yield changed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
