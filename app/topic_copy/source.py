"""Committed records of several partitions side by side: those of an earlier time first, each partition in its order."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple, cast

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from app.dead_letters.letters import HeadedRecord
from streams.errors import Misconfigured, Unavailable
from streams.feed_records import Fetched, name_of
from streams.feed_requests import fetch, leader
from streams.feed_wire import Slice
from streams.records import Record

PARTITION_BYTES: Final = 1024 * 1024  # of a fetch, as large as a record batch may be
HELD_BYTES: Final = 32 * 1024 * 1024  # that were fetched and not taken; beyond that no more are fetched
STRIDE: Final = 100  # records that are taken of one partition before the others are looked at again
OVERHEAD_BYTES: Final = 100  # of a record in memory
LINK: Final = "copy"


class Taken:
    """Records on their way, in order, and where they come from."""

    def __init__(self, most_records: int, most_bytes: int) -> None:
        self.records: list[tuple[TopicPartition, HeadedRecord]] = []
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._bytes = 0

    @property
    def full(self) -> bool:
        """True when they are enough for one transaction."""
        return len(self.records) >= self._most_records or self._bytes >= self._most_bytes

    def add(self, place: TopicPartition, records: list[HeadedRecord]) -> None:
        """Add records of one partition behind the others."""
        self.records += [(place, record) for record in records]
        for record in records:
            headed = sum(len(name) + len(value or b"") for name, value in record.headers)
            self._bytes += len(record.key or b"") + len(record.value or b"") + headed + OVERHEAD_BYTES


class _Held(NamedTuple):
    fetched: Fetched
    size: int


class Source:
    """Reads from `positions` on, up to `ends` or without end.  Remembers what it has handed out in `positions`."""

    def __init__(
        self,
        client: AIOKafkaClient,
        positions: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int] | None,
    ) -> None:
        self.positions = dict(positions)
        self._client = client
        self._ends = ends
        self._stable = dict.fromkeys(positions, 0)  # as the last reply said it
        self._held: dict[TopicPartition, _Held] = {}
        self._turns = dict.fromkeys(positions)  # who is asked for first

    @property
    def finished(self) -> bool:
        """True when everything up to the ends has been taken."""
        return self._ends is not None and not any(map(self._lacks, self.positions))

    async def fill(self, wait_ms: int) -> None:
        """Fetch of those partitions of which nothing is at hand; if that is all, wait for so long until there is any.

        Raises Unavailable, and Misconfigured when Kafka does not hold the next records any more.
        """
        if sum(held.size for held in self._held.values()) >= HELD_BYTES:
            return
        nodes: defaultdict[int, dict[TopicPartition, int]] = defaultdict(dict)
        for place in self._turns:
            if place not in self._held and self._lacks(place):
                node = leader(self._client, place)
                if node is None:
                    raise Unavailable(f"{name_of(place)} has no leader")
                nodes[node][place] = self.positions[place]
        if self._held:
            wait_ms = 0
        try:
            replies = await asyncio.gather(*(self._fetch(node, wanted, wait_ms) for node, wanted in nodes.items()))
        except (KafkaError, OSError) as error:
            self._client.force_metadata_update()
            raise Unavailable(f"Kafka does not hand out records: {error!r}") from error
        for slices in replies:
            for place, reply in slices.items():
                self._accept(place, reply)

    def take(self, taken: Taken) -> bool:
        """Take of what is at hand until it is enough, or something of a partition should be fetched; False if nothing.

        Raises LaneStopped when the bytes are damaged.
        """
        before = len(taken.records)
        waiting = [(at, *place) for place in list(self._held) if (at := self._next_at(place)) is not None]
        heapify(waiting)
        while waiting and not taken.full:
            _, *named = heappop(waiting)
            place = TopicPartition(*named)
            records: list[Record] = []
            self._held[place].fetched.take(STRIDE, self._end(place), records)
            taken.add(place, cast("list[HeadedRecord]", records))  # aiokafka's all have headers
            at = self._next_at(place)
            if at is not None:
                heappush(waiting, (at, *place))
            elif self._lacks(place) and self.positions[place] < self._stable[place]:
                break
        return len(taken.records) > before

    def _lacks(self, place: TopicPartition) -> bool:
        return self._ends is None or self.positions[place] < self._ends[place]

    def _end(self, place: TopicPartition) -> int | None:
        return None if self._ends is None else self._ends[place]

    def _next_at(self, place: TopicPartition) -> int | None:
        """The time of a partition's next record at hand; what has none is put away."""
        fetched = self._held[place].fetched
        at = fetched.next_at(self._end(place))
        self.positions[place] = fetched.position
        if at is None:
            del self._held[place]
        return at

    async def _fetch(
        self, node: int, wanted: Mapping[TopicPartition, int], wait_ms: int
    ) -> dict[TopicPartition, Slice]:
        return await fetch(
            self._client, node, wanted, wait_ms=wait_ms, partition_bytes=PARTITION_BYTES, link=f"{LINK}-fetch"
        )

    def _accept(self, place: TopicPartition, reply: Slice) -> None:
        if not reply.ok:
            if issubclass(reply.error, OffsetOutOfRangeError):
                raise Misconfigured(
                    f"{name_of(place)}: Kafka does not hold offset {self.positions[place]} any more, which was not "
                    "copied yet: restore the topic, or go on without what is gone by --from earliest"
                )
            self._client.force_metadata_update()
            raise Unavailable(f"{name_of(place)}: {reply.error.__name__}")
        self._stable[place] = reply.stable
        if reply.data:
            self._held[place] = _Held(Fetched(place, reply.data, reply.aborted, self.positions[place]), len(reply.data))
            # Replies are limited as a whole: those that got nothing this time are asked for first the next time.
            del self._turns[place]
            self._turns[place] = None
