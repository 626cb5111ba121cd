"""Exact money per note out of Redcat's topic `conversion`: this one file is all that a consumer needs to copy.

It uses aiokafka, msgspec and the standard library, nothing else of Redcat.

A record says what a result amounts to now.  Later records of the same identity (`token`, `result_id`) replace it, and
the one with the greatest `revision` is the truth, whatever the order in which they come and however often.  So a
consumer remembers of each identity the revision and the money that it has booked, and books differences:

    state = SqliteState(database)
    async with reading("conversion", positions, bootstrap_servers="127.0.0.1:9092") as reader:
        async for batch in reader.batches():
            with transaction(database):  # yours: all of it or nothing
                for change in book(state, batch.values):
                    ...  # add change.gross_minor to the total of change.note_id in change.currency
                ...  # store batch.positions: where to go on after a crash

If state, totals and positions change in one transaction, the totals are exact through any crash.  Positions that fall
back do no harm: what comes again is not newer than what is known.  Only positions ahead of the totals would.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

POLL_MS = 200
BATCH_RECORDS = 2_000
FETCH_BYTES = 4 * 1024 * 1024


class Result(msgspec.Struct, frozen=True, gc=False):
    """What booking needs of a record; other fields are ignored, and null equals absent."""

    token: str
    result_id: str
    revision: int
    kind: str
    outcome: str
    note_id: str | None = None
    currency: str | None = None
    gross_minor: int | None = None
    refunded_minor: int | None = None


decode = msgspec.json.Decoder(Result).decode


class Money(NamedTuple):
    """What a credited order brings its note, in minor units of its currency (fen for CNY)."""

    note_id: str
    currency: str
    gross_minor: int
    refunded_minor: int


class Known(NamedTuple):
    """What was booked of an identity: its greatest revision so far, and the money (None: it brings none now)."""

    revision: int
    money: Money | None


class Change(NamedTuple):
    """What is to be added to a note's totals in one currency, and the record that is the reason."""

    note_id: str
    currency: str
    orders: int  # credited orders: 1, 0 or -1
    gross_minor: int
    refunded_minor: int
    token: str
    result_id: str
    revision: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refunded_minor


class State(Protocol):
    """What a consumer remembers; `book` calls it within the consumer's own transaction."""

    def get(self, token: str, result_id: str) -> Known | None: ...
    def put(self, token: str, result_id: str, known: Known) -> None: ...


