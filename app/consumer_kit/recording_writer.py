"""The recorded topic into Kafka: transactions of two producers, committed ones between aborted ones."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code

from app.connections import PATIENCE_S, kafka_options, until_answered
from app.consumer_kit.conversions import reading
from app.consumer_kit.published import Record, Transaction
from app.consumer_kit.recording import Recording
from app.settings import Settings
from streams.errors import Misconfigured, Unavailable

Progress: TypeAlias = Callable[[int], None]
Records: TypeAlias = Sequence[Record]

CLOSING_S: Final = 5.0
POLL_S: Final = 0.05
SOURCE: Final = b"redcat-conformance"


async def write_recording(
    settings: Settings, topic: str, recording: Recording, *, seconds: float = 0.0, progress: Progress | None = None
) -> None:
    """Write a recording into a topic, which is made if it is missing, spread over so many seconds.

    Raises Misconfigured if the topic has had records before, or cannot be made.
    """
    await until_answered(lambda: _ensure_empty(settings, topic), server=f"Kafka at {settings.kafka}")
    pairs, written = list(_pairs(recording.transactions)), 0
    try:
        async with _producer(settings) as told, _producer(settings) as untold:
            for committed, aborted in pairs:
                async with asyncio.timeout(PATIENCE_S):
                    await _write(told, committed, untold, aborted, topic)
                written += len(committed) + len(aborted)
                if progress is not None:
                    progress(written)
                await asyncio.sleep(seconds / len(pairs))
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(f"Kafka stopped taking records after {written}: {error!r}") from error


def _pairs(transactions: Iterable[Transaction]) -> Iterator[tuple[Records, Records]]:
    """Each committed transaction with the aborted one before it, if there is one."""
    aborted: Records = ()
    for end, records in transactions:
        if end == "abort":
            aborted = [*aborted, *records]
        else:
            yield records, aborted
            aborted = ()
    yield (), aborted


async def _write(
    told: AIOKafkaProducer, committed: Records, untold: AIOKafkaProducer, aborted: Records, topic: str
) -> None:
    """One committed transaction within an aborted one, so that readers must tell the records of both apart."""
    await untold.begin_transaction()
    half = len(aborted) // 2
    await _send(untold, topic, aborted[:half])
    async with told.transaction():
        await _send(told, topic, committed)
    await _send(untold, topic, aborted[half:])
    await untold.abort_transaction()


async def _send(producer: AIOKafkaProducer, topic: str, records: Records) -> None:
    """Return when Kafka has them: an aborted transaction would leave out what is still on its way."""
    sending = [
        await producer.send(topic, record.value, key=record.token.encode(), headers=_headers(record))
        for record in records
    ]
    await asyncio.gather(*sending)


def _headers(record: Record) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0, binary mode."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [
        ("ce_specversion", b"1.0"),
        ("ce_source", SOURCE),
        ("ce_type", f"redcat.conversion.{record.kind}".encode()),
        ("ce_time", time.encode()),
        ("content-type", b"application/json"),
        ("ce_id", f"{record.result_id}@{record.revision}".encode()),
    ]


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**kafka_options(settings), transactional_id=f"redcat-conformance-{uuid4()}")
    try:
        await producer.start()
        yield producer
    finally:
        # By itself it would try for ever to send what it holds.
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                await producer.stop()


async def _ensure_empty(settings: Settings, topic: str) -> None:
    try:
        ends = await _ends(settings, topic)
        if ends is None:
            await _make(settings, topic)
            while (ends := await _ends(settings, topic)) is None:
                await asyncio.sleep(POLL_S)
    except (KafkaError, OSError) as error:
        raise Unavailable(str(error)) from error
    if any(ends.values()):
        raise Misconfigured(f"topic {topic} has or had records: name an empty one, or one that does not exist")


async def _ends(settings: Settings, topic: str) -> dict[int, int] | None:
    """The end of each partition; None if there is no such topic."""
    try:
        async with reading(topic, **kafka_options(settings)) as reader:
            return await reader.ends()
    except UnknownTopicOrPartitionError:
        return None


async def _make(settings: Settings, topic: str) -> None:
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        # -1: as many replicas as the broker is set to.
        made = await admin.create_topics([NewTopic(topic, settings.partitions, -1, replica_assignments={})])
        for _, code, message in made.topic_errors:
            error = for_code(code)
            if code and error.retriable:
                raise error(topic)
            if code:
                raise Misconfigured(f"Kafka refuses to make the topic {topic}: {message or error.__name__}")
    finally:
        await admin.close()
