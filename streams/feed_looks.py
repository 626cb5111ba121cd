"""Looks at what Kafka holds for lanes, without reading on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streams.errors import Unavailable
from streams.feed_places import Places
from streams.feed_records import Fetched, name_of
from streams.feed_requests import LATEST, fetch, leader, list_offsets
from streams.records import Positions

LOOKED_AT_BYTES: Final = 64 * 1024  # of each partition, or one record batch if it is larger


class Looks:
    """Answers about any lanes, ours or not."""

    def __init__(self, client: AIOKafkaClient, places: Places) -> None:
        self._client = client
        self._places = places

    async def end_offsets(self, lanes: Iterable[int]) -> dict[int, Positions]:
        """Up to where lanes can be read now: the last stable offsets.  Raises Unavailable."""
        places = {lane: self._places.lanes[lane] for lane in lanes}
        try:
            ends = await list_offsets(self._client, chain.from_iterable(places.values()), LATEST, committed=True)
        except KafkaError as error:
            raise Unavailable(f"Kafka tells no end offsets: {error}") from error
        return {lane: {topic: ends[place] for place, topic in its.items()} for lane, its in places.items()}

    async def oldest_waiting_ms(self, lane: int, positions: Positions) -> int | None:
        """The earliest timestamp of the first committed records that wait, one of each topic; None: none waits.

        A record that stands behind much that was aborted is not found.  Raises Unavailable, and LaneStopped when the
        log is damaged.
        """
        places = {place: positions.get(topic, 0) for place, topic in self._places.lanes[lane].items()}
        try:
            return min(await self._timestamps(places), default=None)
        except KafkaError as error:
            raise Unavailable(f"lane {lane}: the records that wait cannot be looked at: {error}") from error

    async def _timestamps(self, places: Mapping[TopicPartition, int]) -> list[int]:
        nodes: defaultdict[int, dict[TopicPartition, int]] = defaultdict(dict)
        for place, position in places.items():
            node = leader(self._client, place)
            if node is None:
                raise KafkaError(f"{name_of(place)} has no leader")
            nodes[node][place] = position
        found = []
        for node, some in nodes.items():
            slices = await fetch(self._client, node, some, wait_ms=0, partition_bytes=LOOKED_AT_BYTES, link="look")
            for place, reply in slices.items():
                fetched = Fetched(place, reply.data, reply.aborted, some[place])
                if reply.ok and (timestamp := fetched.next_at(None)) is not None:
                    found.append(timestamp)
        return found
