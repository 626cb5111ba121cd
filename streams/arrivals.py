"""What a batch brought: facts by token, or metrics by note, and the records that go elsewhere."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from streams.codec import decode_records
from streams.murmur2 import partitions_of
from streams.ports import Batch, Message, Record, Spans
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

    def records_of(self, facts: Sequence[Content]) -> Iterator[tuple[str, Record]]:
        """The records that these very facts came from, with their topics."""
        wanted = {id(fact) for fact in facts}
        for topic, known, records in self.sources:
            yield from ((topic, record) for fact, record in zip(known, records, strict=True) if id(fact) in wanted)


def arrivals(batch: Batch, partitions: int, parked: Spans | None = None) -> Arrivals[Any]:
    """Decode a batch.  `parked`, in a silent replay, names the records to set aside untried."""
    arrived: Arrivals[Any] = Arrivals({}, [], [], [], {})
    for topic, records in batch.records.items():
        arrived.consumed[topic] = len(records)
        tried = _without_parked(arrived, topic, records, parked) if parked else records
        decoded = decode_records(topic, tried)
        arrived.sources.append((topic, decoded.facts, decoded.sources))
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
    spans = {code: parked[f"{topic}:{code}"] for code in PARK_CODES if f"{topic}:{code}" in parked}
    for record in records:
        code = next((code for code, known in spans.items() if within(record.offset, known)), None)
        if code is None:
            kept.append(record)
        else:
            arrived.aside.append(Aside(topic, record, code, "parked before a replay"))
    return kept


PARK_CODES = ("internal", "token_overflow")


def within(offset: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether an offset lies in one of the ascending spans."""
    index = bisect_right(spans, offset, key=lambda span: span[0])
    return index > 0 and offset < spans[index - 1][1]


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


def parked_offsets(aside: Iterable[Aside]) -> dict[str, list[int]]:
    """The offsets of records that the core did not take, by topic and code."""
    parked: dict[str, list[int]] = {}
    for one in aside:
        if one.code in PARK_CODES:
            parked.setdefault(f"{one.topic}:{one.code}", []).append(one.record.offset)
    return parked


def add_spans(parked: Spans, aside: Mapping[str, Sequence[int]]) -> Spans:
    """`parked` with more offsets by topic and code; adjoining offsets become one span."""
    grown = dict(parked)
    for name, offsets in aside.items():
        spans: list[tuple[int, int]] = []
        for first, end in sorted([*parked.get(name, []), *((offset, offset + 1) for offset in offsets)]):
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((first, end))
        grown[name] = spans
    return grown
