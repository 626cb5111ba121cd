"""What Kafka holds of the topics that are copied from and to, and whether a copy may begin."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from app.topic_copy.route import Route
from streams.errors import Misconfigured, Unavailable
from streams.feed_records import name_of
from streams.feed_requests import EARLIEST, LATEST, list_offsets

NAMED: Final = 5  # partitions in an error


class Extent(NamedTuple):
    """The offsets of a partition."""

    first: int
    stable: int  # a reader of committed records gets no further for now
    end: int


def places_of(client: AIOKafkaClient, route: Route) -> dict[TopicPartition, str]:
    """All partitions that the source's topics have, whatever the settings say, with their logical names.

    Somebody may have added some, which is how a namespace comes to need a copy.  Raises Unavailable.
    """
    places: dict[TopicPartition, str] = {}
    for logical, name in route.sources.items():
        numbers = client.cluster.partitions_for_topic(name)
        if not numbers:
            raise Unavailable(f"Kafka does not tell of the partitions of {name}")
        places |= {TopicPartition(name, number): logical for number in range(len(numbers))}
    return places


async def extents(client: AIOKafkaClient, places: Iterable[TopicPartition]) -> dict[TopicPartition, Extent]:
    """By partition; raises Unavailable."""
    some = list(places)
    try:
        firsts = await list_offsets(client, some, EARLIEST)
        stable = await list_offsets(client, some, LATEST, committed=True)
        ends = await list_offsets(client, some, LATEST)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka does not say where its topics begin and end: {error!r}") from error
    return {place: Extent(firsts[place], stable[place], ends[place]) for place in some}


def require_beginning(
    positions: Mapping[TopicPartition, int], found: Mapping[TopicPartition, Extent], *, from_earliest: bool
) -> dict[TopicPartition, int]:
    """The positions if Kafka holds what comes there, `from_earliest` else what it still holds.

    Raises Misconfigured.
    """
    shorter = [place for place, position in positions.items() if position > found[place].stable]
    if shorter:
        raise Misconfigured(
            f"{_named(shorter)}: more was copied than is there, so it was made anew; copy it into another target"
        )
    cut = [place for place, position in positions.items() if position < found[place].first]
    if cut and not from_earliest:
        raise Misconfigured(
            f"Kafka does not hold everything that is to be copied: {_named(cut)} begin later. What is gone would not "
            "be counted: restore the topics, or copy what is left by --from earliest"
        )
    return {place: max(position, found[place].first) for place, position in positions.items()}


def require_empty(found: Mapping[TopicPartition, Extent]) -> None:
    """Misconfigured if a target that no copy has begun to fill holds something."""
    used = [place for place, extent in found.items() if extent.first < extent.end]
    if used:
        raise Misconfigured(
            f"the target holds records that were not copied there: {_named(used)}. Choose another one, or say --force "
            "if both belong together"
        )


def require_kept(
    copied: Mapping[str, int], found: Mapping[TopicPartition, Extent], names: Mapping[TopicPartition, str]
) -> None:
    """Misconfigured if a topic of the target is empty into which records were copied."""
    held = {names[place] for place, extent in found.items() if extent.end}
    gone = sorted(name for name, count in copied.items() if count and name not in held)
    if gone:
        raise Misconfigured(
            f"records were copied into {', '.join(gone)} of the target and nothing is there: it was made anew. "
            "Choose another target"
        )


def _named(places: list[TopicPartition]) -> str:
    more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return ", ".join(map(name_of, places[:NAMED])) + more
