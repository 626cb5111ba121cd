"""How far the lanes can be read now, asked without joining the group."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from aiokafka.errors import KafkaError

from streams.errors import Unavailable
from streams.feed_places import Kinds, Places
from streams.feed_requests import LATEST, connected, list_offsets
from streams.records import Positions


async def end_offsets(kafka: Mapping[str, Any], kinds: Kinds, partitions: int) -> dict[int, Positions]:
    """Per lane the last stable offsets.  Raises Unavailable."""
    places = Places(kinds, partitions)
    try:
        async with connected(kafka, places.names) as client:
            ends = await list_offsets(client, chain(*places.lanes.values()), LATEST, committed=True)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"no end offsets: {error}") from error
    return {lane: {topic: ends[place] for place, topic in of.items()} for lane, of in places.lanes.items()}
