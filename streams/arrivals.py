"""What a batch brought: facts by token, and the records that go elsewhere."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from streams.codec import decode_records
from streams.core.facts import Fact
from streams.murmur2 import partitions_of
from streams.ports import Batch, Message, Record, Spans


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


class Arrivals(msgspec.Struct):
    """A batch, decoded."""

    by_token: dict[str, list[Fact]]
    sources: list[tuple[str, list[Fact], list[Record]]]  # per topic the facts and, aligned, their records
    aside: list[Aside]
    misplaced: list[Misplaced]
    consumed: dict[str, int]

    def records_of(self, facts: Sequence[Fact]) -> Iterator[tuple[str, Record]]:
        """The records that these very facts came from, with their topics."""
        wanted = {id(fact) for fact in facts}
        for topic, known, records in self.sources:
            yield from ((topic, record) for fact, record in zip(known, records, strict=True) if id(fact) in wanted)


def arrivals(batch: Batch, partitions: int, parked: Spans | None = None) -> Arrivals:
    """Decode a batch.  `parked`, in a silent replay, names the records to set aside untried."""
    arrived = Arrivals({}, [], [], [], {})
    for topic, records in batch.records.items():
        arrived.consumed[topic] = len(records)
        tried = _without_parked(arrived, topic, records, parked) if parked else records
        decoded = decode_records(topic, tried)
        arrived.sources.append((topic, decoded.facts, decoded.sources))
        arrived.aside += [Aside(topic, record, code, message) for record, code, message in decoded.invalid]
        by_token = arrived.by_token
        for fact in decoded.facts:
            facts = by_token.get(fact.token)
            if facts is None:
                by_token[fact.token] = [fact]
            else:
                facts.append(fact)
    _set_misplaced_apart(arrived, batch.lane, partitions)
    return arrived


def _without_parked(arrived: Arrivals, topic: str, records: Sequence[Record], parked: Spans) -> list[Record]:
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


def _set_misplaced_apart(arrived: Arrivals, lane: int, partitions: int) -> None:
    tokens = list(arrived.by_token)
    right = partitions_of([token.encode() for token in tokens], partitions)
    strays = {token: partition for token, partition in zip(tokens, right, strict=True) if partition != lane}
    for token, partition in strays.items():
        for topic, record in arrived.records_of(arrived.by_token.pop(token)):
            arrived.misplaced.append(Misplaced(topic, record, partition))


def dead_letter(aside: Aside, lane: int) -> Message:
    """The dead letter of a record: its value untouched, and in the headers why and where it stood."""
    record = aside.record
    headers = {
        "__dlq.error.code": aside.code,
        "__dlq.error.message": aside.message,
        "__dlq.original.topic": aside.topic,
        "__dlq.original.partition": str(lane),
        "__dlq.original.offset": str(record.offset),
        "__dlq.original.timestamp": str(record.timestamp),
    }
    encoded = [(name, text.encode(errors="replace")) for name, text in headers.items()]
    if record.key is not None:
        encoded.append(("__dlq.original.key", record.key))
    return Message("dead-letter", lane, record.timestamp, record.key, record.value, encoded)


def forward(misplaced: Misplaced) -> Message:
    """A misplaced record, to be produced to the partition of its key."""
    record = misplaced.record
    headers = list(getattr(record, "headers", ()))
    return Message(misplaced.topic, misplaced.partition, record.timestamp, record.key, record.value, headers)


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
