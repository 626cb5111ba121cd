"""The feed: Kafka's records to the lanes' batches, each lane as one sequence."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streams.errors import LaneStopped, Misconfigured, Refused, Unavailable
from streams.feed_fetcher import Fetcher, Want
from streams.feed_group import Group
from streams.feed_looks import Looks
from streams.feed_places import Kinds, Places
from streams.feed_reader import LaneReader, TopicReader
from streams.feed_seek import open_topics
from streams.records import Batch, LastRecord, Positions

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT_MS = 15_000
# By kind of lane.  Nobody waits for a note's figures by the blink of an eye, and many small commits are dear.
LINGER_MS = (20, 200)


class Membership(Protocol):
    """What says which lanes are ours."""

    @property
    def has_joined(self) -> bool: ...

    @property
    def waiting(self) -> tuple[str, ...]: ...

    async def confirm(self, lane: int) -> None: ...

    async def commit(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> bool: ...

    async def notes(self, partitions: Iterable[TopicPartition]) -> list[str]: ...

    async def watch(self) -> None: ...

    async def close(self) -> None: ...


class KafkaFeed:
    """Reads the lanes that the consumer group assigns to this worker.

    `kafka` are aiokafka's connection settings, `kinds` and `partitions` say what the lanes are.  Called from `run`:
    `deliver` with each batch, `on_lanes` with all lanes that are the worker's whenever that changes (a lane that was
    lost and came back is announced as both), `on_stopped` when a lane cannot be read on: it is read again after the
    next seek.  A lane at its end is fetched once in the `linger_ms` of its kind at most, the first record after a
    silence at once.
    """

    def __init__(  # noqa: PLR0913  # each is known to the caller only
        self,
        kafka: Mapping[str, Any],
        group: str,
        kinds: Kinds,
        partitions: int,
        *,
        deliver: Callable[[Batch], Awaitable[None]],
        on_lanes: Callable[[set[int]], Awaitable[None] | None],
        on_stopped: Callable[[int, LaneStopped | Unavailable], Awaitable[None] | None],
        batch_records: int = 4000,
        linger_ms: Sequence[int] = LINGER_MS,
        session_timeout_ms: int = 8000,
        partition_bytes: int = 1024 * 1024,
    ) -> None:
        self._kafka = kafka
        self._group_name = group
        self._places = Places(kinds, partitions)
        self._deliver = deliver
        self._on_lanes = on_lanes
        self._on_stopped = on_stopped
        self._batch_records = batch_records
        self._linger_ms = linger_ms
        self._session_timeout_ms = session_timeout_ms
        self._partition_bytes = partition_bytes
        self._readers: dict[int, LaneReader] = {}
        self._seeks = count(1)
        self._due: dict[LaneReader, None] = {}  # lanes to look at, in the order in which something happened
        self._timers: dict[LaneReader, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._news: asyncio.Queue[Callable[[], Awaitable[None] | None]] = asyncio.Queue()
        self._stopping = False
        self._parts = AsyncExitStack()  # what is to be closed

    @property
    def lanes(self) -> frozenset[int]:
        """The lanes that are this worker's, with all their topics."""
        return frozenset(self._readers)

    async def start(self) -> None:
        """Connect and join the group.

        Raises Unavailable when Kafka does not answer, then it may be called again, and Misconfigured when a topic is
        missing or has another number of partitions.
        """
        async with AsyncExitStack() as parts:
            self._client = AIOKafkaClient(**self._kafka, request_timeout_ms=REQUEST_TIMEOUT_MS)
            parts.push_async_callback(self._client.close)
            try:
                await self._client.bootstrap()
                answered = await self._client.set_topics(self._places.names)
            except KafkaError as error:
                raise Unavailable(f"Kafka at {self._kafka['bootstrap_servers']} does not answer: {error}") from error
            if not answered:
                # Kafka has gone just now: what is not known of topics does not mean that there are none.
                raise Unavailable(f"Kafka at {self._kafka['bootstrap_servers']} does not tell of its topics")
            self._check_partitions()
            self.looks = Looks(self._client, self._places)
            self._group = self._join()
            parts.push_async_callback(self._group.close)
            self._fetcher = Fetcher(
                self._client,
                partition_bytes=self._partition_bytes,
                on_reply=self._look_at,
                on_trouble=self._report,
            )
            parts.push_async_callback(self._fetcher.close)
            self._parts = parts.pop_all()

    async def run(self) -> None:
        """Deliver until `stop`; Kafka may go away and come back meanwhile."""
        tasks = [asyncio.create_task(part()) for part in (self._read, self._tell, self._group.watch)]
        ends: list[asyncio.Future[None]] = [*tasks, self._fetcher.defect]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for end in done:
            end.result()

    async def stop(self) -> None:
        """Deliver nothing more and leave the group."""
        self._stopping = True
        self._wake.set()
        for timer in self._timers.values():
            timer.cancel()
        await self._parts.aclose()

    async def confirm(self, lane: int) -> None:
        """See Feed; waits for a rebalance to end, Unavailable when Kafka does not answer."""
        await self._group.confirm(lane)

    async def seek(
        self,
        lane: int,
        positions: Positions,
        until: Positions | None = None,
        last: Mapping[str, LastRecord] | None = None,
    ) -> int:
        """See Feed; Refused when the lane is not ours, Unavailable when Kafka does not answer.

        Batches name every topic of the lane in `before` and `after`, also those that stand at 0.
        """
        reader = self._readers.get(lane)
        if reader is None:
            raise Refused(f"lane {lane} is not this worker's")
        number = next(self._seeks)
        reader.void(number)
        self._places.require_topics(lane, positions, until or {})
        topics = [
            TopicReader(topic, place, positions.get(topic, 0), None if until is None else until.get(topic, 0))
            for place, topic in self._places.lanes[lane].items()
        ]
        await open_topics(self._client, topics, last or {}, partition_bytes=self._partition_bytes)
        if self._readers.get(lane) is not reader or reader.seek != number:
            raise Refused(f"lane {lane} was lost or sought again")
        reader.restart(topics)
        self._look_at(reader)
        return number

    def release(self, batch: Batch) -> None:
        """See Feed."""
        reader = self._readers.get(batch.lane)
        if reader is not None and reader.release(batch):
            self._look_at(reader)

    @property
    def has_joined(self) -> bool:
        """Whether the group has given this worker lanes, or none, since it was started."""
        return self._group.has_joined

    @property
    def waiting(self) -> tuple[str, ...]:
        """Partitions that are ours but of no use, because the other topics of their lanes are not."""
        return self._group.waiting

    def credit(self, lane: int) -> int:
        """How many batches of a lane of ours may be fetched beside those that it has."""
        reader = self._readers.get(lane)
        return 0 if reader is None else reader.credit

    async def commit_positions(self, positions: Mapping[int, Positions], caught_up_ms: Mapping[int, int]) -> bool:
        """Tell the group where lanes stand, for people's lag tools; False if that did not work this time.

        `caught_up_ms`, by lane, is what `caught_up_ms` returns to whoever asks next.
        """
        return await self._group.commit(
            {
                place: (positions[lane][topic], str(caught_up_ms.get(lane, "")))
                for lane in positions.keys() & self._readers.keys()
                for place, topic in self._places.lanes[lane].items()
                if topic in positions[lane]
            }
        )

    async def caught_up_ms(self, lane: int) -> int | None:
        """Up to when nothing had waited for the lane, as its last owner told; None: unknown.  Raises Unavailable."""
        notes = await self._group.notes(self._places.lanes[lane])
        return min((int(note) for note in notes if note.isdecimal()), default=None)

    def _join(self) -> Membership:
        return Group(
            self._client,
            self._group_name,
            self._places,
            session_timeout_ms=self._session_timeout_ms,
            on_change=self._change_lanes,
        )

    def _check_partitions(self) -> None:
        for name in self._places.names:
            partitions = self._client.cluster.partitions_for_topic(name)
            if partitions is None:
                raise Misconfigured(f"topic {name} does not exist")
            if len(partitions) != self._places.partitions:
                raise Misconfigured(f"topic {name} has {len(partitions)} partitions, not {self._places.partitions}")

    def _change_lanes(self, lanes: frozenset[int]) -> None:
        for lane in self._readers.keys() - lanes:
            self._readers.pop(lane).void(0)
        for lane in lanes - self._readers.keys():
            linger_s = self._linger_ms[lane // self._places.partitions] / 1000
            self._readers[lane] = LaneReader(lane, self._batch_records, linger_s)
        self._news.put_nowait(partial(self._on_lanes, set(lanes)))

    def _report(self, reader: LaneReader, error: LaneStopped | Unavailable) -> None:
        """The lane is not read on before its next seek."""
        reader.void(next(self._seeks))
        logger.warning("lane cannot be read", extra={"lane": reader.lane, "error": str(error)})
        self._news.put_nowait(partial(self._on_stopped, reader.lane, error))

    def _look_at(self, reader: LaneReader) -> None:
        self._due[reader] = None
        self._wake.set()

    async def _tell(self) -> None:
        while True:
            answer = (await self._news.get())()
            if answer is not None:
                await answer

    async def _read(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, {}
            wants: list[Want] = []
            for reader in due:
                wants += await self._serve(reader)
            self._fetcher.send(wants)

    async def _serve(self, reader: LaneReader) -> list[Want]:
        """Deliver what can be delivered; what should be fetched now."""
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping and (batch := reader.next_batch(loop.time())):
                await self._deliver(batch)
        except LaneStopped as error:
            self._report(reader, error)
        now = loop.time()
        if (timer := self._timers.pop(reader, None)) is not None:
            timer.cancel()
        due, later = reader.plan(now)
        if later is not None and not self._stopping:
            self._timers[reader] = loop.call_at(later, self._look_at, reader)
        return [Want(reader, topic) for topic in due]
