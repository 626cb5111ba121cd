"""Results as they are decided, for whoever looks at a page that concerns them, each party its own.

Workers are asked to tell of what is looked at, as long as it is; while nobody looks, neither they nor Redis hear of it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import msgspec

from app.redis_store.link import Dial
from app.redis_store.watching import ShownResult, Watched, Watching
from app.viewing.live import Ticks
from app.viewing.party import Party
from streams.errors import RedcatError

log = logging.getLogger(__name__)

LOOK_S: Final = 0.2
RENEW_S: Final = 4.0
RETRY_S: Final = 2.0
IDLE_S: Final = 1.0
SHOWN: Final = 30  # results that a page lists
MOST_WATCHED: Final = 100  # by all pages of a server together
OF_ANOTHER: Final = "other_shop"


class TooManyWatched(Exception):
    """There is no room for another page of single results; nothing else is amiss."""


def watched_by(party: Party, watched: Watched) -> Watched | None:
    """What a party may look at; None of whoever sees several merchants' buyers, which are shown in groups only."""
    if party.grouped:
        return None
    return watched._replace(merchant_id=party.id) if party.kind == "merchant" else watched


def seen_by(party: Party, result: ShownResult) -> ShownResult | None:
    """A result as a party may see it; None if it may not.

    A merchant is not told that a buyer of its shop came by a click to another's: the same as `app.viewing.journeys`.
    """
    if party.kind == "admin":
        return result
    if party.kind != "merchant" or result.merchant_id != party.id:
        return None
    if result.reason == OF_ANOTHER:
        return msgspec.structs.replace(result, reason="no_click", nearest_note_id=None)
    return result


@dataclass
class Looks:
    """One thing that some pages look at."""

    ticks: Ticks = field(default_factory=Ticks)
    results: deque[ShownResult] = field(default_factory=lambda: deque(maxlen=SHOWN))
    number: int = 0  # of results that came
    last: bytes = b"0"
    pages: int = 0

    def add(self, last: bytes, results: Sequence[ShownResult]) -> None:
        """There are others."""
        self.last = last
        self.results.extend(results)
        self.number += len(results)
        self.ticks.tell()

    def since(self, number: int) -> list[ShownResult]:
        """Those that came after the first `number`, the last of them if they are many."""
        fresh = min(self.number - number, len(self.results))
        return list(self.results)[len(self.results) - fresh :]


class LatestResults:
    """Follows what pages look at while `run` runs."""

    def __init__(self, dial: Dial, group: str) -> None:
        self._dial = dial
        self._group = group
        self._looks: dict[Watched, Looks] = {}
        self._news = asyncio.Event()  # somebody looks at something else
        self._trouble: str | None = None

    async def listen(self, party: Party, watched: Watched) -> AsyncGenerator[list[ShownResult]]:
        """The results that a party sees, oldest first: those that were told lately, then others as they come.

        Raises TooManyWatched.
        """
        asked = watched_by(party, watched)
        if asked is None:
            return
        looks = self._begin(asked)
        number = 0
        try:
            async with aclosing(looks.ticks.listen(IDLE_S)) as listening:
                while True:
                    fresh, number = looks.since(number), looks.number
                    seen = [one for one in (seen_by(party, result) for result in fresh) if one is not None]
                    if shown := [one for one in seen if asked.holds(one)]:
                        yield shown
                    if await anext(listening, None) is None:
                        return
        finally:
            looks.pages -= 1
            if not looks.pages:
                self._looks.pop(asked, None)

    def _begin(self, asked: Watched) -> Looks:
        looks = self._looks.get(asked)
        if looks is None:
            if len(self._looks) >= MOST_WATCHED:
                raise TooManyWatched
            looks = self._looks[asked] = Looks()
            self._news.set()
        looks.pages += 1
        return looks

    async def run(self) -> None:
        """Follow until cancelled; where Redis is away nothing is told."""
        try:
            while True:
                self._news.clear()
                if not self._looks:
                    await self._news.wait()
                try:
                    watching = Watching(await self._dial(0), self._group)
                    try:
                        await self._follow(watching)
                    finally:
                        watching.close()
                except RedcatError as error:
                    self._complain(error)
                    await asyncio.sleep(RETRY_S)
        finally:
            for looks in self._looks.values():
                looks.ticks.close()

    def _complain(self, error: RedcatError) -> None:
        if str(error) != self._trouble:
            log.warning("no results can be shown as they come", extra={"reason": str(error)})
        self._trouble = str(error)

    async def _follow(self, watching: Watching) -> None:
        """Until nobody looks at anything."""
        clock = asyncio.get_running_loop().time
        renewed = -RENEW_S
        while self._looks:
            if self._news.is_set() or clock() - renewed >= RENEW_S:
                self._news.clear()
                renewed = clock()
                await watching.renew(list(self._looks))
                self._trouble = None
            told = await watching.told({one: looks.last for one, looks in self._looks.items()})
            for one, (last, results) in told.items():
                if one in self._looks:
                    self._looks[one].add(last, results)
            await asyncio.sleep(LOOK_S)
