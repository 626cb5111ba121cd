"""What a lane needs from the outside, as small protocols, and the values that cross them.

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


class Clicks(NamedTuple):
    """The latest of all clicks that a lane has absorbed: a policy that starts later changes none of them."""

    latest_ms: int  # 0: there were none
    plausible_ms: int  # of those that were, when they came, at most an hour ahead of the wall clock


NO_CLICKS: Final = Clicks(0, 0)


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


class LaneState(NamedTuple):
    """What the store holds of a lane besides journeys and counters; the reply to an acquire."""

    tip: Tip
    positions: Positions
    policies: list[int]
    parked: Spans
    last_records: dict[str, LastRecord]
    published: Tip | None  # marker up to which the outbox was published and trimmed
    outbox: list[Entry]
    words: list[str]  # what the lane's journeys name by number, in the order of the numbers
    spent: int  # sum of |increment| over all counters the lane ever changed, so that none can overflow
    restating: Restating = ""
    clicks: Clicks = NO_CLICKS


class Journeys(NamedTuple):
    """Journeys to be stored that live equally long; with None they live for ever."""

    ttl_ms: int | None
    tokens: list[str]
    values: list[bytes]


class Bucket(NamedTuple):
    """Rows of counters that are stored and expire together: all time, an hour or a day."""

    span: str  # totals, hours or days
    hour: int  # or day, since 1970; 0 for totals
    expires_ms: int | None  # wall clock


Cell: TypeAlias = tuple[str, str | None, str, str, str, str, str]

When: TypeAlias = tuple[int | None, int, str]

Moments: TypeAlias = Mapping[Cell, Mapping[When, int]]
"""Changes in time by cell, as the core's tally adds them up: two minutes and the counter's name -> the change."""

NO_MOMENTS: Final[Moments] = {}

Moment: TypeAlias = tuple[Cell, int | None, int, str, int]
"""One of these changes: the cell, two minutes, the counter's name, the change."""

WHOLE: Final = 60
"""In the place of a minute: all of a bucket's time."""

RowChanges: TypeAlias = list[tuple[int, dict[str, int]]]
"""Changes of a row's counters, each in a minute of the hour, for which it counts as well, or in WHOLE alone."""

Series: TypeAlias = Mapping[Bucket, Mapping[str, RowChanges]]
"""Changes by bucket and row; only in hours there are minutes.  What rows are called is up to who counts."""


class Increments(NamedTuple):
    """Changes of whole-number counters.

    `cells` maps note id -> cell text -> counter name -> change, `ledger` maps a ledger line -> change; `moments` are
    the changes of cells once more, with their times.
    """

    cells: dict[str, dict[str, dict[str, int]]]
    ledger: dict[str, int]
    moments: Moments = NO_MOMENTS


class Orders(NamedTuple):
    """What changes in the index from orders to the tokens whose journeys hold them: pairs of order id and token."""

    ttl_ms: int
    new: list[tuple[str, str]]  # held from now on
    kept: list[tuple[str, str]]  # held before as well; both live as long from now
    gone: list[tuple[str, str]]


class Commit(NamedTuple):
    """Everything that one batch changes, applied by the store at once or not at all."""

    positions: Positions
    policies: list[int]
    parked: Spans
    last_records: dict[str, LastRecord]
    spent: int
    journeys: list[Journeys]
    words: list[str]  # to be appended to the lane's
    increments: Increments
    entry: Entry | None  # None in a silent replay
    trim: Tip | None  # as Store.trim: entries up to and including this one leave the outbox; None: nothing to trim
    published: Tip | None = None  # set the published tip to this one outright, after a replay; None: leave it
    orders: Orders | None = None
    fold: Series | None = None  # what all recent moments come to, those of this commit among them; they are then gone
    minutes_until: int | None = None  # minutes of hours before this one need not be kept; None: leave them all
    restating: Restating = ""
    clicks: Clicks = NO_CLICKS


class Store(Protocol):
    """Journeys, counters, outbox and positions of the lanes.

    Every method but `acquire` raises Refused when the lane stands at another tip than the given one,
    and Unavailable when no answer came; after Unavailable the effect is unknown.
    """

    async def acquire(self, lane: int, nonce: str) -> LaneState:
        """Make `nonce` the lane's owner, keep its sequence, and read its state, in one atomic step."""
        ...

    async def load(self, lane: int, tip: Tip, tokens: Sequence[str]) -> list[bytes | None]:
        """Read journeys, in the order of `tokens`; None where there is none."""
        ...

    async def tokens(self, lane: int, cursor: int) -> tuple[int, list[str]]:
        """A page of the tokens whose journeys are held, those of some other lanes among them, and where to go on.

        Cursor 0 begins, and says at the end that all pages were given.  What is held all the while is given at least
        once.  Does not look at the tip.
        """
        ...

    async def recent(self, lane: int, tip: Tip) -> list[Moment]:
        """The moments of commits since the last one that folded them into series, oldest first."""
        ...

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip:
        """Apply all of `commit` and return the new tip: same nonce, sequence + 1."""
        ...

    async def rolled_back(self, lane: int, tip: Tip, sequence: int, published: Tip | None) -> Tip:
        """Empty the outbox, raise the lane's sequence to at least `sequence`, set the published tip if given.

        Returns the new tip; a caller that wants it to be another one than before gives a greater sequence.
        """
        ...

    async def trim(self, lane: int, tip: Tip, published: Tip) -> None:
        """Drop the outbox entries up to and including the one of tip `published`; the tip stays as it is.

        An outbox without such an entry stays as it is, and so does its published tip.
        """
        ...

    async def probe(self, lane: int, tip: Tip) -> None:
        """Do nothing but compare the tip."""
        ...

    async def release(self, lane: int) -> None:
        """Give up what is held for a lane that is not ours any more, such as a connection."""
        ...


class Producer(Protocol):
    """One lane's transactional producer; making one fences every older one of the lane."""

    async def publish(self, entries: Sequence[Entry]) -> None:
        """Publish results and messages of `entries` in order, then the last one's marker, in one transaction.

        Raises Refused when fenced and Unavailable otherwise; then the outcome is unknown and the producer is spent.
        """
        ...

    async def close(self) -> None: ...


class Publisher(Protocol):
    """Kafka as the lanes write to it."""

    async def open(self, lane: int) -> Producer:
        """A new producer with the lane's transactional id; fences older ones and ends their open transactions."""
        ...

    async def read_marker(self, lane: int) -> Marker | None:
        """The last committed marker of the lane."""
        ...


class Feed(Protocol):
    """Kafka as the lanes read it."""

    async def confirm(self, lane: int) -> None:
        """Return after a heartbeat that the group accepted in the current generation while the lane is ours.

        Raises Refused when the lane is not ours.
        """
        ...

    async def seek(
        self,
        lane: int,
        positions: Positions,
        until: Positions | None = None,
        last: Mapping[str, LastRecord] | None = None,
    ) -> int:
        """Deliver the lane's records from `positions` on, each topic at most up to `until`; returns the seek number.

        Every batch fetched earlier is void.  Topics that are not the lane's here are not read: a worker that knows
        more may have left their positions.  Raises LaneStopped when `until` wants such a topic read on, when Kafka
        does not hold a position, or when the record at `last[topic].offset` is another one than `last` says.
        """
        ...

    def release(self, batch: Batch) -> None:
        """Say that `batch` is done with, so that another may be fetched."""
        ...
