"""Kafka in memory: logs with transactions, as brokers keep them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple


class Fenced(Exception):
    """A newer producer has the transactional id."""


class OutOfRange(Exception):
    """The log does not hold the offset."""


class Stored(NamedTuple):
    """A record as Kafka holds it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Content(NamedTuple):
    """A record before it has an offset."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Fate(Enum):
    """What became of a transaction."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Transaction:
    """Records that appear together or not at all."""

    def __init__(self) -> None:
        self.fate = Fate.OPEN
        self.logs: dict[tuple[str, int], Log] = {}  # that it has written to


class Log:
    """A partition: an offset holds a record or, as None, a control record."""

    def __init__(self) -> None:
        self.start = 0  # the first offset that retention has left
        self._entries: list[tuple[Stored | None, Transaction | None]] = []
        self._open: dict[Transaction, int] = {}  # first offset of each open transaction

    @property
    def end(self) -> int:
        """The next offset."""
        return len(self._entries)

    @property
    def stable(self) -> int:
        """The last stable offset: nothing of an open transaction lies before it."""
        return min(self._open.values()) if self._open else len(self._entries)

    def append(self, content: Content, transaction: Transaction | None = None) -> int:
        """Add a record; returns its offset."""
        offset = self.end
        if transaction is not None:
            self._open.setdefault(transaction, offset)
        self._entries.append((Stored(offset, *content), transaction))
        return offset

    def finish(self, transaction: Transaction) -> None:
        """Add the control record that ends a transaction."""
        self._open.pop(transaction, None)
        self._entries.append((None, transaction))

    def truncate(self, end: int) -> None:
        """Lose what lies from `end` on; transactions that began there have then written nothing."""
        del self._entries[end:]
        self._open = {transaction: first for transaction, first in self._open.items() if first < end}

    def committed(self, start: int, end: int | None = None) -> Iterator[Stored]:
        """The records from `start` up to `end` that a reader with read_committed sees."""
        for record, transaction in self._entries[start : self.stable if end is None else min(end, self.stable)]:
            if record is not None and (transaction is None or transaction.fate is Fate.COMMITTED):
                yield record

    def last(self) -> Stored | None:
        """The last record that a reader with read_committed sees, if nothing follows it that is not decided."""
        for record, transaction in reversed(self._entries[: self.stable]):
            if record is not None and (transaction is None or transaction.fate is Fate.COMMITTED):
                return record
        return None

    def at(self, offset: int) -> Stored | None:
        """The record at an offset, unless it is a control record, or is gone."""
        return self._entries[offset][0] if self.start <= offset < self.end else None

    def check(self, offset: int) -> None:
        """Raise OutOfRange unless the log can be read from `offset` on."""
        if not self.start <= offset <= self.end:
            raise OutOfRange(f"offset {offset} is not within {self.start} to {self.end}")


class Producing:
    """The newest producer of a transactional id."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.transaction: Transaction | None = None


class Kafka:
    """All topics of a cluster, and its transactional ids."""

    def __init__(self) -> None:
        self.logs: defaultdict[tuple[str, int], Log] = defaultdict(Log)
        self.heard: list[Callable[[str, int], None]] = []  # told of each partition that changes
        self.changes = 0
        self._producers: dict[str, Producing] = {}

    def append(self, topic: str, partition: int, contents: Iterable[Content]) -> list[int]:
        """Add records without a transaction; returns their offsets."""
        offsets = [self.logs[topic, partition].append(content) for content in contents]
        self._tell(topic, partition)
        return offsets

    def init(self, transactional_id: str) -> int:
        """Fence older producers of the id and abort what they had open; returns the new epoch."""
        known = self._producers.get(transactional_id)
        if known is not None and known.transaction is not None:
            self._finish(known, Fate.ABORTED)
        epoch = known.epoch + 1 if known is not None else 0
        self._producers[transactional_id] = Producing(epoch)
        return epoch

    def write(self, transactional_id: str, epoch: int, contents: Mapping[tuple[str, int], list[Content]]) -> None:
        """Add records to the producer's transaction; the first begin it."""
        producer = self._newest(transactional_id, epoch)
        if producer.transaction is None:
            producer.transaction = Transaction()
        for place, records in contents.items():
            producer.transaction.logs[place] = self.logs[place]
            for content in records:
                self.logs[place].append(content, producer.transaction)

    def end(self, transactional_id: str, epoch: int, *, commit: bool) -> bool:
        """Commit or abort the producer's transaction; False if it has none."""
        producer = self._newest(transactional_id, epoch)
        if producer.transaction is None:
            return False
        self._finish(producer, Fate.COMMITTED if commit else Fate.ABORTED)
        return True

    def recreate(self, topic: str, partition: int) -> None:
        """Delete a partition and make it again, empty."""
        self.logs[topic, partition] = Log()
        self._tell(topic, partition)

    def truncate(self, topic: str, partition: int, end: int) -> None:
        """Lose what lies in a partition from `end` on."""
        self.logs[topic, partition].truncate(end)
        self._tell(topic, partition)

    def _newest(self, transactional_id: str, epoch: int) -> Producing:
        producer = self._producers.get(transactional_id)
        if producer is None or producer.epoch != epoch:
            raise Fenced(f"{transactional_id}: epoch {epoch} is not the newest")
        return producer

    def _finish(self, producer: Producing, fate: Fate) -> None:
        transaction, producer.transaction = producer.transaction, None
        if transaction is None:
            return
        transaction.fate = fate
        for (topic, partition), log in transaction.logs.items():
            log.finish(transaction)
            self._tell(topic, partition)

    def _tell(self, topic: str, partition: int) -> None:
        self.changes += 1
        for listener in self.heard:
            listener(topic, partition)
