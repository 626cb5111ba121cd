"""Draining: waiting until all that was in the topics at some time is counted and its results are readable."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from app.bootstrap import publisher_of
from app.connections import kafka_options, until_answered
from app.reading import reading
from app.redis_store.reader import Reader
from app.settings import Settings
from streams.errors import Unavailable
from streams.feed_ends import end_offsets
from streams.publisher import KafkaPublisher
from streams.records import Positions
from streams.topics import physical_kinds

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.25


async def drained(settings: Settings) -> None:
    """Return when what is in the topics now is counted and its results are readable, whoever did it."""
    ends = await until_answered(
        lambda: end_offsets(kafka_options(settings), physical_kinds(settings.topic_prefix), settings.partitions),
        server=f"Kafka at {settings.kafka}",
    )
    publisher = publisher_of(settings)
    await until_answered(publisher.start, server=f"Kafka at {settings.kafka}")
    try:
        async with reading(settings) as reader:
            await reached(reader, publisher, ends)
    finally:
        await publisher.stop()


async def reached(reader: Reader, publisher: KafkaPublisher, ends: dict[int, Positions]) -> None:
    """Return when store and markers have reached `ends` (by lane), whoever brought them there.

    The marker counts as well: it is written in the transaction that makes the results readable.
    """
    waiting = {lane: positions for lane, positions in ends.items() if any(positions.values())}
    while waiting:
        try:
            for lane in await _arrived(reader, publisher, waiting):
                del waiting[lane]
        except Unavailable as error:
            log.info("cannot tell yet how far the lanes are", extra={"error": str(error)})
            with suppress(Unavailable):
                await reader.renew()
        if waiting:
            await asyncio.sleep(LOOK_EVERY_S)


async def _arrived(reader: Reader, publisher: KafkaPublisher, waiting: dict[int, Positions]) -> list[int]:
    arrived = []
    for overview in await reader.lanes():
        ends = waiting.get(overview.lane)
        if ends is not None and _past(overview.positions, ends):
            marker = await publisher.read_marker(overview.lane)
            if marker is not None and _past(marker.positions, ends):
                arrived.append(overview.lane)
    return arrived


def _past(positions: Positions, ends: Positions) -> bool:
    return all(positions.get(topic, 0) >= end for topic, end in ends.items())
