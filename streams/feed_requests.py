"""Fetch and offset requests over aiokafka's client, and what their replies say."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import LeaderNotAvailableError, for_code
from aiokafka.protocol.offset import OffsetRequest

from streams.feed_records import name_of
from streams.feed_wire import FetchRequest, Slice

EARLIEST, LATEST = -2, -1


@asynccontextmanager
async def connected(kafka: Mapping[str, Any], topics: Iterable[str]) -> AsyncIterator[AIOKafkaClient]:
    """A client with these settings that has asked for all topics at once.  Raises KafkaError and OSError."""
    client = AIOKafkaClient(**kafka)
    try:
        await client.bootstrap()
        await client.set_topics(topics)
        yield client
    finally:
        await client.close()


async def fetch(
    client: AIOKafkaClient,
    node: int,
    offsets: Mapping[TopicPartition, int],
    *,
    wait_ms: int,
    partition_bytes: int,
    link: str,
) -> dict[TopicPartition, Slice]:
    """Read committed records of several partitions that `node` leads; those named first are served first.

    `link` names the connection: a broker serves the requests of one connection one after the other.
    """
    topics: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for partition, offset in offsets.items():
        topics[partition.topic].append((partition.partition, offset))
    reply = await client.send(node, FetchRequest(topics, wait_ms, partition_bytes), group=link)
    slices: dict[TopicPartition, Slice] = reply.slices
    return slices


def leader(client: AIOKafkaClient, partition: TopicPartition) -> int | None:
    """The node that leads `partition`; None while it is not known, then the metadata are asked for anew."""
    node = client.cluster.leader_for_partition(partition)
    if node is None or node == -1:
        client.force_metadata_update()
        return None
    return int(node)


async def list_offsets(
    client: AIOKafkaClient, partitions: Iterable[TopicPartition], which: int, *, committed: bool = False
) -> dict[TopicPartition, int]:
    """The EARLIEST or LATEST offsets; LATEST and `committed` are the last stable ones.

    Raises KafkaError, also when only one partition has no answer.
    """
    nodes: defaultdict[int, defaultdict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for partition in partitions:
        node = leader(client, partition)
        if node is None:
            raise LeaderNotAvailableError(f"{name_of(partition)} has no leader")
        nodes[node][partition.topic].append((partition.partition, which))
    found: dict[TopicPartition, int] = {}
    for node, topics in nodes.items():
        reply = await client.send(node, OffsetRequest(-1, int(committed), list(topics.items())), group="offsets")
        for topic, answers in reply.topics:
            for number, code, _, offset in answers:
                if code:
                    client.force_metadata_update()
                    raise for_code(code)(f"{topic} {number}")
                found[TopicPartition(topic, number)] = offset
    return found
