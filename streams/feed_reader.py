"""What was fetched of one lane and not delivered yet, and when to fetch and to deliver.  No I/O, no clock."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

from streams.feed_records import Fetched
from streams.feed_wire import Slice
from streams.records import Batch, Positions, Record

CREDIT = 2
QUIET_S = 0.25
STRIDE = 50  # records that are taken of one topic before the others are looked at again
PATIENCE_S = 2.0  # how long the other topics wait for one of which more is on its way
CERTAIN = 4  # the part of its share of a batch that a topic has for certain, as a divisor


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
        self._asked = False

    @property
    def finished(self) -> bool:
        """True when nothing more of it may be delivered."""
        return self.until is not None and self.position >= self.until

    @property
    def is_behind(self) -> bool:
        """True when Kafka holds more that may be delivered, or was not asked yet, and is expected to hand it out."""
        return not self.finished and not self.hungry and (self.position < self.stable or not self._asked)

    def accept(self, reply: Slice, next_fetch: float) -> None:
        """Keep what a fetch brought; more is fetched at once if Kafka holds more, else at `next_fetch`."""
        self.stable = reply.stable
        self._asked = True
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

    def next_at(self) -> int | None:
        """The timestamp of the next record that was fetched; raises LaneStopped as `take` does."""
        at = None if self.fetched is None else self.fetched.next_at(self.until)
        if at is None and self.fetched is not None:
            self.position, self.fetched = self.fetched.position, None
        return at

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
        self._held_up_since: float | None = None  # by a topic of which more is on its way

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
        looks = []
        if self._moved_at is not None and not self._unreleased:
            looks.append(self._moved_at + QUIET_S)
        if self._unreleased < CREDIT and self._count < self._batch_records:
            for reader in self._topics.values():
                at = reader.fetch_at()
                if at is not None and at <= now:
                    due.append(reader)
                elif at is not None:
                    looks.append(at)
            if self._held_up_since is not None and (patient_until := self._held_up_since + PATIENCE_S) > now:
                looks.append(patient_until)
        return Plan(due, min(looks, default=None))

    def next_batch(self, now: float) -> Batch | None:
        """The next batch, if there is one to deliver.

        A batch that is not full waits until the lane has none, and one without records a little longer: so the number
        of batches falls when the lane falls behind.  Raises LaneStopped when records cannot be decoded.
        """
        if self._unreleased >= CREDIT:
            return None
        if any(reader.fetched is not None for reader in self._topics.values()):
            self._fill(now)
            if self._moved_at is None and self._positions() != self._before:
                self._moved_at = now
        if self._moved_at is None or not self._is_worth_it(now):
            return None
        return self._deliver()

    def _fill(self, now: float) -> None:
        """Take what came to Kafka first, whatever its topic, so that the facts of a journey meet in few batches.

        A topic of which more is on its way holds the others up, but not for long; and each has a part of the room for
        certain, so that one whose timestamps run ahead is not left behind.
        """
        readers = [reader for reader in self._topics.values() if not reader.finished]
        left = [max(0, reader.stable - reader.position) for reader in readers]
        begun = self._count > 0
        while self._count < self._batch_records:
            heads = [reader.next_at() for reader in readers]
            known = [(at, number) for number, at in enumerate(heads) if at is not None]
            if not known or self._held_up(readers, heads, now):
                break
            if not begun and self._batch_records < sum(left):
                for reader, offsets in zip(readers, left, strict=True):
                    self._take(reader, self._batch_records * offsets // sum(left) // CERTAIN)
            else:
                self._take(readers[min(known)[1]], min(STRIDE, self._batch_records - self._count))
            begun = True

    def _held_up(self, readers: Sequence[TopicReader], heads: Sequence[int | None], now: float) -> bool:
        """Whether to wait for a topic that has more in Kafka than was fetched."""
        if all(at is not None or not reader.is_behind for reader, at in zip(readers, heads, strict=True)):
            self._held_up_since = None
            return False
        if self._held_up_since is None:
            self._held_up_since = now
        return now < self._held_up_since + PATIENCE_S

    def _take(self, reader: TopicReader, count: int) -> None:
        records = self._records[reader.topic]
        had = len(records)
        reader.take(count, records)
        self._count += len(records) - had

    def _is_worth_it(self, now: float) -> bool:
        if self._count:
            enough = self._batch_records if self._held_up_since is None else self._batch_records // 2
            return not self._unreleased or self._count >= enough
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
        self._moved_at = self._held_up_since = None
