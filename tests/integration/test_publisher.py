"""The publisher on a real Kafka: all of a transaction or nothing of it, by the newest producer of the lane only."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from app.local_stack.kafka_server import KafkaServer
from app.local_stack.server_process import free_port
from streams.errors import LaneStopped, Refused, Unavailable
from streams.publisher import KafkaPublisher
from streams.records import Entry, Marker, Message, Positions, ResultRecord, Tip
from streams.topics import CONVERSION, DEAD_LETTER, TOKEN_TOPICS
from tests.conftest import Namespace
from tests.integration.kafka import PARTITIONS, make_topics, producing, read_decided

AT_MS = 1_750_000_000_123


def entry(
    sequence: int, results: int = 1, *, messages: list[Message] | None = None, positions: Positions | None = None
) -> Entry:
    """A commit's share of the outbox, told from others by its sequence."""
    marker = Marker(Tip("nonce", sequence), positions or {"order": sequence}, [1], {"order:internal": [(3, 5)]})
    records = [
        ResultRecord(b"token", f"order:{number}@{sequence}", "order", f"{sequence}.{number}".encode())
        for number in range(results)
    ]
    return Entry(marker, AT_MS, records, messages or [])


class Kafka:
    """The test session's Kafka, with topics of this test and a publisher into them."""

    def __init__(self, server: KafkaServer, namespace: Namespace) -> None:
        self.address = server.address
        self.group = namespace.group
        self.prefix = namespace.prefix
        self.markers = self.name(f"{self.group}.lanes")

    def name(self, topic: str) -> str:
        """A topic's name in Kafka."""
        return self.prefix + topic

    def publisher(self) -> KafkaPublisher:
        """A publisher that is not started."""
        connection = {"bootstrap_servers": self.address}
        return KafkaPublisher(connection, self.group, names=self.name, partitions=PARTITIONS, source="redcat")

    def zombie(self, lane: int = 0) -> AIOKafkaProducer:
        """A producer with a lane's transactional id that is not started."""
        transactional_id = self.name(f"{self.group}.lane.{lane}")
        return AIOKafkaProducer(bootstrap_servers=self.address, transactional_id=transactional_id)

    async def read(self, topic: str, lane: int = 0) -> list[ConsumerRecord]:
        """All committed records of a partition."""
        return await read_decided(self.address, [TopicPartition(self.name(topic), lane)])


@pytest_asyncio.fixture
async def kafka(kafka_server: KafkaServer, namespace: Namespace) -> Kafka:
    """Kafka with empty topics of this test."""
    kafka = Kafka(kafka_server, namespace)
    await make_topics(kafka.address, [*map(kafka.name, (*TOKEN_TOPICS, CONVERSION, DEAD_LETTER)), kafka.markers])
    return kafka


@pytest_asyncio.fixture
async def publisher(kafka: Kafka) -> AsyncIterator[KafkaPublisher]:
    """A publisher into this test's topics."""
    publisher = kafka.publisher()
    await publisher.start()
    yield publisher
    await publisher.stop()


def values(records: list[ConsumerRecord]) -> list[bytes]:
    """The records' values."""
    return [record.value for record in records]


async def test_a_result_is_a_cloud_event_under_its_token(kafka: Kafka, publisher: KafkaPublisher) -> None:
    producer = await publisher.open(1)
    await producer.publish([entry(7)])

    (record,) = await kafka.read("conversion", lane=1)

    assert (record.key, record.value, record.timestamp) == (b"token", b"7.0", AT_MS)
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"order:0@7",
        "ce_source": b"redcat",
        "ce_type": b"redcat.conversion.order",
        "ce_time": b"2025-06-15T15:06:40.123Z",
        "content-type": b"application/json",
    }


