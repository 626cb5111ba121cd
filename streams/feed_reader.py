"""What was fetched of one lane and not delivered yet, and when to fetch and to deliver.  No I/O, no clock."""

from collections.abc import Iterable
from typing import NamedTuple

from aiokafka import TopicPartition

from streams.feed_records import Fetched
from streams.feed_wire import Slice
from streams.ports import Batch, Positions, Record

CREDIT = 2
QUIET_S = 0.25


class TopicReader:
    """One topic of one lane after one seek; what arrives for an earlier seek meets another object."""

    def __init__(self, topic: str, partition: TopicPartition, position: int, until: int | None = None) -> None:
        self.topic = topic
        self.partition = partition
        self.position = position
        self.until = until
        self.stable = position  # last stable offset as the last reply said it
        self.hungry = False  # the last fetch brought nothing although there is something: it goes first
        self.fetching = False
        self.fetched: Fetched | None = None  # not taken yet
        self._not_before = 0.0

    @property
    def finished(self) -> bool:
        """True when nothing more of it may be delivered."""
        return self.until is not None and self.position >= self.until

    def accept(self, reply: Slice, next_fetch: float) -> None:
        """Keep what a fetch brought; more is fetched at once if Kafka holds more, else at `next_fetch`."""
        self.stable = reply.stable
        self.hungry = not reply.data and self.stable > self.position
        self._not_before = next_fetch
        if reply.data and not self.finished:
            self.fetched = Fetched(self.partition, reply.data, reply.aborted, self.position)

    def postpone(self, next_fetch: float) -> None:
        """A fetch failed: try again at `next_fetch`."""
        self.hungry = True
        self._not_before = next_fetch

    def take(self, count: int, records: list[Record]) -> None:
        """Move at most `count` records to `records`; raises LaneStopped when they cannot be decoded."""
        if self.fetched is not None:
            more = self.fetched.take(count, self.until, records)
            self.position = self.fetched.position
            if not more:
                self.fetched = None

    def fetch_at(self) -> float | None:
        """When to fetch it next; None while that is under way or not needed."""
        if self.fetching or self.fetched is not None or self.finished:
            return None
        return self._not_before if self.hungry or self.position >= self.stable else 0.0


class Plan(NamedTuple):
    """What to do for a lane."""

    fetch: list[TopicReader]  # now
    look_again_at: float | None  # if nothing happens before


class LaneReader:
    """Makes one lane's batches out of what is fetched of its topics."""

    def __init__(self, lane: int, batch_records: int, linger_s: float = 0.0) -> None:
        self.lane = lane
        self.linger_s = linger_s  # between two fetches at its end
        self.seek = 0
        self._batch_records = batch_records
        self._topics: dict[str, TopicReader] = {}
        self._unreleased = 0
        self._before: Positions = {}
        self._records: dict[str, list[Record]] = {}
        self._count = 0
        self._moved_at: float | None = None  # since when the position is ahead of the last batch

    def void(self, seek: int) -> None:
        """Forget what was fetched; nothing is fetched or delivered until `restart`."""
        self.seek = seek
        self._topics = {}
        self._unreleased = 0
        self._clear()

    def restart(self, topics: Iterable[TopicReader]) -> None:
        """Go on with these topics."""
        self._topics = {reader.topic: reader for reader in topics}
        self._before = self._positions()
        self._clear()

    def reads(self, reader: TopicReader) -> bool:
        """False for a reader of an earlier seek."""
        return self._topics.get(reader.topic) is reader

    def release(self, batch: Batch) -> bool:
        """Give the credit of `batch` back; True when something can be done that could not be done before."""
        if batch.seek != self.seek:
            return False
        self._unreleased -= 1
        return self._unreleased == CREDIT - 1 or self._moved_at is not None

    @property
    def credit(self) -> int:
        """How many batches may be delivered beside those that are not released yet."""
        return CREDIT - self._unreleased

    def plan(self, now: float) -> Plan:
        """What to fetch now and when to look again."""
        due: list[TopicReader] = []
        later = self._moved_at + QUIET_S if self._moved_at is not None and not self._unreleased else None
        if self._unreleased < CREDIT and self._count < self._batch_records:
            for reader in self._topics.values():
                at = reader.fetch_at()
                if at is None:
                    continue
                if at <= now:
                    due.append(reader)
                elif later is None or at < later:
                    later = at
        return Plan(due, later)

    def next_batch(self, now: float) -> Batch | None:
        """The next batch, if there is one to deliver.

        A batch that is not full waits until the lane has none, and one without records a little longer: so the number
        of batches falls when the lane falls behind.  Raises LaneStopped when records cannot be decoded.
        """
        if self._unreleased >= CREDIT:
            return None
        sources = [reader for reader in self._topics.values() if reader.fetched is not None]
        if sources:
            self._fill(sources)
            if self._moved_at is None and self._positions() != self._before:
                self._moved_at = now
        if self._moved_at is None or not self._is_worth_it(now):
            return None
        return self._deliver()

    def _fill(self, sources: list[TopicReader]) -> None:
        """Take from each topic in proportion to what is left of it, so that all come to their ends together."""
        room = self._batch_records - self._count
        left = [max(1, reader.stable - reader.position) for reader in sources]
        if sum(left) > room:
            for reader, offsets in zip(sources, left, strict=True):
                self._take(reader, min(self._batch_records - self._count, room * offsets // sum(left)))
        for reader in sources:
            self._take(reader, self._batch_records - self._count)

    def _take(self, reader: TopicReader, count: int) -> None:
        records = self._records[reader.topic]
        had = len(records)
        reader.take(count, records)
        self._count += len(records) - had

    def _is_worth_it(self, now: float) -> bool:
        if self._count:
            return not self._unreleased or self._count >= self._batch_records
        return not self._unreleased and (
            self._is_quiet(now) or all(reader.finished for reader in self._topics.values())
        )

    def _is_quiet(self, now: float) -> bool:
        return self._moved_at is not None and now >= self._moved_at + QUIET_S

    def _deliver(self) -> Batch:
        after = self._positions()
        records = {topic: some for topic, some in self._records.items() if some}
        batch = Batch(self.lane, self.seek, self._before, after, records)
        self._before = after
        self._unreleased += 1
        self._clear()
        return batch

    def _positions(self) -> Positions:
        return {topic: reader.position for topic, reader in self._topics.items()}

    def _clear(self) -> None:
        self._records = {topic: [] for topic in self._topics}
        self._count = 0
        self._moved_at = None
