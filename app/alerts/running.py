"""The evaluator at work: looks at all counters now and then, judges what changed, and acts if nobody else does.

Any number may run.  All of them look and judge, so that each knows what is normal; one of them acts.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, NamedTuple, Protocol

from app.alerts.acting import Acting, Publisher, Remembered, take_over
from app.alerts.clocks import Clock
from app.alerts.evaluation import evaluate
from app.alerts.life import Life, Moment
from app.alerts.model import Observations, Verdict
from app.alerts.observing import Seen
from app.alerts.record import AlertRecord
from app.alerts.remembering import Remembering
from app.alerts.requests import Requests, read_requests
from app.alerts.rules import Rules, milliseconds
from app.alerts.state import State
from app.alerts.telling import Teller
from app.redis_store.alerts import AlertStore
from app.redis_store.namespace import NoNamespace
from app.redis_store.reader import Reader
from streams.errors import RedcatError, Refused, Unavailable

log = logging.getLogger(__name__)

PAUSE_S: Final = 1.0
RENEW_S: Final = 2.0


class Looks(Protocol):
    """What looks at what happened: see app.alerts.observing.Observer and app.alerts.recorded.RecordedObserver."""

    def following(self, reader: Reader) -> AbstractAsyncContextManager[None]: ...

    async def look(self, reader: Reader, at_ms: int) -> Seen: ...


class Meter(Protocol):
    """Hears what an evaluator does: see app.alerts.health.Health."""

    def evaluated(self, spent_s: float, scopes: int, *, acting: bool) -> None: ...

    def acted(self, records: Sequence[AlertRecord], remembered: Remembered) -> None: ...

    def hindered(self, reason: str) -> None: ...


class Unmetered:
    """Nobody asks."""

    def evaluated(self, spent_s: float, scopes: int, *, acting: bool) -> None: ...

    def acted(self, records: Sequence[AlertRecord], remembered: Remembered) -> None: ...

    def hindered(self, reason: str) -> None: ...


class Sight(NamedTuple):
    """How an evaluator sees what happens, and what has happened before."""

    observer: Looks
    history: Callable[[Reader, int], AsyncIterator[tuple[int, Observations]]]  # what to begin with
    delays: Callable[[Reader, State, int], Awaitable[None]]  # lets a state learn how long conversions take
    remembering: Remembering | None  # None: what is learnt does not outlive the process


class Work(NamedTuple):
    """What an evaluator works with."""

    rules: Rules
    clock: Clock
    sight: Sight
    store: AlertStore
    publisher: Publisher
    teller: Teller
    told: Callable[[Sequence[AlertRecord]], None]  # hears the transitions that this evaluator published
    meter: Meter


class Evaluator:
    """One evaluator."""

    def __init__(self, work: Work) -> None:
        self.acting: Acting | None = None
        self._work = work
        self._trouble: str | None = None
        self._state = State(work.rules)
        self._repeat_s = max(milliseconds(rule.repeat) for rule in work.rules.rules) // 1_000

    async def run(self, open_reader: Callable[[], AbstractAsyncContextManager[Reader]]) -> None:
        """Work until cancelled; servers that are away are waited for."""
        renewing = asyncio.create_task(self._keep_acting())
        try:
            while True:
                try:
                    await self._recall()
                    async with open_reader() as reader, self._work.sight.observer.following(reader):
                        await self._evaluate(reader)
                except (Unavailable, NoNamespace) as error:
                    self._hindered(str(error))
                await asyncio.sleep(PAUSE_S)
        finally:
            renewing.cancel()
            await self._stop_acting()

    def _hindered(self, reason: str) -> None:
        if reason != self._trouble:
            log.warning("alerts wait until counters can be read", extra={"reason": reason})
        self._trouble = reason
        self._work.meter.hindered(reason)

    async def _recall(self) -> None:
        """Go on with what was remembered when the last evaluator ended, if this one has not begun."""
        remembering = self._work.sight.remembering
        if remembering is not None and self._state.at_ms is None:
            self._state = remembering.recall(await self._work.store.memory(), self._work.rules) or self._state

    async def _evaluate(self, reader: Reader) -> None:
        """Evaluate until the namespace is replaced by a rebuild, which another reader must read."""
        while True:
            at_ms = await self._work.clock.next(reader)
            if not await reader.is_in_force():
                return
            began_s = time.monotonic()
            await self._work.sight.delays(reader, self._state, at_ms)
            if self._state.at_ms is None:
                await self._learn(reader, at_ms)
            seen = await self._work.sight.observer.look(reader, at_ms)
            # In a thread: with very many scopes it takes seconds, in which the lease must be kept.
            self._state, verdicts = await asyncio.to_thread(
                evaluate, self._work.rules, self._state, seen.observations, at_ms
            )
            try:
                await self._act(reader, seen, verdicts, at_ms)
            except (Refused, Unavailable) as error:
                log.warning("this evaluator does not act any more", extra={"reason": str(error)})
                self.acting = None
            self._trouble = None
            scopes, acting = len(self._state.table.scopes), self.acting is not None
            self._work.meter.evaluated(time.monotonic() - began_s, scopes, acting=acting)

    async def _learn(self, reader: Reader, at_ms: int) -> None:
        """Take in the hours before, if there are any; what was wrong in them is told by nobody now."""
        hours = 0
        async for hour_ms, observations in self._work.sight.history(reader, at_ms):
            self._state, _ = await asyncio.to_thread(evaluate, self._work.rules, self._state, observations, hour_ms)
            hours += 1
        if hours:
            # What came since the last whole hour is not known, so that it cannot be missed either.
            self._state.at_ms = at_ms - 1
        log.info("this evaluator knows what is normal", extra={"hours": hours})

    async def _act(self, reader: Reader, seen: Seen, verdicts: Sequence[Verdict], at_ms: int) -> None:
        work = self._work
        if self.acting is None:
            self.acting = await take_over(work.store, work.publisher)
            if self.acting is None:
                return
            log.info("this evaluator acts")
        acting = self.acting
        asked, taken = read_requests(*await work.store.asked()), work.teller.all_taken()
        moment = _moment(seen, verdicts, acting.remembered.life, at_ms)
        memory = None if work.sight.remembering is None else await work.sight.remembering.memory(self._state)
        records = await acting.act(moment, work.rules, asked, taken=taken, memory=memory)
        work.teller.settled(taken)
        work.told(records)
        work.meter.acted(records, acting.remembered)
        await work.teller.tell(acting.remembered.notices.waiting, reader, self._repeat_s)
        await self._tidy(asked, acting.remembered.life)

    async def _tidy(self, asked: Requests, life: Life) -> None:
        """Forget requests that are about nothing any more."""
        over = [alert_id for alert_id in asked.acknowledged if alert_id not in life.alerts]
        await self._work.store.forget_acknowledgements(over)
        for silence in asked.silences.values():
            if silence.until_ms <= life.at_ms:
                await self._work.store.end_silence(silence.silence_id)

    async def _keep_acting(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            acting = self.acting
            if acting is not None:
                try:
                    await acting.renew()
                except (Refused, Unavailable) as error:
                    log.warning("this evaluator does not act any more", extra={"reason": str(error)})
                    self.acting = None

    async def _stop_acting(self) -> None:
        if self.acting is not None:
            with suppress(RedcatError):
                await self.acting.release()


def _moment(seen: Seen, verdicts: Sequence[Verdict], life: Life, at_ms: int) -> Moment:
    """A moment with what is known of all scopes in trouble and of those around them."""
    scopes = {verdict.scope for verdict in verdicts} | {one.scope for one in life.conditions.values()}
    if not scopes:
        return Moment(at_ms, verdicts)
    places = seen.places()
    around = {larger for scope in scopes if scope in places for larger in places[scope].within}
    return Moment(at_ms, verdicts, places, seen.worths(scopes | around))