async def test_messages_go_where_they_say_as_they_are(kafka: Kafka, publisher: KafkaPublisher) -> None:
    headers = [("__dlq.error.code", b"not_json"), ("__dlq.original.key", b"")]
    messages = [
        Message("dead-letter", 0, 1_600_000_000_000, None, b"{", headers),
        Message("order", 1, AT_MS, b"key", None, []),
    ]
    producer = await publisher.open(0)
    await producer.publish([entry(1, messages=messages)])

    (letter,) = await kafka.read("dead-letter", lane=0)
    (forward,) = await kafka.read("order", lane=1)

    assert (letter.key, letter.value, letter.timestamp) == (None, b"{", 1_600_000_000_000)
    assert list(letter.headers) == headers
    assert (forward.key, forward.value, forward.timestamp) == (b"key", None, AT_MS)


async def test_entries_go_out_in_order_and_the_last_one_says_so(kafka: Kafka, publisher: KafkaPublisher) -> None:
    producer = await publisher.open(0)
    assert await publisher.read_marker(0) is None

    await producer.publish([entry(1, 2), entry(2, 0), entry(3, 1)])
    assert await publisher.read_marker(0) == entry(3).marker
    await producer.publish([entry(4, 0)])

    assert values(await kafka.read("conversion")) == [b"1.0", b"1.1", b"3.0"]
    assert await publisher.read_marker(0) == entry(4).marker
    assert await publisher.read_marker(1) is None


async def test_more_than_a_record_batch_holds_goes_out_in_one_transaction(
    kafka: Kafka, publisher: KafkaPublisher
) -> None:
    long = entry(1, 0)._replace(
        results=[
            ResultRecord(b"t", f"entry:{number}@1", "entry", b"%d %s" % (number, b"x" * 600)) for number in range(3000)
        ]
    )
    producer = await publisher.open(0)
    await producer.publish([long])

    found = [int(value.split()[0]) for value in values(await kafka.read("conversion"))]
    assert found == list(range(3000))


async def test_a_dead_letter_may_be_larger_than_what_kafka_takes_uncompressed(
    kafka: Kafka, publisher: KafkaPublisher
) -> None:
    huge = os.urandom(1000) * 5000
    producer = await publisher.open(0)
    await producer.publish([entry(1, messages=[Message("dead-letter", 0, AT_MS, b"k", huge, [])])])

    assert values(await kafka.read("dead-letter")) == [huge]


async def test_a_newer_producer_fences_the_older(kafka: Kafka, publisher: KafkaPublisher) -> None:
    older = await publisher.open(0)
    await older.publish([entry(1)])
    newer = await publisher.open(0)

    with pytest.raises(Refused, match="a newer producer fenced this one"):
        await older.publish([entry(2)])
    with pytest.raises(Unavailable, match="open a new one"):
        await older.publish([entry(2)])
    await older.close()
    await newer.publish([entry(3)])

    assert values(await kafka.read("conversion")) == [b"1.0", b"3.0"]
    assert await publisher.read_marker(0) == entry(3).marker


async def test_lanes_and_groups_do_not_fence_each_other(kafka: Kafka, publisher: KafkaPublisher) -> None:
    producers = [await publisher.open(lane) for lane in range(PARTITIONS)]
    kafka.group += ".other"
    other = kafka.publisher()
    await other.start()
    await other.open(0)
    await other.stop()

    for lane, producer in enumerate(producers):
        await producer.publish([entry(1)])
        assert values(await kafka.read("conversion", lane)) == [b"1.0"]


async def test_opening_ends_the_open_transaction_of_a_zombie(kafka: Kafka, publisher: KafkaPublisher) -> None:
    before = await publisher.open(0)
    await before.publish([entry(1)])
    zombie = kafka.zombie()
    await zombie.start()
    try:
        await zombie.begin_transaction()
        for topic in (kafka.markers, kafka.name("conversion")):
            await zombie.send_and_wait(topic, b"never", partition=0)

        producer = await publisher.open(0)
        assert await publisher.read_marker(0) == entry(1).marker
        await producer.publish([entry(2)])

        assert values(await kafka.read("conversion")) == [b"1.0", b"2.0"]
    finally:
        await zombie.stop()


