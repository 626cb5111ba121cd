"""The result topic as its readers see it: committed records only, of which the greatest revision is the truth."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.connections import PATIENCE_S, kafka_options, until_answered
from app.settings import Settings
from app.topic_admin import require_topics
from streams.errors import Unavailable
from streams.topics import CONVERSION, physical

POLL_MS: Final = 200
POLL_RECORDS: Final = 2_000  # few enough that whatever shares the event loop hardly notices
FETCH_BYTES: Final = 4 * 1024 * 1024

Kept = TypeVar("Kept")


class _Identity(msgspec.Struct, gc=False):
    token: str
    result_id: str
    revision: int


_identity_of = msgspec.json.Decoder(_Identity).decode


class Results(Generic[Kept]):
    """What all results read so far amount to; they may be added in any order and more than once."""

    def __init__(self, keep: Callable[[bytes], Kept]) -> None:
        """`keep` makes of a record's value what is wanted of it."""
        self.records = 0
        self.latest: dict[str, Kept] = {}  # by identity: "TOKEN RESULT_ID"
        self.twice: list[tuple[str, int]] = []  # identity and revision of what came again
        self._keep = keep
        self._revisions: dict[str, int] = {}  # the greatest of each identity
        self._older: dict[str, set[int]] = {}  # the others of those few that have any

    def add(self, value: bytes) -> None:
        """Take one record's value."""
        found = _identity_of(value)
        identity, revision = f"{found.token} {found.result_id}", found.revision
        self.records += 1
        known = self._revisions.get(identity)
        if known is None or revision > known:
            if known is not None:
                self._older.setdefault(identity, set()).add(known)
            self._revisions[identity] = revision
            self.latest[identity] = self._keep(value)
        elif revision == known or revision in self._older.get(identity, ()):
            self.twice.append((identity, revision))
        else:
            self._older.setdefault(identity, set()).add(revision)


class ResultsReader:
    """Reads on from where it stopped last; made by `reading_results`."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions

    async def read_to_end(self, results: Results[Kept]) -> None:
        """Add everything that is committed by now; Unavailable if Kafka brings nothing for PATIENCE_S."""
        ends = await until_answered(self._ends, server="Kafka")
        clock = asyncio.get_running_loop().time
        seen, give_up = results.records, clock() + PATIENCE_S
        while not await self._reached(ends):
            await self._poll(results)
            if results.records > seen:
                seen, give_up = results.records, clock() + PATIENCE_S
            elif clock() > give_up:
                raise Unavailable(f"Kafka brought no results for {PATIENCE_S:.0f} s")

    async def follow(self, results: Results[Kept]) -> None:
        """Add what is there and what comes, until cancelled; the next call goes on where this one stopped."""
        while True:
            await self._poll(results)

    async def _poll(self, results: Results[Kept]) -> None:
        try:
            fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        except KafkaError as error:
            raise Unavailable(str(error)) from error
        for records in fetched.values():
            for record in records:
                results.add(record.value)

    async def _ends(self) -> dict[TopicPartition, int]:
        try:
            ends: dict[TopicPartition, int] = await self._consumer.end_offsets(self._partitions)
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(str(error)) from error
        return ends

    async def _reached(self, ends: dict[TopicPartition, int]) -> bool:
        return all([await self._consumer.position(partition) >= end for partition, end in ends.items()])


@asynccontextmanager
async def reading_results(settings: Settings) -> AsyncIterator[ResultsReader]:
    """A reader at the beginning of the result topic; Misconfigured if there is no such topic."""
    await require_topics(settings)
    consumer = AIOKafkaConsumer(
        **kafka_options(settings),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    topic = physical(settings.topic_prefix, CONVERSION)
    partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
    try:
        await until_answered(lambda: _start(consumer), server=f"Kafka at {settings.kafka}")
        consumer.assign(partitions)
        yield ResultsReader(consumer, partitions)
    finally:
        await consumer.stop()


async def _start(consumer: AIOKafkaConsumer) -> None:
    try:
        await consumer.start()
    except (KafkaError, OSError) as error:
        raise Unavailable(str(error)) from error
