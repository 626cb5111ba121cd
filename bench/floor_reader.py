"""A reader that only fetches records and decodes them; run as a process, prints what that costs as JSON.

`python -m bench.floor_reader plain` reads with aiokafka's consumer, `... feed` with Redcat's feed.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.connections import kafka_options
from app.settings import Settings
from streams.codec import FACT_TYPES
from streams.feed import KafkaFeed
from streams.records import Batch, Record
from streams.topics import physical_kinds

FETCH_BYTES: Final = 4 * 1024 * 1024
BATCH_RECORDS: Final = 2_000


class Decoding:
    """Decodes records as they come and keeps the time from the first call of `begin` to the last record."""

    def __init__(self, records: int) -> None:
        self.done = asyncio.Event()
        self.spent_s = 0.0
        self._began_s = 0.0
        self._left = records
        self._decoders: dict[str, Callable[[Any], object]] = {
            topic: msgspec.json.Decoder(kind).decode for topic, kind in FACT_TYPES.items()
        }

    def begin(self) -> None:
        """The reader is set up; garbage is left alone from now on, as a worker does but between batches."""
        gc.freeze()
        gc.disable()
        self._began_s = time.process_time()

    def take(self, topic: str, records: Iterable[Record]) -> None:
        """Decode records of a topic, invalid ones included."""
        decode, count = self._decoders[topic], 0
        for record in records:
            count += 1
            with suppress(msgspec.MsgspecError, TypeError):
                decode(record.value)
        self._left -= count
        if self._left <= 0:
            self.spent_s = time.process_time() - self._began_s
            self.done.set()


async def read_plain(settings: Settings) -> tuple[int, float]:
    """Everything with `getmany`; returns the records and the processor time in seconds."""
    async with _consumer(settings) as consumer:
        topics = _partitions(settings)
        records = sum((await consumer.end_offsets(list(topics))).values())
        consumer.assign(list(topics))
        decoding = Decoding(records)
        decoding.begin()
        while not decoding.done.is_set():
            fetched = await consumer.getmany(timeout_ms=1_000, max_records=BATCH_RECORDS)
            for partition, some in fetched.items():
                decoding.take(topics[partition], some)
    return records, decoding.spent_s


async def read_feed(settings: Settings) -> tuple[int, float]:
    """Everything with the feed, as a member of a group of its own; joining it is not counted."""
    async with _consumer(settings) as consumer:
        records = sum((await consumer.end_offsets(list(_partitions(settings)))).values())
    decoding = Decoding(records)

    async def deliver(batch: Batch) -> None:
        for topic, some in batch.records.items():
            decoding.take(topic, some)
        feed.release(batch)

    async def begin(lanes: set[int]) -> None:
        decoding.begin()
        for lane in lanes:
            await feed.seek(lane, {})

    def fail(_lane: int, error: Exception) -> None:
        raise error

    feed = KafkaFeed(
        kafka_options(settings),
        f"{settings.group}-floor",
        physical_kinds(settings.topic_prefix),
        partitions=settings.partitions,
        deliver=deliver,
        on_lanes=begin,
        on_stopped=fail,
    )
    await feed.start()
    running = asyncio.create_task(feed.run())
    await asyncio.wait([running, asyncio.create_task(decoding.done.wait())], return_when=asyncio.FIRST_COMPLETED)
    await feed.stop()
    running.cancel()
    return records, decoding.spent_s


def _consumer(settings: Settings) -> Any:
    return AIOKafkaConsumer(
        **kafka_options(settings),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
    )


def _partitions(settings: Settings) -> dict[TopicPartition, str]:
    return {
        TopicPartition(name, number): topic
        for topics in physical_kinds(settings.topic_prefix)
        for topic, name in topics.items()
        for number in range(settings.partitions)
    }


def main() -> None:
    """Measure with the settings of the environment."""
    read = {"plain": read_plain, "feed": read_feed}[sys.argv[1]]
    records, spent_s = asyncio.run(read(Settings.from_env(os.environ)))
    print(json.dumps({"us_per_event": spent_s / records * 1e6}))


if __name__ == "__main__":
    main()