async def test_the_marker_is_found_behind_many_aborted_transactions(kafka: Kafka, publisher: KafkaPublisher) -> None:
    producer = await publisher.open(0)
    await producer.publish([entry(1)])
    async with producing(kafka.address, transactional_id=f"{kafka.group}.somebody") as other:
        for _ in range(40):
            await other.begin_transaction()
            await other.send_and_wait(kafka.markers, b"never", partition=0)
            await other.abort_transaction()

    assert await publisher.read_marker(0) == entry(1).marker


async def test_reading_the_marker_waits_for_an_open_transaction(kafka: Kafka, publisher: KafkaPublisher) -> None:
    producer = await publisher.open(0)
    await producer.publish([entry(1)])
    async with producing(kafka.address, transactional_id=f"{kafka.group}.somebody") as other:
        await other.begin_transaction()
        await other.send_and_wait(kafka.markers, b"never", partition=0)
        reading = asyncio.create_task(publisher.read_marker(0))
        assert await publisher.read_marker(1) is None
        assert not reading.done()
        await other.abort_transaction()

        assert await reading == entry(1).marker


async def test_a_marker_of_a_newer_version_stops_the_lane(kafka: Kafka, publisher: KafkaPublisher) -> None:
    for value, complaint in (
        (b'{"version":2,"nonce":"n","sequence":1,"positions":{},"policies":[],"parked":{}}', "a newer Redcat wrote it"),
        (b"nonsense", "cannot be read"),
    ):
        async with producing(kafka.address) as other:
            await other.send_and_wait(kafka.markers, value, partition=0)

        with pytest.raises(LaneStopped, match=complaint):
            await publisher.read_marker(0)


async def test_a_failed_transaction_leaves_nothing_and_spends_the_producer(
    kafka: Kafka, publisher: KafkaPublisher
) -> None:
    missing = entry(1, messages=[Message("no-such-topic", 0, AT_MS, None, b"", [])])
    refused = entry(1, messages=[Message("dead-letter", 0, AT_MS, None, os.urandom(2_000_000), [])])
    for bad in (missing, refused):
        producer = await publisher.open(0)
        for attempt in (bad, entry(2)):
            with pytest.raises(Unavailable):
                await producer.publish([attempt])
        await producer.close()
        assert await publisher.read_marker(0) is None

    assert await kafka.read("conversion") == []
    await (await publisher.open(0)).publish([entry(3)])
    assert values(await kafka.read("conversion")) == [b"3.0"]


async def test_a_cancelled_transaction_leaves_nothing_and_spends_the_producer(
    kafka: Kafka, publisher: KafkaPublisher
) -> None:
    producer = await publisher.open(0)
    task = asyncio.create_task(producer.publish([entry(1)]))
    while not producer._transactions._sequences:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(Unavailable, match="open a new one"):
        await producer.publish([entry(2)])
    await producer.close()

    assert await publisher.read_marker(0) is None
    assert await kafka.read("conversion") == []


async def test_each_result_is_read_once_whatever_the_transactions(kafka: Kafka, publisher: KafkaPublisher) -> None:
    async def publish(lane: int) -> None:
        for sequence in range(1, 30, 3):
            producer = await publisher.open(lane)
            await producer.publish([entry(sequence, 5), entry(sequence + 1, 0), entry(sequence + 2, 2)])

    await asyncio.gather(*map(publish, range(PARTITIONS)))

    for lane in range(PARTITIONS):
        seen = [(record.key, dict(record.headers)["ce_id"]) for record in await kafka.read("conversion", lane)]
        assert len(seen) == len(set(seen)) == 70


async def test_kafka_that_is_away_is_unavailable(kafka: Kafka) -> None:
    kafka.address = f"127.0.0.1:{free_port()}"

    with pytest.raises(Unavailable, match="does not answer"):
        await kafka.publisher().start()
