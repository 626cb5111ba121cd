"""Records to be checked out of a topic: what is committed in it now."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from app.connections import kafka_options, until_answered
from app.dead_letters.reader import REQUEST_TIMEOUT_MS, Contents, KafkaTopics
from app.settings import Settings
from streams.errors import Misconfigured, Unavailable
from streams.feed_requests import EARLIEST, LATEST, list_offsets
from streams.topics import physical


class Opened(NamedTuple):
    """A topic's contents, and how many partitions it has."""

    contents: Contents
    partitions: int


@asynccontextmanager
async def opened_topic(settings: Settings, topic: str, *, last: int | None) -> AsyncIterator[Opened]:
    """What a topic holds now, or of each partition the records at its `last` offsets.

    Misconfigured if there is no such topic, Unavailable if Kafka does not answer.
    """
    name = physical(settings.topic_prefix, topic)
    client = AIOKafkaClient(**kafka_options(settings), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        places = await until_answered(lambda: _places(client, name), server=f"Kafka at {settings.kafka}")
        if not places:
            raise Misconfigured(f"no topic {name} in Kafka")
        firsts, ends = await until_answered(lambda: _bounds(client, places), server=f"Kafka at {settings.kafka}")
        if last is not None:
            firsts = {place: max(first, ends[place] - last) for place, first in firsts.items()}
        yield Opened(Contents(KafkaTopics(client, settings), firsts, ends), len(places))
    finally:
        await client.close()


async def _places(client: AIOKafkaClient, name: str) -> list[TopicPartition]:
    """The partitions of a topic, none if it does not exist; asking for it by name might create it."""
    try:
        await client.bootstrap()
        numbers = (await client.fetch_all_metadata()).partitions_for_topic(name)
        if numbers:
            await client.set_topics([name])
    except (KafkaError, OSError) as error:
        raise Unavailable(str(error) or type(error).__name__) from error
    return [TopicPartition(name, number) for number in sorted(numbers or ())]


async def _bounds(
    client: AIOKafkaClient, places: list[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """The first offsets and the last stable ones."""
    try:
        ends = await list_offsets(client, places, LATEST, committed=True)
        return await list_offsets(client, places, EARLIEST), ends
    except (KafkaError, OSError) as error:
        raise Unavailable(str(error) or type(error).__name__) from error
