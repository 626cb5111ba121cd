"""The read model: everything that is shown, from Redis alone, each party its own.  One for each process."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from typing import Final

from app.connections import redis_address
from app.explaining.explanation import Explained, read_journey
from app.redis_store.changes_reader import ChangesReader
from app.redis_store.journey_reader import JourneyReader
from app.redis_store.link import dialler
from app.redis_store.live_series import LiveSeries
from app.redis_store.namespace import NoNamespace, read_namespace
from app.redis_store.reader import Reader, open_reader
from app.redis_store.releases import Releases
from app.settings import Settings
from app.viewing.journeys import holds_order, seen_by
from app.viewing.latest import LatestResults
from app.viewing.live import Ticks
from app.viewing.mirror import Mirror
from app.viewing.party import Party
from app.viewing.ranking import Rankings
from app.viewing.releasing import Grouping, Releasing
from app.viewing.view import View
from streams.core.facts import ID_PATTERN
from streams.errors import RedcatError, Unavailable

log = logging.getLogger(__name__)

LOOK_S: Final = 0.15  # between two looks at what the lanes have changed
REST: Final = 1.5  # times as long as a look took, so that looking never takes half of the time
NAMESPACE_S: Final = 1.0
RELEASES_S: Final = 1.0
RECENT_MS: Final = 60_000
RETRY_S: Final = 0.5
MOST_VIEWS: Final = 64


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


class ReadModel:
    """Follows the store while `run` runs; `ready` says whether there is anything to show yet."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms) -> None:
        self.settings = settings
        self.ticks = Ticks()
        self.rankings = Rankings()
        self.clock = clock
        self.as_of_ms = 0  # all that was committed by then is shown
        self.trouble: str | None = "nothing was read yet"
        self.no_namespace = False  # True: the trouble is that no worker ever made one
        self._delay_ms = 0
        self._mirror: Mirror | None = None
        self._releasing: Releasing | None = None
        self._reader: Reader | None = None
        self._series: LiveSeries | None = None
        self._releases: Releases | None = None
        self._views: dict[Party, View] = {}
        self._dial = dialler(redis_address(settings))
        self.latest = LatestResults(self._dial, settings.group)

    @property
    def ready(self) -> bool:
        return self._mirror is not None

    @property
    def lag_s(self) -> float:
        """How old what is shown is: the longest that a lane's last records had waited, and the time since the look."""
        return round((self._delay_ms + max(0, self.clock() - self.as_of_ms)) / 1_000, 3)

    @property
    def reader(self) -> Reader:
        """A reader of the namespace; Unavailable before there is one."""
        if self._reader is None:
            raise Unavailable(self.trouble or "nothing was read yet")
        return self._reader

    @property
    def series(self) -> LiveSeries:
        """As `reader`, for rows of totals and series."""
        if self._series is None:
            raise Unavailable(self.trouble or "nothing was read yet")
        return self._series

    @property
    def releases(self) -> Releases:
        """As `reader`, for what was released to grouped parties."""
        if self._releases is None:
            raise Unavailable(self.trouble or "nothing was read yet")
        return self._releases

    def grouping(self) -> Grouping:
        """How the figures of grouped parties came about."""
        return Grouping(self.settings.k_tokens, 0) if self._releasing is None else self._releasing.grouping

    def view(self, party: Party) -> View:
        """What a party sees; Unavailable before anything was read."""
        if self._mirror is None:
            raise Unavailable(self.trouble or "nothing was read yet")
        view = self._views.get(party)
        if view is None:
            if len(self._views) >= MOST_VIEWS:
                self._views.pop(next(iter(self._views)))
            view = View(party, self._mirror.released if party.grouped else self._mirror.live)
            self._views[party] = view
        return view

    async def explained(self, party: Party, token: str) -> Explained | None:
        """What a party sees of a token's journey; None if that is nothing."""
        if not re.fullmatch(ID_PATTERN, token):
            return None
        held = await read_journey(JourneyReader(self.reader), token)
        return None if held is None else seen_by(party, held)

    async def explained_order(self, party: Party, order_id: str) -> list[Explained]:
        """What a party sees of the journeys that hold an order."""
        if not re.fullmatch(ID_PATTERN, order_id):
            return []
        tokens = await self.reader.tokens_of_order(order_id)
        found = [await self.explained(party, token) for token in tokens]
        return [one for one in found if one is not None and holds_order(one, order_id)]

    async def run(self) -> None:
        """Follow the store until cancelled; what is away is waited for."""
        try:
            while True:
                try:
                    await self._follow()
                except RedcatError as error:
                    self._complain(error)
                await asyncio.sleep(RETRY_S)
        finally:
            self.ticks.close()
            await self._disconnect()

    async def _follow(self) -> None:
        """Load everything, then follow the changes, until that breaks or another namespace is in force."""
        await self._disconnect()
        reader = self._reader = await open_reader(self._dial, self.settings.group)
        self._series = LiveSeries(reader)
        # What is watched must not share a connection: others would end the watch.
        self._releases = Releases(await self._dial(0), self.settings.group)
        changes = ChangesReader(reader)
        mirror = Mirror(changes)
        await mirror.start(self.clock())
        while not mirror.loaded:
            await mirror.follow(self.clock())
        await self._shown(changes, mirror.as_of_ms)
        releasing = Releasing(mirror.live, mirror.released, self.settings.k_tokens, self.settings.kept.hours_ms)
        await releasing.look(self._releases, self.clock())
        self._mirror, self._releasing, self.trouble = mirror, releasing, None
        self._views.clear()
        self.ticks.tell()
        release = asyncio.create_task(self._release(releasing, self._releases))
        try:
            await self._follow_changes(reader, changes, mirror)
        finally:
            release.cancel()

    async def _follow_changes(self, reader: Reader, changes: ChangesReader, mirror: Mirror) -> None:
        clock = asyncio.get_running_loop().time
        checked = clock()
        while True:
            began = clock()
            if began - checked > NAMESPACE_S:
                checked = began
                if not await self._same_namespace(reader):
                    return
            changed = await mirror.follow(self.clock())
            await self._shown(changes, mirror.as_of_ms)
            if changed:
                self._changed()
            await asyncio.sleep(max(LOOK_S, REST * (clock() - began)))

    async def _release(self, releasing: Releasing, releases: Releases) -> None:
        """Look every second whether it is time to release, beside everything else: a release takes its time."""
        while True:
            await asyncio.sleep(RELEASES_S)
            try:
                if await releasing.look(releases, self.clock()):
                    self._changed()
            except RedcatError as error:
                log.warning("what is due cannot be released", extra={"reason": str(error)})

    def _changed(self) -> None:
        for view in self._views.values():
            view.refresh()
        self.ticks.tell()

    async def _shown(self, changes: ChangesReader, looked_ms: int) -> None:
        times = await changes.times()
        # How long the records of a commit had waited tells nothing any more when there has been no other for long.
        late = [one.committed_ms - one.record_ms for one in times if looked_ms - one.committed_ms < RECENT_MS]
        self._delay_ms = max([0, *late])
        self.as_of_ms = looked_ms

    async def _same_namespace(self, reader: Reader) -> bool:
        """Learn which policies are in force; False if the namespace is not the one that is followed."""
        link, _ = next(iter(reader.lane_links()))
        known, reader.namespace = reader.namespace, await read_namespace(link, self.settings.group)
        now = reader.namespace
        return (known.partitions, known.shards, known.generation) == (now.partitions, now.shards, now.generation)

    def _complain(self, error: RedcatError) -> None:
        if str(error) != self.trouble:
            log.warning("nothing new can be shown", extra={"reason": str(error)})
        self.trouble = str(error)
        self.no_namespace = isinstance(error, NoNamespace)
        if self.no_namespace:
            self._mirror = None
            self._views.clear()

    async def _disconnect(self) -> None:
        if self._reader is not None:
            await self._reader.close()
            self._reader = self._series = None
        if self._releases is not None:
            self._releases.close()
            self._releases = None
