"""Checks that Kafka still holds what a lane wants to read, and that it is what the lane has read before."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from streams.errors import LaneStopped, Unavailable
from streams.feed_reader import TopicReader
from streams.feed_records import Fetched, name_of
from streams.feed_requests import EARLIEST, LATEST, fetch, leader, list_offsets
from streams.feed_wire import Slice
from streams.records import LastRecord, Record

logger = logging.getLogger(__name__)

DEADLINE_S = 5.0
RETRY_S = 0.1
# What people can do when the log and the namespace do not fit together.
WAY_OUT = "Restore the topic, or rebuild the namespace"


async def open_topics(
    client: AIOKafkaClient, readers: Iterable[TopicReader], last: Mapping[str, LastRecord], *, partition_bytes: int
) -> None:
    """Fetch from each topic's position for the first time, with the record before it for comparison.

    Raises LaneStopped when Kafka does not hold a position or holds another record than `last` says, Unavailable when
    there was no answer for DEADLINE_S.
    """
    openings = [_Opening(reader, last.get(reader.topic)) for reader in readers]
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_S
    while openings:
        if loop.time() > deadline:
            raise openings[0].unfinished
        slices = await _ask(client, openings, partition_bytes)
        judged = {opening: opening.judge(slices.get(opening.reader.partition)) for opening in openings}
        for opening in openings:
            if opening.out_of_range:
                raise await out_of_range(client, opening.reader)
        openings = [opening for opening, done in judged.items() if not done]
        if any(not opening.at_once for opening in openings):
            await asyncio.sleep(RETRY_S)


async def out_of_range(client: AIOKafkaClient, reader: TopicReader) -> LaneStopped:
    """The error to raise for a position that Kafka does not hold."""
    here = name_of(reader.partition)
    try:
        first = (await list_offsets(client, [reader.partition], EARLIEST))[reader.partition]
        end = (await list_offsets(client, [reader.partition], LATEST))[reader.partition]
    except KafkaError:
        return LaneStopped(f"{here}: Kafka does not hold offset {reader.position}. {WAY_OUT}")
    if reader.position < first:
        lost = "the records before were deleted before they were read"
    else:
        lost = "the topic was cut off or recreated"
    return LaneStopped(
        f"{here}: the lane stands at offset {reader.position}, but Kafka holds {first} to {end}: {lost}. {WAY_OUT}"
    )


class _Opening:
    """One topic's part of a seek: first the record before the position, if it is known, then the position itself."""

    def __init__(self, reader: TopicReader, expected: LastRecord | None) -> None:
        self.reader = reader
        self.name = name_of(reader.partition)
        self._expected = expected if expected is not None and expected.offset < reader.position else None
        self.offset = self._expected.offset if self._expected else reader.position
        self.at_once = False  # there is something new to ask
        self.out_of_range = False
        self.unfinished = Unavailable(f"{self.name}: no answer from Kafka")  # to be raised when time is up

    def judge(self, reply: Slice | None) -> bool:
        """True when the topic can be read from its position; raises LaneStopped when it never can."""
        self.at_once = False
        if reply is not None and reply.error is OffsetOutOfRangeError:
            # The record before the position may have expired: then only the position itself must be there.
            self.out_of_range = self.offset == self.reader.position
            self._expected = None
            self._ask_for(self.reader.position)
        elif reply is None or not reply.ok:
            error = "no answer from Kafka" if reply is None else reply.error.__name__
            self.unfinished = Unavailable(f"{self.name}: {error}")
        elif reply.end < self.reader.position:
            self._judge_short(reply)
        elif self._expected is not None and self.offset != self._expected.offset:
            self._ask_for(self._expected.offset)
        elif self._expected is None or self._compare(reply, self._expected):
            self._open(reply)
            return True
        return False

    def _ask_for(self, offset: int) -> None:
        self.offset = offset
        self.at_once = True

    def _judge_short(self, reply: Slice) -> None:
        """Kafka ends before the position: a new leader that is not up to date yet, or it is out of range."""
        self.unfinished = Unavailable(f"{self.name}: Kafka ends at {reply.end}, the lane at {self.reader.position}")
        if self.offset < self.reader.position:
            self._ask_for(self.reader.position)
        elif self._expected is not None:
            self.offset = self._expected.offset

    def _compare(self, reply: Slice, expected: LastRecord) -> bool:
        found: list[Record] = []
        fetched = Fetched(self.reader.partition, reply.data, reply.aborted, expected.offset)
        fetched.take(2, self.reader.position, found)
        if found and LastRecord.of(found[0]) != expected:
            raise LaneStopped(
                f"{self.name}: the record at offset {expected.offset} is another one than the lane has read there: "
                f"the topic was recreated. {WAY_OUT}"
            )
        if found[1:]:
            raise LaneStopped(
                f"{self.name}: at offset {found[1].offset} is a record that was not there when the lane read on to "
                f"{self.reader.position}: the topic was cut off. {WAY_OUT}"
            )
        if not found and fetched.position >= self.reader.position:
            raise LaneStopped(
                f"{self.name}: the record at offset {expected.offset}, which the lane has read, is not there any more: "
                f"the topic was cut off or recreated. {WAY_OUT}"
            )
        self.unfinished = Unavailable(f"{self.name}: the record at offset {expected.offset} cannot be read now")
        return bool(found)

    def _open(self, reply: Slice) -> None:
        until = self.reader.until
        if until is not None and until > reply.end:
            raise LaneStopped(
                f"{self.name}: results were published up to offset {until}, but Kafka ends at {reply.end}: "
                f"the topic was cut off or recreated. {WAY_OUT}"
            )
        self.reader.accept(reply, 0.0)


async def _ask(client: AIOKafkaClient, openings: list[_Opening], partition_bytes: int) -> dict[TopicPartition, Slice]:
    """One fetch per node; what has no answer is missing."""
    nodes: defaultdict[int, dict[TopicPartition, int]] = defaultdict(dict)
    for opening in openings:
        node = leader(client, opening.reader.partition)
        if node is not None:
            nodes[node][opening.reader.partition] = opening.offset
    slices: dict[TopicPartition, Slice] = {}
    for node, offsets in nodes.items():
        try:
            slices |= await fetch(client, node, offsets, wait_ms=0, partition_bytes=partition_bytes, link="seek")
        except KafkaError:
            logger.info("no answer to a seek", extra={"node": node})
    if not all(opening.reader.partition in slices and slices[opening.reader.partition].ok for opening in openings):
        client.force_metadata_update()
    return slices
