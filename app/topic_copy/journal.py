"""How far a copy is, as the last record of a topic beside the target's; written with what it says in one transaction.

Not the offsets of a consumer group: Kafka forgets these when a group without members has been silent for a week.
"""

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from app.topic_copy.route import Route
from streams.errors import Misconfigured
from streams.publisher_marker import read_last

VERSION = 1

Places: TypeAlias = Mapping[TopicPartition, str]
"""The partitions of the source, topic by topic in their order, and their topics' logical names."""
KEY = b"copy"


class Journal(msgspec.Struct, frozen=True):
    """Who has copied what; a newer version is one that this code would misunderstand."""

    run: str  # the one that wrote this
    prefix: str  # of the source's topics
    offsets: dict[str, list[int]]  # the next one to be copied, by logical topic and partition
    records: dict[str, int]  # copied by all runs, by logical topic
    version: int = VERSION


def journal_of(
    run: str, route: Route, places: Places, positions: Mapping[TopicPartition, int], records: Mapping[str, int]
) -> Journal:
    """What is to be written when the copy is at these positions of the source."""
    offsets: dict[str, list[int]] = {}
    for place, name in places.items():
        offsets.setdefault(name, []).append(positions[place])
    return Journal(run, route.source.topic_prefix, offsets, dict(records))


def positions_of(journal: Journal | None, places: Places) -> dict[TopicPartition, int]:
    """Where the copy goes on; partitions that were added since are read from their beginning."""
    offsets = {} if journal is None else journal.offsets
    known = {name: dict(enumerate(of)) for name, of in offsets.items()}
    return {place: known.get(name, {}).get(place.partition, 0) for place, name in places.items()}


async def read_journal(client: AIOKafkaClient, route: Route, places: Places) -> Journal | None:
    """What was written last; None before the first run.

    Raises Misconfigured if it is not about this source, Unavailable when Kafka does not answer.
    """
    value = await read_last(client, route.journal_place)
    if value is None:
        return None
    try:
        journal = msgspec.json.decode(value, type=Journal)
    except msgspec.DecodeError as error:
        raise Misconfigured(f"{route.journal_place.topic} does not say how far the copy is: {error}") from error
    if journal.version > VERSION:
        raise Misconfigured("a newer Redcat has copied into this target: go on with that one")
    there = Counter(places.values())
    if journal.prefix != route.source.topic_prefix or any(len(of) > there[n] for n, of in journal.offsets.items()):
        raise Misconfigured(
            f"the target was filled from other topics, those with prefix {journal.prefix!r} and "
            f"{max(map(len, journal.offsets.values()))} partitions: copy into another one"
        )
    return journal
