"""What a lane reads from Kafka and publishes to it.

A *lane* is one partition number over topics that have the same key: a token lane reads all token topics, a metric
lane the note metrics.  `streams.topics` numbers them.  Topics are named here without the configured prefix.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

Positions: TypeAlias = dict[str, int]
"""Per topic the next offset to read; a topic that is absent stands at 0."""

Spans: TypeAlias = dict[str, list[tuple[int, int]]]
"""Offsets of some records by topic and code ("order:internal"), as ascending half-open spans (first, end)."""


class Tip(NamedTuple):
    """Where a lane stands: the nonce of its present owner and the number of its last commit."""

    nonce: str
    sequence: int


Restating: TypeAlias = Literal["", "changes", "all"]
"""Whether the journeys that a lane holds are being brought under policies that entered it: no; yes, and what changes is
published; yes, and every result is, because readers may have seen others."""


class Record(Protocol):
    """One record as Kafka holds it."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class Batch(NamedTuple):
    """Records of one lane, fetched together; what lies between `before` and `after` is all in `records`."""

    lane: int
    seek: int  # number of the seek after which it was fetched; only the lane's latest is current
    before: Positions
    after: Positions
    records: Mapping[str, Sequence[Record]]


class Message(NamedTuple):
    """A record to be produced that is not a result: a dead letter or a forwarded record."""

    topic: str
    partition: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class ResultRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A result to be produced: its key (the token), its CloudEvents id, its kind and its JSON."""

    key: bytes
    event_id: str
    kind: str
    value: bytes


class LastRecord(NamedTuple):
    """The last record that a lane consumed from a topic; tells a recreated topic from the one it was."""

    offset: int
    timestamp: int
    checksum: int  # CRC-32 of key and value

    @classmethod
    def of(cls, record: Record) -> "LastRecord":
        """What is remembered of a record."""
        return cls(record.offset, record.timestamp, zlib.crc32(record.value or b"", zlib.crc32(record.key or b"")))


NOTHING_READ: Final[dict[str, LastRecord]] = {}


class Marker(NamedTuple):
    """What a published entry covers; the last one in the marker topic says what readers have seen."""

    tip: Tip
    positions: Positions
    policies: list[int]  # versions in the order in which they entered the lane
    parked: Spans  # records parked or overflowed since the beginning
    restating: Restating = ""
    last_records: dict[str, LastRecord] = NOTHING_READ  # at these positions; of some topics it may not be known


class Entry(NamedTuple):
    """One commit's share of the outbox: what is to be published, and the marker that says so."""

    marker: Marker
    at_ms: int  # wall clock of the commit
    results: list[ResultRecord]
    messages: list[Message]
