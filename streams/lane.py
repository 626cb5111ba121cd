"""A lane: the commits of one partition number over all token topics, by one owner at a time.

Whatever goes wrong, everything held in memory is dropped and the lane is taken over anew: the store, the marker and
the positions say all there is to know.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Final

from streams.commits import LaneState
from streams.errors import LaneStopped, RedcatError, Refused, Unavailable
from streams.isolating import absorb
from streams.outbox import Outbox
from streams.owner import Owner, Surroundings
from streams.records import Batch, Entry
from streams.replaying import Retelling, absorb_silently, at_end, left
from streams.restating import Restatement
from streams.takeover import GoOn, Replay, decide

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0  # the first commit after an outage must not wait for long
STOPPED_PAUSE_S: Final = 30.0  # a person is needed; look again now and then whether the cause is gone
HAND_OVER_S: Final = 1.0  # how long a stopping lane waits for its results to reach Kafka; the next owner sends the rest
TICK: Final = "tick"


class Stopping(Exception):
    """Ends an ownership: the lane was asked to stop."""


class Lane:
    """One lane on this worker, from the time it is assigned until it is stopped."""

    def __init__(self, number: int, around: Surroundings) -> None:
        self.number = number
        self.owner: Owner | None = None  # set while the lane serves
        self.outbox: Outbox | None = None  # as owner
        self.trouble: RedcatError | None = None  # what ended the last ownership; None while the lane serves
        self.steps = 0  # batches, pages and failures: stands still only while there is nothing to do, or in a stall
        self.replay_left = 0  # offsets that a silent replay still has to go through
        self._around = around
        self._mailbox: asyncio.Queue[Batch | RedcatError | str | None] = asyncio.Queue()
        self._quiet = True  # no commit since the last tick

    @property
    def stopped(self) -> LaneStopped | None:
        """Why the lane waits for a person."""
        return self.trouble if isinstance(self.trouble, LaneStopped) else None

    def submit(self, batch: Batch) -> None:
        """Take a fetched batch; the feed's credit bounds how many wait."""
        self._mailbox.put_nowait(batch)

    def tick(self) -> None:
        """Look after the lane, about every second: an idle one must notice that it is not the owner any more."""
        self._mailbox.put_nowait(TICK)

    def fail(self, error: RedcatError) -> None:
        """Tell the lane of an error that was met elsewhere on its behalf."""
        self._mailbox.put_nowait(error)

    def stop(self) -> None:
        """Ask the lane to finish what is in hand and to end."""
        self._mailbox.put_nowait(None)

    async def run(self) -> None:
        """Own the lane until asked to stop, taking over anew after every failure."""
        pause = FIRST_PAUSE_S
        try:
            while True:
                self._around.observer.taking_over(self.number, self.trouble)
                try:
                    await self._own()
                except (Refused, Unavailable) as error:
                    self.trouble, pause = error, FIRST_PAUSE_S if self.owner else min(pause * 2, LONGEST_PAUSE_S)
                    log.warning("taking over anew", extra={"lane": self.number, "error": str(error), "pause_s": pause})
                except LaneStopped as error:
                    self.trouble, pause = error, STOPPED_PAUSE_S
                    log.error("lane stopped", extra={"lane": self.number, "error": str(error)})  # noqa: TRY400  # the message says it all
                self._rest()
                await self._wait(pause)
        except Stopping:
            self._rest()
        finally:
            await self._around.store.release(self.number)

    def _rest(self) -> None:
        self.owner = self.outbox = None
        self.replay_left = 0
        self.steps += 1

    async def _wait(self, pause_s: float) -> None:
        """Pause between two take-overs; all that comes meanwhile is void."""
        loop = asyncio.get_running_loop()
        until = loop.time() + pause_s
        while (left := until - loop.time()) > 0:
            try:
                item = await asyncio.wait_for(self._mailbox.get(), left)
            except TimeoutError:
                return
            if item is None:
                raise Stopping
            if isinstance(item, Batch):
                self._around.feed.release(item)

    async def _own(self) -> None:
        """One ownership; ends by an exception only."""
        around = self._around
        # In this order: the heartbeat shows that there is no newer owner yet, acquiring shuts every older one out of
        # the store, opening the producer shuts it out of Kafka and ends what it had open there, so that the marker
        # read after that is the last one for good.
        await around.feed.confirm(self.number)
        state = await around.store.acquire(self.number, secrets.token_hex(8))
        producer = await around.publisher.open(self.number)
        try:
            step = decide(state, await around.publisher.read_marker(self.number))
            owner = Owner(self.number, around, state)
            owner.recall(await around.store.recent(self.number, state.tip))
            if isinstance(step, Replay):
                step = GoOn(await self._catch_up(owner, state, step), None)
            outbox = Outbox(producer, step.pending, step.trim, most_records=around.most_records)
            sender = asyncio.create_task(outbox.run(self._sending_failed), name=f"outbox {self.number}")
            try:
                await self._serve(owner, outbox)
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
        finally:
            # What ends the ownership, a wish to stop above all, must not be replaced by a failure to say goodbye.
            with suppress(RedcatError):
                await producer.close()

    def _sending_failed(self, error: Exception) -> None:
        self.fail(error if isinstance(error, RedcatError) else Unavailable(repr(error)))

    async def _catch_up(self, owner: Owner, state: LaneState, replay: Replay) -> list[Entry]:
        """Bring a rolled back store to where the readers are; returns what is to be published again after a fork."""
        unsaid = owner.policies.take_over(state, replay.marker)
        log.warning("replaying silently", extra={"lane": self.number, "until": replay.until})
        done = replay.nothing_to_absorb and replay.fork is None and not unsaid
        marker = replay.marker.tip
        # The tip must change: on an unchanged one, a rollback to just before this would bring the outbox back unseen.
        sequence = max(marker.sequence, state.tip.sequence + 1)
        owner.tip = await self._around.store.rolled_back(self.number, state.tip, sequence, marker if done else None)
        if not replay.nothing_to_absorb:
            seek = await self._around.feed.seek(self.number, owner.positions, replay.until, owner.last_records)
            while not at_end(owner.positions, replay.until):
                self.replay_left = left(owner.positions, replay.until)
                await absorb_silently(owner, batch := await self._next_batch(owner, seek), replay)
                self._replayed(batch)
        elif unsaid and replay.fork is None:
            await Restatement(owner).mark_published(marker)
        if replay.fork is None:
            return []
        retelling = Retelling(owner, replay, replay.fork)
        seek = await self._around.feed.seek(self.number, replay.fork.start, replay.fork.end)
        while not retelling.done():
            self.replay_left = left(retelling.told, replay.fork.end)
            await retelling.tell(batch := await self._next_batch(owner, seek))
            self._replayed(batch)
        return retelling.entries

    def _replayed(self, batch: Batch) -> None:
        self.steps += 1
        self._around.observer.replayed(batch)

    async def _next_batch(self, owner: Owner, seek: int) -> Batch:
        """The next batch of the current seek; looks after the lane while it waits."""
        while True:
            item = await self._mailbox.get()
            if item is None:
                raise Stopping
            if isinstance(item, RedcatError):
                raise item
            if item is TICK:
                await self._around.store.probe(self.number, owner.tip)
            elif isinstance(item, Batch):
                # Released at once: one batch more in memory, and no credit lost however the work on it ends.
                self._around.feed.release(item)
                if item.seek == seek:
                    return item

    async def _serve(self, owner: Owner, outbox: Outbox) -> None:
        """Absorb batches until the first failure."""
        seek = await self._around.feed.seek(self.number, owner.positions, None, owner.last_records)
        self.owner, self.outbox, self.trouble, self.replay_left = owner, outbox, None, 0
        restatement = Restatement(owner)
        while True:
            await self._keep_policies(restatement, outbox)
            if restatement.due() and self._mailbox.empty():
                continue
            item = await self._mailbox.get()
            if item is None:
                await self._hand_over(owner, outbox)
                raise Stopping
            if isinstance(item, RedcatError):
                raise item
            if isinstance(item, Batch):
                await self._absorb(owner, outbox, item, seek)
            elif self._quiet:
                await self._look_after(owner, outbox)
            else:
                self._quiet = True

    async def _keep_policies(self, restatement: Restatement, outbox: Outbox) -> None:
        """Between two batches: let new policies enter, and restate some of what is held while that is to be done."""
        if entry := await restatement.enter_news(outbox.take_trim):
            await outbox.add(entry)
        if not restatement.due():
            return
        self.steps += 1
        if entry := await restatement.restate_page(outbox.take_trim):
            await outbox.add(entry)

    async def _absorb(self, owner: Owner, outbox: Outbox, batch: Batch, seek: int) -> None:
        try:
            if batch.seek == seek:
                self._quiet = False
                entry = await absorb(owner, batch, outbox.take_trim())
                self.steps += 1
                self._around.observer.absorbed(batch, entry)
                await outbox.add(entry)
        finally:
            self._around.feed.release(batch)

    async def _look_after(self, owner: Owner, outbox: Outbox) -> None:
        """On an idle lane: fold what waits, trim what was published, or find out whether the tip is still ours."""
        trim = outbox.take_trim()
        if owner.unfolded():
            await outbox.add(await owner.fold(trim))
        elif trim is not None:
            await self._around.store.trim(self.number, owner.tip, trim)
        else:
            await self._around.store.probe(self.number, owner.tip)

    async def _hand_over(self, owner: Owner, outbox: Outbox) -> None:
        try:
            async with asyncio.timeout(HAND_OVER_S):
                if owner.unfolded():
                    await outbox.add(await owner.fold(outbox.take_trim()))
                await outbox.drained()
            await self._look_after(owner, outbox)
        except (TimeoutError, RedcatError) as error:
            log.info("the next owner publishes the rest", extra={"lane": self.number, "error": repr(error)})
