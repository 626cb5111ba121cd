"""Ticks: everybody who shows something live hears of each change, and none is held up by another."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

AT_ONCE: Final = 10  # listeners that are woken in one turn of the loop; others are answered between


class Ticks:
    """Tells any number of listeners that something has changed."""

    def __init__(self) -> None:
        self.number = 0
        self._listening: set[asyncio.Event] = set()
        self._closed = False

    def tell(self) -> None:
        """Something has changed."""
        self.number += 1
        self._wake(list(self._listening))

    def _wake(self, events: Sequence[asyncio.Event]) -> None:
        for event in events[:AT_ONCE]:
            event.set()
        if rest := events[AT_ONCE:]:
            asyncio.get_running_loop().call_soon(self._wake, rest)

    def close(self) -> None:
        """Let all listeners end."""
        self._closed = True
        self.tell()

    async def listen(self, every_s: float | None = None) -> AsyncGenerator[bool]:
        """True for each change, several that came together told once; False when none came for `every_s`."""
        event = asyncio.Event()
        self._listening.add(event)
        try:
            while not self._closed:
                try:
                    async with asyncio.timeout(every_s):
                        await event.wait()
                except TimeoutError:
                    yield False
                else:
                    event.clear()
                    if not self._closed:
                        yield True
        finally:
            self._listening.discard(event)
