"""Outbox: the results of a lane on their way to Kafka, in order, beside the commits."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from streams.ports import Producer
from streams.records import Entry, Tip

# A transaction costs about as much as a hundred results: at light load several commits share one.
MIN_INTERVAL_S: Final = 0.15
ENOUGH: Final = 2_500  # records that are worth a transaction of their own, whenever the last one was
MAX_RECORDS: Final = 5_000  # in one transaction, unless a single entry has more
MAX_WAITING: Final = 10_000  # records; beyond it commits wait for Kafka, so that memory stays flat


class Outbox:
    """Publishes entries in order and remembers up to which tip it did."""

    def __init__(
        self, producer: Producer, entries: Iterable[Entry], trim: Tip | None, *, most_records: int = MAX_RECORDS
    ) -> None:
        self._producer = producer
        self._most_records = most_records
        self._entries = deque(entries)
        self._waiting = sum(_size(entry) for entry in self._entries)
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._enough = asyncio.Event()
        self._empty = asyncio.Event()
        self._trim = trim
        self._failed = False
        self.sent = 0  # entries that were published
        # What was left must not be torn apart: after a fork, readers may see all of it or nothing.
        self._together = len(self._entries)
        self._update()

    async def add(self, entry: Entry) -> None:
        """Take an entry whose commit is done; waits while too much is on its way."""
        self._entries.append(entry)
        self._waiting += _size(entry)
        self._update()
        await self._room.wait()

    def __len__(self) -> int:
        """How many entries wait to be published."""
        return len(self._entries)

    def take_trim(self) -> Tip | None:
        """The tip up to which the store may trim, once."""
        trim, self._trim = self._trim, None
        return trim

    async def drained(self) -> None:
        """Wait until nothing is left to publish."""
        await self._empty.wait()

    async def run(self, failed: Callable[[Exception], None]) -> None:
        """Publish until cancelled; the first failure ends it and is told."""
        clock = asyncio.get_running_loop().time
        try:
            while True:
                await self._more.wait()
                started = clock()
                await self._publish_some()
                # Under load the pause would be all that commits wait for.
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(started + MIN_INTERVAL_S):
                        await self._enough.wait()
        except Exception as error:
            self._failed = True
            self._update()
            failed(error)

    async def _publish_some(self) -> None:
        chosen: list[Entry] = []
        records = 0
        for entry in self._entries:
            records += _size(entry)
            if len(chosen) >= max(self._together, 1) and records > self._most_records:
                break
            chosen.append(entry)
        await self._producer.publish(chosen)
        self._together = 0
        self.sent += len(chosen)
        for entry in chosen:
            self._entries.popleft()
            self._waiting -= _size(entry)
        self._trim = chosen[-1].marker.tip
        self._update()

    def _update(self) -> None:
        _set(self._more, bool(self._entries))
        _set(self._empty, not self._entries)
        _set(self._enough, self._waiting >= ENOUGH)
        _set(self._room, self._failed or self._waiting <= MAX_WAITING)


def _size(entry: Entry) -> int:
    return len(entry.results) + len(entry.messages)


def _set(event: asyncio.Event, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()
