"""How far the lanes can be read now, asked without joining the group."""

from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streams.errors import Unavailable
from streams.feed_requests import LATEST, list_offsets
from streams.ports import Positions


async def end_offsets(kafka: Mapping[str, Any], topics: Mapping[str, str], partitions: int) -> dict[int, Positions]:
    """Per lane the last stable offsets; `topics` maps topics to their names in Kafka.  Raises Unavailable."""
    client = AIOKafkaClient(**kafka)
    places = {TopicPartition(name, lane): topic for topic, name in topics.items() for lane in range(partitions)}
    try:
        await client.bootstrap()
        await client.set_topics(topics.values())
        ends = await list_offsets(client, places, LATEST, committed=True)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"no end offsets: {error}") from error
    finally:
        await client.close()
    by_lane: dict[int, Positions] = {lane: {} for lane in range(partitions)}
    for place, topic in places.items():
        by_lane[place.partition][topic] = ends[place]
    return by_lane
