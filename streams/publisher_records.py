"""Entries of the outbox to record batches as Kafka stores them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from streams.publisher_marker import encode_marker
from streams.records import Entry, Message, ResultRecord
from streams.topics import CONVERSION

BATCH_BYTES = 512 * 1024
LARGE_BYTES = 128 * 1024
MAGIC, UNCOMPRESSED, ZSTD = 2, 0, 4
NO_PRODUCER = -1  # set when the batch is sent

Headers = list[tuple[str, bytes]]


class RecordBatch:
    """One record batch in the making."""

    def __init__(self, compression: int) -> None:
        self.count = 0
        self._builder = DefaultRecordBatchBuilder(
            MAGIC, compression, 1, NO_PRODUCER, NO_PRODUCER, NO_PRODUCER, BATCH_BYTES
        )

    def append(self, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers) -> bool:
        """False when the batch is full; the first record always fits."""
        if self._builder.append(self.count, timestamp, key, value, headers) is None:
            return False
        self.count += 1
        return True

    def build(self, producer_id: int, epoch: int, sequence: int) -> bytes:
        """The batch as Kafka stores it."""
        self._builder.set_producer_state(producer_id, epoch, sequence)
        return bytes(self._builder.build())


class Outgoing:
    """All records of one transaction, by partition, compressed as told; large ones are in any case."""

    def __init__(self, compression: int = UNCOMPRESSED) -> None:
        self._compression = compression
        self.batches: dict[TopicPartition, list[RecordBatch]] = {}

    def append(
        self, partition: TopicPartition, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> None:
        """Add a record behind the others of its partition."""
        batches = self.batches.setdefault(partition, [])
        if batches and batches[-1].append(timestamp, key, value, headers):
            return
        # A dead letter may be as large as the batch that it came in, which was perhaps compressed.
        large = value is not None and len(value) > LARGE_BYTES
        batches.append(RecordBatch(ZSTD if large else self._compression))
        batches[-1].append(timestamp, key, value, headers)


class Outlet:
    """Where a lane's records go, and what they look like there."""

    def __init__(self, lane: int, *, names: Callable[[str], str], markers: TopicPartition, source: str) -> None:
        self._names = names
        self._results = TopicPartition(names(CONVERSION), markers.partition)
        self._markers = markers
        self._marker_key = f"lane-{lane}".encode()
        self._source = source.encode()

    def outgoing(self, entries: Sequence[Entry]) -> Outgoing:
        """Results and messages of all entries in order, and the last one's marker."""
        outgoing = Outgoing()
        for entry in entries:
            self._add_results(outgoing, entry.at_ms, entry.results)
            self._add_messages(outgoing, entry.messages)
        last = entries[-1]
        outgoing.append(self._markers, last.at_ms, self._marker_key, encode_marker(last.marker), [])
        return outgoing

    def _add_results(self, outgoing: Outgoing, at_ms: int, results: Sequence[ResultRecord]) -> None:
        heads: dict[str, Headers] = {}
        for result in results:
            head = heads.get(result.kind)
            if head is None:
                head = heads[result.kind] = self._head(result.kind, at_ms)
            headers = [*head, ("ce_id", result.event_id.encode())]
            outgoing.append(self._results, at_ms, result.key, result.value, headers)

    def _add_messages(self, outgoing: Outgoing, messages: Sequence[Message]) -> None:
        for topic, partition, timestamp, key, value, headers in messages:
            outgoing.append(TopicPartition(self._names(topic), partition), timestamp, key, value, headers)

    def _head(self, kind: str, at_ms: int) -> Headers:
        """CloudEvents 1.0, binary mode, without the id."""
        time = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        return [
            ("ce_specversion", b"1.0"),
            ("ce_source", self._source),
            ("ce_type", f"redcat.conversion.{kind}".encode()),
            ("ce_time", time.replace("+00:00", "Z").encode()),
            ("content-type", b"application/json"),
        ]