class MemoryState:
    """A state that ends with the process, for consumers that read from the beginning each time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Known] = {}

    def get(self, token: str, result_id: str) -> Known | None:
        return self._known.get((token, result_id))

    def put(self, token: str, result_id: str, known: Known) -> None:
        self._known[token, result_id] = known


class SqliteState:
    """A state in the table `booked` of a database, made if it is missing; it begins and ends no transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(
            "CREATE TABLE IF NOT EXISTS booked (token TEXT, result_id TEXT, revision INTEGER NOT NULL, note_id TEXT,"
            " currency TEXT, gross_minor INTEGER, refunded_minor INTEGER, PRIMARY KEY (token, result_id))"
        )

    def get(self, token: str, result_id: str) -> Known | None:
        identity = "SELECT * FROM booked WHERE token = ? AND result_id = ?"
        row = self._database.execute(identity, (token, result_id)).fetchone()
        return None if row is None else Known(row[2], None if row[3] is None else Money(*row[3:]))

    def put(self, token: str, result_id: str, known: Known) -> None:
        row = (token, result_id, known.revision, *(known.money or (None, None, None, None)))
        self._database.execute("INSERT OR REPLACE INTO booked VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def book(state: State, values: Iterable[bytes]) -> list[Change]:
    """Take the values of records into the state; what that changes, in order.

    Raises ValueError at a record that is no result: stop then, a skipped record may be money.
    """
    changes: list[Change] = []
    for value in values:
        try:
            result = decode(value or b"")
        except ValueError as error:
            raise ValueError(f"{error}: {value!r}") from error
        if result.kind != "order":  # nothing else has money, nor will kinds that are yet to come
            continue
        known = state.get(result.token, result.result_id) or Known(-1, None)
        if result.revision > known.revision:
            money = money_of(result)
            changes += differences(known.money, money, result)
            state.put(result.token, result.result_id, Known(result.revision, money))
    return changes


def money_of(result: Result) -> Money | None:
    """The money of an order as it stands in this revision; only a credited one has any."""
    if result.outcome != "credited" or result.note_id is None or result.currency is None:
        return None
    return Money(result.note_id, result.currency, result.gross_minor or 0, result.refunded_minor or 0)


def differences(before: Money | None, after: Money | None, cause: Result) -> list[Change]:
    """What takes a note's totals from `before` to `after`; of a moved credit, one change for each of the two notes."""
    if before == after:
        return []
    if before and after and before[:2] == after[:2]:
        grown = (after.gross_minor - before.gross_minor, after.refunded_minor - before.refunded_minor)
        return [Change(*after[:2], 0, *grown, cause.token, cause.result_id, cause.revision)]
    taken = [(*before[:2], -1, -before.gross_minor, -before.refunded_minor)] if before else []
    given = [(*after[:2], 1, after.gross_minor, after.refunded_minor)] if after else []
    return [Change(*change, cause.token, cause.result_id, cause.revision) for change in (*taken, *given)]


class Batch(NamedTuple):
    """Records that were read together: their values, and by partition where to go on once these are booked."""

    values: list[bytes]
    positions: dict[int, int]


class Reader:
    """Reads partitions, each in order; made by `reading`.

    After an error open another one at the positions that you have stored: aiokafka may have passed over records.
    """

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions

    def seek(self, positions: Mapping[int, int]) -> None:
        """Go on at these offsets; partitions without one begin at 0."""
        for partition in self._partitions:
            self._consumer.seek(partition, positions.get(partition.partition, 0))

    async def batches(self, until: Mapping[int, int] | None = None, most: int = BATCH_RECORDS) -> AsyncIterator[Batch]:
        """Batches of at most so many records, as they become readable; for ever or up to these offsets."""
        while until is None or not await self.reached(until):
            batch = await self.poll(most)
            if batch.values:
                yield batch

    async def poll(self, most: int = BATCH_RECORDS) -> Batch:
        """The next batch, empty when nothing has come for a moment.

        Raises aiokafka's KafkaError; OffsetOutOfRangeError when Kafka does not hold the position, or not any more.
        """
        fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=most)
        values = [record.value for found in fetched.values() for record in found]
        return Batch(values, {place.partition: found[-1].offset + 1 for place, found in fetched.items()})

    async def reached(self, ends: Mapping[int, int]) -> bool:
        """Whether everything below these offsets was read; behind the last record there may be some of Kafka's own."""
        return all([await self._consumer.position(one) >= ends.get(one.partition, 0) for one in self._partitions])

    async def begins(self) -> dict[int, int]:
        """The oldest offset that Kafka holds, by partition."""
        return {one.partition: at for one, at in (await self._consumer.beginning_offsets(self._partitions)).items()}

    async def ends(self) -> dict[int, int]:
        """The offset behind the last readable record, by partition: that is before the first open transaction."""
        return {one.partition: at for one, at in (await self._consumer.end_offsets(self._partitions)).items()}


@asynccontextmanager
async def reading(
    topic: str, positions: Mapping[int, int] | None = None, *, partitions: Iterable[int] | None = None, **kafka: Any
) -> AsyncIterator[Reader]:
    """A reader at these offsets, of all partitions or of some; `kafka` are the connection settings of aiokafka.

    Raises aiokafka's KafkaError when Kafka does not answer, UnknownTopicOrPartitionError when it has no such topic.
    """
    consumer = AIOKafkaConsumer(
        **kafka,
        isolation_level="read_committed",  # what was aborted was never said
        auto_offset_reset="none",  # never jump in silence
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await consumer.start()
        places = await _places(consumer, topic, partitions)
        consumer.assign(places)
        reader = Reader(consumer, places)
        reader.seek(positions or {})
        yield reader
    finally:
        await consumer.stop()


async def _places(consumer: AIOKafkaConsumer, topic: str, wanted: Iterable[int] | None) -> list[TopicPartition]:
    if topic not in await consumer.topics():
        raise UnknownTopicOrPartitionError(topic)
    await consumer.end_offsets([TopicPartition(topic, 0)])  # makes the consumer ask for this topic's partitions
    known: set[int] = consumer.partitions_for_topic(topic)
    chosen = known if wanted is None else set(wanted)
    if chosen - known:
        raise UnknownTopicOrPartitionError(f"{topic} has the partitions {sorted(known)}")
    return [TopicPartition(topic, number) for number in sorted(chosen)]
