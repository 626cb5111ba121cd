"""A topic copied with its offsets, and put back as it was: what a person restores from when a topic was deleted."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient

from app.connections import kafka_options
from app.settings import Settings
from streams.feed_records import name_of
from streams.feed_requests import LATEST, list_offsets
from streams.publisher_transaction import Transactions

POLL_S: Final = 0.01
DELETED_S: Final = 30.0


class Stretch(NamedTuple):
    """Records whose offsets follow each other, after a gap of so many offsets."""

    gap: int
    records: Sequence[Any]


class TopicBackup:
    """All records of one topic, those of aborted transactions included, so that every offset can be made again.

    Between them are the control records that end transactions.
    """

    def __init__(self, settings: Settings, topic: str) -> None:
        """`topic` is its name in Kafka."""
        self._settings = settings
        self._topic = topic
        self._places = [TopicPartition(topic, number) for number in range(settings.partitions)]
        self._records: dict[TopicPartition, list[Any]] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def take(self) -> set[str]:
        """Copy the topic; returns the partitions that hold anything, as TOPIC-PARTITION."""
        consumer = AIOKafkaConsumer(
            **kafka_options(self._settings), isolation_level="read_uncommitted", auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            consumer.assign(self._places)
            self._ends = await consumer.end_offsets(self._places)
            self._records = {place: [] for place in self._places}
            while any([await consumer.position(place) < end for place, end in self._ends.items()]):
                for place, found in (await consumer.getmany(timeout_ms=100)).items():
                    self._records[place] += [one for one in found if one.offset < self._ends[place]]
        finally:
            await consumer.stop()
        return {name_of(place) for place, end in self._ends.items() if end}

    async def delete(self) -> None:
        """Delete the topic; returns when Kafka knows it no more."""
        admin = AIOKafkaAdminClient(**kafka_options(self._settings))
        await admin.start()
        try:
            await admin.delete_topics([self._topic])
            async with asyncio.timeout(DELETED_S):
                while self._topic in await admin.list_topics():
                    await asyncio.sleep(POLL_S)
        finally:
            await admin.close()

    async def restore(self) -> None:
        """Put every record at its old offset of the topic, which must be empty, with its key, value and time."""
        producer = AIOKafkaProducer(**kafka_options(self._settings), linger_ms=0, max_request_size=4 * 1024 * 1024)
        client = AIOKafkaClient(**kafka_options(self._settings))
        await producer.start()
        try:
            await client.bootstrap()
            await client.set_topics([self._topic])
            await asyncio.gather(*(self._restore(place, producer, client) for place in self._places))
        finally:
            await client.close()
            await producer.stop()

    async def _restore(self, place: TopicPartition, producer: AIOKafkaProducer, client: AIOKafkaClient) -> None:
        gaps = Transactions(client, f"restore-{place.topic}-{place.partition}", timeout_ms=10_000, link="restore")
        await gaps.open()
        at = 0
        for gap, records in self._stretches(place):
            for _ in range(gap):
                await gaps.commit({place: []})
                at += 1
                # Kafka writes the control record a little after it has answered.
                while (await list_offsets(client, [place], LATEST))[place] < at:
                    await asyncio.sleep(POLL_S)
            at += len(records)
            sent = [
                await producer.send(
                    place.topic, one.value, one.key, place.partition, one.timestamp, list(one.headers)
                )
                for one in records
            ]  # fmt: skip
            await asyncio.gather(*sent)

    def _stretches(self, place: TopicPartition) -> Iterator[Stretch]:
        at = 0
        for _, numbered in groupby(enumerate(self._records[place]), lambda pair: pair[1].offset - pair[0]):
            records = [record for _, record in numbered]
            yield Stretch(records[0].offset - at, records)
            at = records[-1].offset + 1
        yield Stretch(self._ends[place] - at, [])
