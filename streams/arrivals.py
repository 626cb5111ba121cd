"""What a batch brought: facts by token, or metrics by note, and the records that go elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from streams.codec import decode_records
from streams.murmur2 import partitions_of
from streams.parking import comes_too_late, has_full, parked_code
from streams.records import Batch, Message, Record, Spans
from streams.topics import NOTE_METRIC, partition_of_lane

Content = TypeVar("Content")
"""What the records of a lane say: facts of journeys, or metrics of notes."""


class Aside(msgspec.Struct, frozen=True):
    """A record that is set aside as a dead letter: why, as a code and in words."""

    topic: str
    record: Record
    code: str
    message: str


class Misplaced(msgspec.Struct, frozen=True):
    """A valid record in a partition that is not its key's, and the one that is."""

    topic: str
    record: Record
    partition: int


class Arrivals(msgspec.Struct, Generic[Content]):
    """A batch, decoded."""

    by_key: dict[str, list[Content]]  # by token, or by note
    sources: list[tuple[str, list[Content], list[Record]]]  # per topic the facts and, aligned, their records
    aside: list[Aside]
    misplaced: list[Misplaced]
    consumed: dict[str, int]
    late: set[int] = set()  # in a replay the facts, by identity, whose journeys were full when they came first

    def records_of(self, facts: Sequence[Content]) -> Iterator[tuple[str, Record]]:
        """The records that these very facts came from, with their topics."""
        wanted = {id(fact) for fact in facts}
        for topic, known, records in self.sources:
            yield from ((topic, record) for fact, record in zip(known, records, strict=True) if id(fact) in wanted)


def arrivals(batch: Batch, partitions: int, parked: Spans | None = None) -> Arrivals[Any]:
    """Decode a batch.  `parked`, in a replay, names what is to be set aside untried and the full journeys."""
    arrived: Arrivals[Any] = Arrivals({}, [], [], [], {})
    for topic, records in batch.records.items():
        arrived.consumed[topic] = len(records)
        tried = _without_parked(arrived, topic, records, parked) if parked else records
        decoded = decode_records(topic, tried)
        arrived.sources.append((topic, decoded.facts, decoded.sources))
        if parked and has_full(parked):
            facts = zip(decoded.facts, decoded.sources, strict=True)
            arrived.late |= {id(fact) for fact, record in facts if comes_too_late(parked, topic, record)}
        arrived.aside += [Aside(topic, record, code, message) for record, code, message in decoded.invalid]
        sort = _sort_by_note if topic == NOTE_METRIC else _sort_by_token
        sort(decoded.facts, arrived.by_key)
    _set_misplaced_apart(arrived, partition_of_lane(batch.lane, partitions), partitions)
    return arrived


def _sort_by_token(facts: Iterable[Any], by_key: dict[str, list[Any]]) -> None:
    for fact in facts:
        known = by_key.get(fact.token)
        if known is None:
            by_key[fact.token] = [fact]
        else:
            known.append(fact)


def _sort_by_note(metrics: Iterable[Any], by_key: dict[str, list[Any]]) -> None:
    for metric in metrics:
        by_key.setdefault(metric.note_id, []).append(metric)


def _without_parked(arrived: Arrivals[Any], topic: str, records: Sequence[Record], parked: Spans) -> list[Record]:
    kept = []
    for record in records:
        code = parked_code(parked, topic, record.offset)
        if code is None:
            kept.append(record)
        else:
            arrived.aside.append(Aside(topic, record, code, "the core could not take it when it came"))
    return kept


def _set_misplaced_apart(arrived: Arrivals[Any], here: int, partitions: int) -> None:
    keys = list(arrived.by_key)
    right = partitions_of([key.encode() for key in keys], partitions)
    strays = {key: partition for key, partition in zip(keys, right, strict=True) if partition != here}
    for key, partition in strays.items():
        for topic, record in arrived.records_of(arrived.by_key.pop(key)):
            arrived.misplaced.append(Misplaced(topic, record, partition))


def dead_letter(aside: Aside, partition: int) -> Message:
    """The dead letter of a record: its value untouched, and in the headers why and where it stood."""
    record = aside.record
    headers = {
        "__dlq.error.code": aside.code,
        "__dlq.error.message": aside.message,
        "__dlq.original.topic": aside.topic,
        "__dlq.original.partition": str(partition),
        "__dlq.original.offset": str(record.offset),
        "__dlq.original.timestamp": str(record.timestamp),
    }
    encoded = [(name, text.encode(errors="replace")) for name, text in headers.items()]
    if record.key is not None:
        encoded.append(("__dlq.original.key", record.key))
    return Message("dead-letter", partition, record.timestamp, record.key, record.value, encoded)


def forward(misplaced: Misplaced) -> Message:
    """A misplaced record, to be produced to the partition of its key."""
    record = misplaced.record
    headers = list(getattr(record, "headers", ()))
    return Message(misplaced.topic, misplaced.partition, record.timestamp, record.key, record.value, headers)


def parkable(aside: Iterable[Aside]) -> Iterator[tuple[str, str, Record]]:
    """What was set aside, as `park` takes it."""
    return ((one.topic, one.code, one.record) for one in aside)
