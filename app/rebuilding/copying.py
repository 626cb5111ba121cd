"""The copy: a generation of its own, brought to the markers by silent replay."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from app.bootstrap import now_ms, publisher_of
from app.connections import kafka_options, until_answered
from app.redis_store.generations import Copy
from app.redis_store.link import Dial
from app.redis_store.store import RedisStore
from app.settings import Settings
from streams.errors import RedcatError
from streams.feed_alone import LoneFeed
from streams.owner import Surroundings
from streams.policy_book import PolicyBook
from streams.publisher import KafkaPublisher
from streams.rebuilding import CopiedLane
from streams.records import Batch, Marker
from streams.topics import lane_count, physical_kinds

AT_ONCE: Final = 4  # lanes: more would only share the same processor


class Copying:
    """Brings the lanes of a copy to their markers; made by `copying`."""

    def __init__(self, store: RedisStore, feed: LoneFeed, publisher: KafkaPublisher, around: Surroundings) -> None:
        self.lanes = [CopiedLane(number, around) for number in range(lane_count(around.partitions))]
        self.publisher = publisher
        self._store = store
        self._feed = feed
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def markers(self) -> dict[int, Marker]:
        """The last marker of each lane that has published."""
        found = await asyncio.gather(*(self.publisher.read_marker(lane.number) for lane in self.lanes))
        return {lane: marker for lane, marker in enumerate(found) if marker is not None}

    async def follow(self, copy: Copy) -> dict[int, Marker]:
        """Absorb everything that was published by now; returns up to which marker each lane did."""
        async with asyncio.TaskGroup() as tasks:
            followed = [tasks.create_task(self._follow(lane, copy)) for lane in self.lanes]
        markers = {lane: task.result() for lane, task in enumerate(followed)}
        return {lane: marker for lane, marker in markers.items() if marker is not None}

    async def retell(self, lane: int) -> None:
        """Let the next owner of a lane tell all its results again."""
        await until_answered(self.lanes[lane].retell, server=f"lane {lane} of the copy")
        await self._store.release(lane)

    async def _follow(self, lane: CopiedLane, copy: Copy) -> Marker | None:
        start = copy.start.get(lane.number, {})
        async with self._turns:
            marker = await until_answered(lambda: lane.follow(start), server=f"lane {lane.number}")
            await self._store.release(lane.number)
            return marker


@asynccontextmanager
async def copying(settings: Settings, dial: Dial, copy: Copy, book: PolicyBook) -> AsyncIterator[Copying]:
    """Connect to Kafka without joining the group, and read what the lanes of the copy ask for."""
    lanes: Mapping[int, CopiedLane] = {}

    async def deliver(batch: Batch) -> None:
        lanes[batch.lane].submit(batch)

    def fail(number: int, error: RedcatError) -> None:
        lanes[number].fail(error)

    feed = LoneFeed(
        kafka_options(settings),
        f"{settings.group}.rebuild",
        physical_kinds(settings.topic_prefix),
        settings.partitions,
        deliver=deliver,
        on_lanes=lambda _: None,
        on_stopped=fail,
    )
    publisher = publisher_of(settings)
    store = RedisStore(dial, settings.group, copy.shards, generation=copy.generation)
    around = Surroundings(store, publisher, feed, book, settings.partitions, now_ms, settings.kept)
    made = Copying(store, feed, publisher, around)
    lanes = {lane.number: lane for lane in made.lanes}
    kafka = f"Kafka at {settings.kafka}"
    await until_answered(publisher.start, server=kafka)
    try:
        await until_answered(feed.start, server=kafka)
        try:
            reading = asyncio.create_task(feed.run())
            try:
                yield made
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        finally:
            await feed.stop()
    finally:
        await publisher.stop()
        await store.close()
