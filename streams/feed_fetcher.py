"""Sends fetches for whatever the lanes want and hands the replies back."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    KafkaError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.errors import LaneStopped, Unavailable
from streams.feed_reader import LaneReader, TopicReader
from streams.feed_records import name_of
from streams.feed_requests import fetch, leader
from streams.feed_seek import out_of_range
from streams.feed_wire import Slice

logger = logging.getLogger(__name__)

WAIT_S = 2.0  # how long the broker holds a fetch for which it has nothing
RETRY_S = 0.1
RETRY_MAX_S = 2.0


class Want(NamedTuple):
    """One topic of a lane to be fetched."""

    lane: LaneReader
    reader: TopicReader


class Fetcher:
    """Fetches for all lanes of a worker.

    Lanes that are due at the same time share a request.  A broker answers the requests of one connection one by one,
    so a request waits on a connection of its own while earlier ones wait for new records on theirs.
    """

    def __init__(
        self,
        client: AIOKafkaClient,
        *,
        partition_bytes: int,
        on_reply: Callable[[LaneReader], None],
        on_trouble: Callable[[LaneReader, LaneStopped | Unavailable], None],
    ) -> None:
        self._client = client
        self._partition_bytes = partition_bytes
        self._on_reply = on_reply
        self._on_trouble = on_trouble
        self._loop = asyncio.get_running_loop()
        self._busy: defaultdict[int, set[int]] = defaultdict(set)
        self._failures: defaultdict[int, int] = defaultdict(int)
        self._tasks: set[asyncio.Task[None]] = set()
        self.defect: asyncio.Future[None] = self._loop.create_future()
        """Ends with an exception when a fetch failed in a way that is not foreseen."""

    def send(self, wants: Iterable[Want]) -> None:
        """Start fetching; those of one node in one request."""
        nodes: defaultdict[int, list[Want]] = defaultdict(list)
        for want in sorted(wants, key=lambda want: not want.reader.hungry):
            node = leader(self._client, want.reader.partition)
            if node is None:
                want.reader.postpone(self._loop.time() + RETRY_S)
                self._on_reply(want.lane)
            else:
                want.reader.fetching = True
                nodes[node].append(want)
        for node, some in nodes.items():
            task = self._loop.create_task(self._fetch(node, some))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.defect.done():
            self.defect.set_exception(error)

    async def _fetch(self, node: int, wants: list[Want]) -> None:
        link = next(number for number in range(len(self._busy[node]) + 1) if number not in self._busy[node])
        self._busy[node].add(link)
        try:
            slices = await fetch(
                self._client,
                node,
                {want.reader.partition: want.reader.position for want in wants},
                wait_ms=self._wait_ms(),
                partition_bytes=self._partition_bytes,
                link=f"fetch-{link}",
            )
        except KafkaError as error:
            self._postpone(node, wants, error)
        else:
            self._failures[node] = 0
            await self._accept(wants, slices)
        finally:
            self._busy[node].discard(link)
            for want in wants:
                want.reader.fetching = False
        for lane in {want.lane for want in wants}:
            self._on_reply(lane)

    async def _accept(self, wants: list[Want], slices: Mapping[TopicPartition, Slice]) -> None:
        refused = []
        for want in wants:
            reply = slices.get(want.reader.partition)
            if reply is not None and reply.ok:
                want.reader.accept(reply, self._next_tick(want.lane.linger_s))
            else:
                refused.append((want, reply))
        for want, reply in refused:
            await self._refused(want, reply)

    async def _refused(self, want: Want, reply: Slice | None) -> None:
        """What an error code in a reply means for the lane."""
        name = name_of(want.reader.partition)
        if reply is not None and reply.error is OffsetOutOfRangeError:
            self._trouble(want, await out_of_range(self._client, want.reader))
        elif reply is not None and reply.error is UnknownTopicOrPartitionError:
            # It may be another topic of the same name when it is there again: let the lane seek and compare.
            self._trouble(want, Unavailable(f"{name} does not exist"))
        elif reply is not None and reply.error is TopicAuthorizationFailedError:
            self._trouble(want, LaneStopped(f"{name}: not allowed to read it. Grant READ to this user"))
        else:
            logger.info("fetch refused", extra={"partition": name, "error": reply and reply.error.__name__})
            want.reader.postpone(self._loop.time() + RETRY_S)
        self._client.force_metadata_update()

    def _trouble(self, want: Want, error: LaneStopped | Unavailable) -> None:
        if want.lane.reads(want.reader):
            self._on_trouble(want.lane, error)

    def _postpone(self, node: int, wants: list[Want], error: KafkaError) -> None:
        pause = min(RETRY_S * 2 ** min(self._failures[node], 8), RETRY_MAX_S)
        self._failures[node] += 1
        logger.warning("fetch failed", extra={"node": node, "error": repr(error), "retry_in_s": pause})
        for want in wants:
            want.reader.postpone(self._loop.time() + pause)

    def _wait_ms(self) -> int:
        """Fetches for which there is nothing end on a common beat, so that their lanes share the next request."""
        wait_s = WAIT_S - self._loop.time() % WAIT_S
        return round(1000 * (wait_s if wait_s > WAIT_S / 2 else wait_s + WAIT_S))

    def _next_tick(self, linger_s: float) -> float:
        """Lanes at their end are fetched on a common beat, so that they share requests."""
        now = self._loop.time()
        return now + linger_s - now % linger_s if linger_s else now
