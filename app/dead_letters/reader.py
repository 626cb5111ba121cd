"""Dead letters out of Kafka: every committed record of a topic, from its beginning to where it ends now."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypeAlias, cast

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from app.connections import kafka_options, until_answered
from app.dead_letters.letters import HeadedRecord, Letter, letter_of
from app.dead_letters.selection import Selection
from app.settings import Settings
from app.topic_admin import require_topics
from streams.errors import Unavailable
from streams.feed_records import Fetched, name_of
from streams.feed_requests import EARLIEST, LATEST, fetch, leader, list_offsets
from streams.records import Record
from streams.topics import all_topics, physical

REQUEST_TIMEOUT_MS: Final = 10_000
PAGE_BYTES: Final = 4 * 1024 * 1024
LINK: Final = "letters"

Progress: TypeAlias = Callable[[int], None]


class Page(NamedTuple):
    """Some records of one partition, in order, and how many offsets of all partitions have been read."""

    partition: int
    records: Sequence[HeadedRecord]
    done: int


class Contents:
    """What a topic holds in committed records at one time."""

    def __init__(
        self, topics: "KafkaTopics", firsts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> None:
        self.total = sum(ends.values()) - sum(firsts.values())  # offsets
        self._topics = topics
        self.ends = ends
        self._firsts = firsts

    async def pages(self) -> AsyncIterator[Page]:
        """Everything, partition after partition; raises Unavailable."""
        done = 0
        for place, first in sorted(self._firsts.items()):
            start = first
            while start < self.ends[place]:
                after, records = await self._topics.read(place, start, self.ends[place])
                done += after - start
                start = after
                yield Page(place.partition, records, done)


class KafkaTopics:
    """Reads the topics of the settings; made by `kafka_topics`."""

    def __init__(self, client: AIOKafkaClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self.server = f"Kafka at {settings.kafka}"

    def physical(self, topic: str) -> str:
        """The name by which Kafka knows a topic."""
        return physical(self.settings.topic_prefix, topic)

    async def contents(self, topic: str) -> Contents:
        """What is committed in a topic now; raises Unavailable."""
        name = self.physical(topic)
        places = [TopicPartition(name, number) for number in range(self.settings.partitions)]
        return await until_answered(lambda: self._contents(places), server=self.server)

    async def read(self, place: TopicPartition, start: int, end: int) -> tuple[int, Sequence[HeadedRecord]]:
        """Where the next page begins, and the committed records up to there; raises Unavailable."""
        fetched = await until_answered(lambda: self._fetch(place, start), server=self.server)
        records: list[Record] = []
        fetched.take(sys.maxsize, end, records)
        if fetched.position == start:
            raise Unavailable(f"{name_of(place)}: nothing to read at offset {start}")
        return fetched.position, cast("Sequence[HeadedRecord]", records)  # aiokafka's all have headers

    async def _contents(self, places: list[TopicPartition]) -> Contents:
        try:
            ends = await list_offsets(self.client, places, LATEST, committed=True)
            return Contents(self, await list_offsets(self.client, places, EARLIEST), ends)
        except (KafkaError, OSError) as error:
            raise Unavailable(str(error) or type(error).__name__) from error

    async def _fetch(self, place: TopicPartition, start: int) -> Fetched:
        node = leader(self.client, place)
        if node is None:
            raise Unavailable(f"{name_of(place)} has no leader")
        try:
            wanted = {place: start}
            slices = await fetch(self.client, node, wanted, wait_ms=0, partition_bytes=PAGE_BYTES, link=LINK)
        except (KafkaError, OSError) as error:
            raise Unavailable(f"{name_of(place)}: {error!r}") from error
        reply = slices[place]
        if not reply.ok:
            self.client.force_metadata_update()
            raise Unavailable(f"{name_of(place)}, offset {start}: {reply.error.__name__}")
        return Fetched(place, reply.data, reply.aborted, start)


async def selected(letters: Contents, selection: Selection, progress: Progress) -> AsyncIterator[Letter]:
    """The letters that fit, by partition and offset."""
    async for page in letters.pages():
        for record in page.records:
            letter = letter_of(page.partition, record)
            if selection.fits(letter):
                yield letter
        progress(page.done)


@asynccontextmanager
async def kafka_topics(settings: Settings) -> AsyncIterator[KafkaTopics]:
    """The topics of the settings; Misconfigured if there are none, Unavailable if Kafka does not answer."""
    await require_topics(settings)
    client = await until_answered(lambda: _connected(settings), server=f"Kafka at {settings.kafka}")
    try:
        yield KafkaTopics(client, settings)
    finally:
        await client.close()


async def _connected(settings: Settings) -> AIOKafkaClient:
    client = AIOKafkaClient(**kafka_options(settings), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await client.bootstrap()
        await client.set_topics([physical(settings.topic_prefix, topic.name) for topic in all_topics(settings.group)])
    except (KafkaError, OSError) as error:
        await client.close()
        raise Unavailable(str(error) or type(error).__name__) from error
    return client
