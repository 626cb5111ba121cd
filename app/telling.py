"""Tells those who look at a page of the results that concern it, beside the commits.

A commit hands its results over and goes on; nothing is done with them unless somebody looks.  What cannot be told in
time is dropped: the topic `conversion` has it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from app.metrics.instruments import Instruments
from app.metrics.table import WorkerName
from app.metrics.timing import TimedStore
from app.redis_store.link import Dial
from app.redis_store.watching import ShownResult, Watched, Watching
from streams.commits import Commit
from streams.errors import RedcatError
from streams.records import ResultRecord, Tip

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0  # between two looks at what is watched
TELL_S: Final = 0.2
RETRY_S: Final = 5.0
WAITING_COMMITS: Final = 16  # those of a second at full speed
AT_ONCE: Final = 10  # results of one thing that is watched: nobody reads more in that time

_read = msgspec.json.Decoder(ShownResult).decode


class Teller:
    """Takes the results of commits at any time; `run` tells them on."""

    def __init__(self, dial: Dial, group: str, look_s: float = LOOK_S) -> None:
        """`look_s` is the time between two looks at what is watched."""
        self._dial = dial
        self._look_s = look_s
        self._group = group
        self.choice = Choice(())
        self._waiting = deque[Sequence[ResultRecord]](maxlen=WAITING_COMMITS)

    def committed(self, results: Sequence[ResultRecord]) -> None:
        """Take the results of a commit; at once, and without fail."""
        if self.choice and results:
            self._waiting.append(results)

    async def run(self) -> None:
        """Look what is watched, and tell of it, until cancelled."""
        while True:
            try:
                watching = Watching(await self._dial(0), self._group)
                try:
                    await self._tell_on(watching)
                finally:
                    watching.close()
            except (RedcatError, msgspec.DecodeError) as error:
                log.debug("nobody is told of results for a while", extra={"error": str(error)})
            self.choice = Choice(())
            self._waiting.clear()
            await asyncio.sleep(RETRY_S)

    async def _tell_on(self, watching: Watching) -> None:
        clock = asyncio.get_running_loop().time
        looked = -self._look_s
        while True:
            if clock() - looked >= self._look_s:
                looked, self.choice = clock(), Choice(await watching.watched())
            await asyncio.sleep(TELL_S if self.choice else self._look_s)
            while self._waiting:
                self.choice.take(self._waiting.popleft())
                await asyncio.sleep(0)  # commits go first
            await watching.tell(self.choice.taken())


class Choice:
    """Chooses from results those that are watched, the last ones of each."""

    def __init__(self, watched: Sequence[Watched]) -> None:
        self.watched = watched
        self._by_id: dict[tuple[str, str], list[Watched]] = {}
        for one in watched:
            self._by_id.setdefault((one.dimension, one.id), []).append(one)
        self._dimensions = {one.dimension for one in watched}
        self._taken: dict[Watched, deque[ShownResult]] = {}

    def __bool__(self) -> bool:
        return bool(self.watched)

    def take(self, results: Sequence[ResultRecord]) -> None:
        """Choose from the results of a commit."""
        for record in results:
            result = _read(record.value)
            for dimension in self._dimensions:
                for one in self._by_id.get((dimension, result.under(dimension) or ""), ()):
                    if one.holds(result):
                        self._taken.setdefault(one, deque(maxlen=AT_ONCE)).append(result)

    def taken(self) -> dict[Watched, list[ShownResult]]:
        """What was chosen since the last call."""
        taken, self._taken = self._taken, {}
        return {one: list(results) for one, results in taken.items()}


class TellingStore(TimedStore):
    """Hands the results of what was committed to a teller."""

    def __init__(
        self, dial: Dial, group: str, shards: int, instruments: Instruments[WorkerName], teller: Teller
    ) -> None:
        super().__init__(dial, group, shards, instruments)
        self._teller = teller

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip:
        """See Store."""
        tip = await super().commit(lane, tip, commit)
        if commit.entry is not None:
            self._teller.committed(commit.entry.results)
        return tip
