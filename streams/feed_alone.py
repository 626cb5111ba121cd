"""A feed of all lanes for somebody who is in no consumer group and disturbs none."""

import asyncio
from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition

from streams.feed import KafkaFeed


class Alone:
    """In the place of a membership: every lane is ours."""

    has_joined = True
    waiting: tuple[str, ...] = ()

    async def confirm(self, lane: int) -> None:
        """Nobody has to agree."""

    async def commit(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> bool:  # noqa: ARG002  # nobody looks
        """Nothing is committed."""
        return False

    async def notes(self, partitions: Iterable[TopicPartition]) -> list[str]:  # noqa: ARG002  # there are none
        """Nobody has left any."""
        return []

    async def watch(self) -> None:
        """Nothing can fail; until cancelled."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nobody is to be told."""


class LoneFeed(KafkaFeed):
    """Reads whatever is sought, of any lane."""

    def _join(self) -> Alone:
        self._change_lanes(frozenset(self._places.lanes))
        return Alone()
