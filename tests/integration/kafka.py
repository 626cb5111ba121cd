"""What the tests of feed and publisher share: topics with records in them, and a feed whose batches are kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.feed import KafkaFeed
from streams.records import Batch, LastRecord, Positions, Record
from streams.topics import ANY_TIME

PARTITIONS = 2
TOPICS = ("click-out", "order")
PATIENCE_S = 20.0
AT_MS = 1_700_000_000_000


@asynccontextmanager
async def admin(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client."""
    client = AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def make_topics(address: str, names: Iterable[str], partitions: int = PARTITIONS) -> None:
    """Make topics and return when they have leaders.

    As Redcat's own they keep records of any date: half a minute after its start the server would drop those of AT_MS.
    """
    async with admin(address) as client:
        await client.create_topics([NewTopic(name, partitions, 1, topic_configs=ANY_TIME) for name in names])
        for name in names:
            while (await client.describe_topics([name]))[0]["error_code"]:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def producing(address: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A producer."""
    producer = AIOKafkaProducer(bootstrap_servers=address, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def produce(
    producer: AIOKafkaProducer,
    topic: str,
    lane: int,
    values: Iterable[str],
    *,
    batch_records: int = 100,
    every_ms: int | None = None,
) -> None:
    """Records with these values, in record batches of at most `batch_records`.

    With `every_ms` they are that far apart, from AT_MS on; without, they are of this moment.
    """
    left = [(value, None if every_ms is None else AT_MS + number * every_ms) for number, value in enumerate(values)]
    while left:
        batch = producer.create_batch()
        for value, at_ms in left[:batch_records]:
            batch.append(key=b"t", value=value.encode(), timestamp=at_ms)
        del left[:batch_records]
        await (await producer.send_batch(batch, topic, partition=lane))


async def read_decided(
    address: str, places: Sequence[TopicPartition], isolation_level: str = "read_committed"
) -> list[ConsumerRecord]:
    """All that these partitions hold now, as a reader sees it when every transaction there is decided.

    Kafka says that a transaction is committed a moment before its records are readable: an end as such a reader
    knows it could be too early.
    """
    async with AIOKafkaConsumer(bootstrap_servers=address) as any_reader:
        ends = await any_reader.end_offsets(places)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level=isolation_level, auto_offset_reset="earliest"
    )
    await consumer.start()
    records: list[ConsumerRecord] = []
    try:
        consumer.assign(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for some in (await consumer.getmany(timeout_ms=50)).values():
                records += some
    finally:
        await consumer.stop()
    return records


class Reading:
    """A feed that keeps what it is told; batches are released as `release` says."""

    def __init__(
        self,
        address: str,
        group: str,
        kinds: Sequence[Mapping[str, str]],
        *,
        release: Callable[[Batch], bool] = lambda _: True,
        partitions: int = PARTITIONS,
        **options: Any,
    ) -> None:
        self.batches: list[Batch] = []
        self.announced: list[set[int]] = []
        self.stopped: list[tuple[int, Exception]] = []
        self._release = release
        self._changed = asyncio.Condition()
        self.feed = KafkaFeed(
            {"bootstrap_servers": address},
            group,
            kinds,
            partitions,
            deliver=self._keep,
            on_lanes=lambda lanes: self._tell(self.announced, lanes),
            on_stopped=lambda lane, error: self._tell(self.stopped, (lane, error)),
            **{"linger_ms": [1] * len(kinds), **options},
        )
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.feed.start()
        self._running = asyncio.create_task(self.feed.run())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Leave the group; again is harmless."""
        if self._running is not None:
            await self.feed.stop()
            await self._running
            self._running = None

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds; it is looked at whenever something happens."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(condition)

    async def owns(self, *lanes: int) -> None:
        """Return when exactly these lanes are ours."""
        await self.until(lambda: self.announced[-1:] == [set(lanes)])

    async def seek(
        self,
        lane: int,
        positions: Positions | None = None,
        until: Positions | None = None,
        last: dict[str, LastRecord] | None = None,
    ) -> int:
        """Wait until the lane is ours, and seek."""
        await self.until(lambda: lane in self.feed.lanes)
        return await self.feed.seek(lane, positions or {}, until, last)

    async def stands_at(self, lane: int, positions: Positions) -> None:
        """Return when the lane's last batch ends there."""
        await self.until(lambda: [batch.after for batch in self.of(lane)[-1:]] == [positions])

    def has_more_than(self, seen: int) -> bool:
        """True when more than `seen` batches came, or a lane was stopped."""
        return len(self.batches) > seen or bool(self.stopped)

    def of(self, lane: int, seek: int | None = None) -> list[Batch]:
        """The batches of a lane, or of one seek only."""
        return [batch for batch in self.batches if batch.lane == lane and seek in (None, batch.seek)]

    def values(self, lane: int, topic: str, seek: int | None = None) -> list[str]:
        """The values of a topic in the order of delivery."""
        return [text(record) for batch in self.of(lane, seek) for record in batch.records.get(topic, ())]

    async def _keep(self, batch: Batch) -> None:
        await self._tell(self.batches, batch)
        if self._release(batch):
            self.feed.release(batch)

    async def _tell(self, heard: list[Any], news: object) -> None:
        async with self._changed:
            heard.append(news)
            self._changed.notify_all()


def text(record: Record) -> str:
    """A record's value."""
    return (record.value or b"").decode()


def numbered(count: int, first: int = 0) -> list[str]:
    """Values that tell where they belong."""
    return [str(number) for number in range(first, first + count)]


def is_chain(batches: Sequence[Batch]) -> bool:
    """True when each batch begins where the one before ended."""
    return all(batch.before == previous.after for previous, batch in pairwise(batches))
