"""Committed records out of the bytes of one fetch."""

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.memory_records import MemoryRecords

from streams.errors import LaneStopped
from streams.records import Record

_offset = attrgetter("offset")


def name_of(partition: TopicPartition) -> str:
    """A partition's name in messages."""
    return f"partition {partition.partition} of topic {partition.topic}"


class Fetched:
    """Records of one partition from `position` on, decoded when they are taken, as the C objects that aiokafka made.

    Records of aborted transactions and control records are passed over: they move the position only.
    """

    def __init__(
        self, partition: TopicPartition, data: bytes, aborted: Iterable[tuple[int, int]], position: int
    ) -> None:
        self._partition = partition
        self._batches = MemoryRecords(data)
        self._aborted = sorted(aborted, key=lambda transaction: transaction[1], reverse=True)
        self._aborting: set[int] = set()
        self.position = position
        self._ready: list[Record] = []
        self._index = 0
        self._end = position

    def next_at(self, until: int | None) -> int | None:
        """The timestamp of the next record below `until`; None when there is nothing more to take."""
        nothing: list[Record] = []
        return self._ready[self._index].timestamp if self.take(0, until, nothing) else None

    def take(self, count: int, until: int | None, records: list[Record]) -> bool:
        """Add at most `count` records below `until` to `records`; False once there is nothing more to take.

        Raises LaneStopped when the bytes are damaged.
        """
        while until is None or self.position < until:
            if self._index < len(self._ready):
                if not count:
                    return True
                count -= self._hand_out(count, until, records)
            elif not self._next_batch():
                break
        if until is not None:
            self.position = min(self.position, until)
        return False

    def _hand_out(self, count: int, until: int | None, records: list[Record]) -> int:
        """Add records that are ready, and go past the end of their batch with its last one."""
        ready, first = self._ready, self._index
        last = min(first + count, len(ready))
        if until is not None and self._end > until:
            last = bisect_left(ready, until, first, last, key=_offset)
        records += ready[first:last]
        self._index = last
        if last == len(ready):
            self.position = self._end
        else:
            self.position = ready[last].offset
        return last - first

    def _next_batch(self) -> bool:
        try:
            return self._decode_next()
        except Exception as error:
            raise LaneStopped(
                f"{name_of(self._partition)}: the records from offset {self.position} on cannot be decoded "
                f"({error!r}). Restart the worker; if that does not help, the log is damaged: restore the topic"
            ) from error

    def _decode_next(self) -> bool:
        while self._batches.has_next():
            batch = self._batches.next_batch()
            if not batch.validate_crc():
                raise KafkaError("wrong checksum")
            if self._is_hidden(batch) or batch.next_offset <= self.position:
                self.position = max(self.position, batch.next_offset)
                continue
            ready: list[Record] = list(batch)
            self._ready, self._end = ready, batch.next_offset
            self._index = bisect_left(ready, self.position, key=_offset)
            if self._index < len(ready):
                return True
            self.position = self._end
        return False

    def _is_hidden(self, batch: Any) -> bool:
        """True for control batches and for batches of an aborted transaction."""
        producer = batch.producer_id
        while self._aborted and self._aborted[-1][1] <= batch.base_offset:
            self._aborting.add(self._aborted.pop()[0])
        if batch.is_control_batch:
            if ControlRecord.parse(next(batch).key) == ABORT_MARKER:
                self._aborting.discard(producer)
            return True
        return bool(batch.is_transactional and producer in self._aborting)
