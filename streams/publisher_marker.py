"""Markers in Kafka: their JSON, and the last committed one of a lane."""

import asyncio
import sys

import msgspec
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streams.errors import LaneStopped, Unavailable
from streams.feed_records import Fetched, name_of
from streams.feed_requests import EARLIEST, LATEST, fetch, leader, list_offsets
from streams.records import LastRecord, Marker, Positions, Record, Restating, Spans, Tip

VERSION = 1
FIRST_WINDOW = 16  # a marker is followed by its control record, and by those of aborted transactions
WINDOW_GROWTH = 8
DEADLINE_S = 5.0
RETRY_S = 0.02
PARTITION_BYTES = 1024 * 1024


class MarkerRecord(msgspec.Struct, frozen=True):
    """A marker as JSON; fields may be added, the version grows when an older reader would misunderstand it."""

    nonce: str
    sequence: int
    positions: Positions
    policies: list[int]
    parked: Spans
    restating: Restating = ""
    last_records: dict[str, LastRecord] = {}
    version: int = VERSION


def encode_marker(marker: Marker) -> bytes:
    """The value of a marker's record."""
    nonce, sequence = marker.tip
    record = MarkerRecord(
        nonce, sequence, marker.positions, marker.policies, marker.parked, marker.restating, marker.last_records
    )
    return msgspec.json.encode(record)


def decode_marker(value: bytes) -> Marker:
    """The marker in a record's value; raises LaneStopped when it is not one that this version understands."""
    try:
        record = msgspec.json.decode(value, type=MarkerRecord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LaneStopped(f"the lane's marker cannot be read: {error}") from error
    if record.version > VERSION:
        raise LaneStopped(
            f"the lane's marker is of version {record.version}: a newer Redcat wrote it, upgrade this one"
        )
    tip = Tip(record.nonce, record.sequence)
    return Marker(tip, record.positions, record.policies, record.parked, record.restating, record.last_records)


async def read_last(client: AIOKafkaClient, partition: TopicPartition) -> bytes | None:
    """The value of the partition's last committed record, found from its end.

    Waits for open transactions to end, at most DEADLINE_S.  Raises Unavailable when there is no answer.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_S
    while True:
        try:
            return await _look_back(client, partition)
        except KafkaError as error:
            if loop.time() > deadline:
                raise Unavailable(f"{name_of(partition)}: {error}") from error
        await asyncio.sleep(RETRY_S)


async def _look_back(client: AIOKafkaClient, partition: TopicPartition) -> bytes | None:
    end = (await list_offsets(client, [partition], LATEST))[partition]
    stable = (await list_offsets(client, [partition], LATEST, committed=True))[partition]
    if stable < end:
        raise KafkaError(f"a transaction is open at offset {stable}")
    first = (await list_offsets(client, [partition], EARLIEST))[partition]
    window = FIRST_WINDOW
    while end > first:
        start = max(first, end - window)
        found = await _last_between(client, partition, start, end)
        if found is not None:
            return found.value
        end, window = start, window * WINDOW_GROWTH
    return None


async def _last_between(client: AIOKafkaClient, partition: TopicPartition, start: int, end: int) -> Record | None:
    last: Record | None = None
    while start < end:
        records: list[Record] = []
        fetched = await _fetch(client, partition, start)
        fetched.take(sys.maxsize, end, records)
        if fetched.position == start:
            raise KafkaError(f"nothing to read at offset {start}")
        start = fetched.position
        last = records[-1] if records else last
    return last


async def _fetch(client: AIOKafkaClient, partition: TopicPartition, start: int) -> Fetched:
    node = leader(client, partition)
    if node is None:
        raise KafkaError("no leader")
    slices = await fetch(client, node, {partition: start}, wait_ms=0, partition_bytes=PARTITION_BYTES, link="marker")
    reply = slices[partition]
    if not reply.ok:
        client.force_metadata_update()
        raise reply.error(f"at offset {start}")
    return Fetched(partition, reply.data, reply.aborted, start)
