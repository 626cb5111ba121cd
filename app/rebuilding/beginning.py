"""Where a copy begins: at the beginning of every topic, unless somebody says otherwise."""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from app.connections import kafka_options
from app.settings import Settings
from streams.errors import Misconfigured, Unavailable
from streams.feed_places import Places
from streams.feed_requests import EARLIEST, LATEST, connected, list_offsets
from streams.records import Positions
from streams.topics import physical_kinds

NAMED: Final = 5  # partitions in an error


async def beginning(settings: Settings, since_ms: int | None) -> dict[int, Positions]:
    """By lane the offsets at which a copy begins; empty where that is the beginning of everything.

    `since_ms` is the earliest Kafka timestamp of records to be read; 0 is whatever Kafka still holds.  Misconfigured if
    it is None and Kafka does not hold the beginning.
    """
    places = Places(physical_kinds(settings.topic_prefix), settings.partitions)
    try:
        async with connected(kafka_options(settings), places.names) as client:
            first = await _offsets(client, places, EARLIEST)
            if since_ms is None:
                _require_all(places, first)
                return {}
            return _started(first, await _since(client, places, since_ms))
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka does not say where its topics begin: {error}") from error


async def _offsets(client: AIOKafkaClient, places: Places, which: int) -> dict[int, Positions]:
    flat = [place for lane in places.lanes.values() for place in lane]
    found = await list_offsets(client, flat, which, committed=which == LATEST)
    return {lane: {topic: found[place] for place, topic in of.items()} for lane, of in places.lanes.items()}


async def _since(client: AIOKafkaClient, places: Places, since_ms: int) -> dict[int, Positions]:
    """The first offsets that are not older; where all are older, the end."""
    ends, found = await _offsets(client, places, LATEST), await _offsets(client, places, since_ms)
    return {
        lane: {topic: ends[lane][topic] if offset < 0 else offset for topic, offset in of.items()}
        for lane, of in found.items()
    }


def _started(first: Mapping[int, Positions], since: Mapping[int, Positions]) -> dict[int, Positions]:
    starts = {
        lane: {topic: max(offset, since[lane][topic]) for topic, offset in of.items()} for lane, of in first.items()
    }
    return {lane: positions for lane, positions in starts.items() if any(positions.values())}


def _require_all(places: Places, first: Mapping[int, Positions]) -> None:
    cut: list[Any] = [
        (place.topic, place.partition, first[lane][topic])
        for lane, of in places.lanes.items()
        for place, topic in of.items()
        if first[lane][topic] > 0
    ]
    if cut:
        named = ", ".join(f"{topic} {partition} from offset {offset}" for topic, partition, offset in cut[:NAMED])
        more = f" and {len(cut) - NAMED} more" if len(cut) > NAMED else ""
        raise Misconfigured(
            f"Kafka does not hold the beginning any more ({named}{more}), and what is gone would not be counted: "
            "restore the topics, or say from when on to count with --from"
        )
