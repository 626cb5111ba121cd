"""Records into Kafka, thousands a call: whole batches per partition instead of one `send` per record."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerFenced

from app.connections import PATIENCE_S, kafka_options, until_answered
from app.settings import Settings
from app.simulator.facts import Outgoing
from streams.errors import Misconfigured, Refused, Unavailable
from streams.murmur2 import partitions_of
from streams.topics import physical

Compression: TypeAlias = Literal["gzip", "snappy", "lz4", "zstd"]
Progress: TypeAlias = Callable[[int], None]

CHUNK: Final = 2_000  # records built and sent at once, then the event loop has its turn
IN_FLIGHT: Final = 6  # chunks that Kafka need not have answered yet
TICK_S: Final = 0.02  # shortest pause between two sendings at a given rate
BATCH_BYTES: Final = 256 * 1024
REQUEST_BYTES: Final = 4 * 1024 * 1024
CLOSING_S: Final = 5.0  # until what Kafka has not taken by then is given up


class Sending(NamedTuple):
    """How records are sent."""

    rate: float | None = None  # records a second, caught up with after a stall; None: as fast as Kafka takes them
    keep_timestamps: bool = False  # of the records that have one; else Kafka's timestamp is the moment of sending
    compression: Compression | None = None
    transactional_id: str | None = None  # every chunk is a transaction of its own
    patience_s: float = PATIENCE_S  # without an answer


class KafkaSender:
    """Sends records to their partitions, in their order; made by `kafka_sender`."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings, sending: Sending) -> None:
        self._producer = producer
        self._prefix = settings.topic_prefix
        self._sending = sending
        self._partitions: dict[str, int] = {}
        self._unanswered: deque[list[asyncio.Future[Any]]] = deque()
        self.sent = 0
        self.failed = False

    async def send(self, records: Iterable[Outgoing], progress: Progress | None = None) -> None:
        """Send everything and return when Kafka has it; `progress` hears now and then how many were sent in all.

        Raises Unavailable when Kafka does not take them, Refused when a newer sender has the transactional id, and
        Misconfigured when a topic does not exist.
        """
        rest = iter(records)
        try:
            async for room in self._pace():
                chunk = list(islice(rest, room))
                if not chunk:
                    break
                async with asyncio.timeout(self._sending.patience_s):
                    await self._send_chunk(chunk)
                self.sent += len(chunk)
                if progress is not None:
                    progress(self.sent)
            async with asyncio.timeout(self._sending.patience_s):
                while self._unanswered:
                    await asyncio.gather(*self._unanswered.popleft())
        except ProducerFenced as error:
            raise Refused(f"a newer sender uses the transactional id {self._sending.transactional_id}") from error
        except (KafkaError, TimeoutError) as error:
            self.failed = True
            reason = str(error) or f"no answer for {self._sending.patience_s:g} s"
            raise Unavailable(f"Kafka stopped taking records after about {self.sent}: {reason}") from error

    async def _pace(self) -> AsyncIterator[int]:
        """How many records may go next, again and again."""
        rate = self._sending.rate
        while rate is None:
            yield CHUNK
        began, allowed = time.monotonic(), 0
        while True:
            # One at least, so that the slowest rate sends its first record at once.
            due = int((time.monotonic() - began) * rate) + 1 - allowed
            while due > 0:
                room = min(due, CHUNK)
                yield room
                allowed += room
                due -= room
            await asyncio.sleep(max(TICK_S, allowed / rate - (time.monotonic() - began)))

    async def _send_chunk(self, chunk: Sequence[Outgoing]) -> None:
        places = await self._places(chunk)
        transactional = self._sending.transactional_id is not None
        if transactional:
            await self._producer.begin_transaction()
        futures: list[asyncio.Future[Any]] = []
        self._unanswered.append(futures)
        for topic, partition, batch in self._batches(chunk, places):
            future = await self._producer.send_batch(batch, topic, partition=partition)
            future.add_done_callback(_take_notice)
            futures.append(future)
        if transactional or len(self._unanswered) > IN_FLIGHT:
            await asyncio.gather(*self._unanswered.popleft())
        if transactional:
            await self._producer.commit_transaction()

    def _batches(self, chunk: Sequence[Outgoing], places: Sequence[int]) -> Iterator[tuple[str, int, Any]]:
        """The records of a chunk as batches of one partition, full ones as soon as they are full."""
        now_ms = time.time_ns() // 1_000_000
        keep = self._sending.keep_timestamps
        batches: dict[tuple[str, int], Any] = {}
        for (topic, _, key, value, at_ms), partition in zip(chunk, places, strict=True):
            timestamp = at_ms if keep and at_ms is not None else now_ms
            place = topic, partition
            batch = batches.get(place)
            if batch is None or batch.append(timestamp=timestamp, key=key, value=value) is None:
                if batch is not None:
                    yield physical(self._prefix, topic), partition, batch
                batch = batches[place] = self._producer.create_batch()
                batch.append(timestamp=timestamp, key=key, value=value)
        for (topic, partition), batch in batches.items():
            yield physical(self._prefix, topic), partition, batch

    async def _places(self, chunk: Sequence[Outgoing]) -> list[int]:
        """The partition of each record: its own or that of its key."""
        counts = {topic: await self._partitions_of(topic) for topic in {record.topic for record in chunk}}
        keys = [record.key or b"" for record in chunk]
        by_key = {count: partitions_of(keys, count) for count in set(counts.values())}
        return [
            by_key[counts[record.topic]][number] if record.partition is None else record.partition
            for number, record in enumerate(chunk)
        ]

    async def _partitions_of(self, topic: str) -> int:
        if topic not in self._partitions:
            name = physical(self._prefix, topic)
            known = (await self._producer.client.fetch_all_metadata()).partitions_for_topic(name)
            if not known:
                raise Misconfigured(f"no topic {name} in Kafka: run `redcat topics create`")
            self._partitions[topic] = len(known)
        return self._partitions[topic]


def _take_notice(future: "asyncio.Future[Any]") -> None:
    """Look at an answer, so that asyncio does not complain where nobody waits for it any more."""
    if not future.cancelled():
        future.exception()


@asynccontextmanager
async def kafka_sender(settings: Settings, sending: Sending | None = None) -> AsyncIterator[KafkaSender]:
    """A sender that has reached Kafka; Unavailable when that takes longer than commands are patient."""
    sending = sending or Sending()
    producer = await until_answered(
        lambda: _started(settings, sending), server=f"Kafka at {settings.kafka}", patience_s=sending.patience_s
    )
    sender = KafkaSender(producer, settings, sending)
    try:
        yield sender
    finally:
        stopping = asyncio.create_task(producer.stop())
        await asyncio.wait([stopping], timeout=0 if sender.failed else CLOSING_S)
        if not stopping.done():
            producer.give_up()
        await stopping


class _Producer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka has no types
    """A producer that can be given up: by itself, being idempotent, it would try for ever to send what it holds."""

    def give_up(self) -> None:
        """Send nothing more, so that `stop` comes to its end."""
        self._sender.sender_task.cancel()


async def _started(settings: Settings, sending: Sending) -> _Producer:
    producer = _Producer(
        **kafka_options(settings),
        enable_idempotence=True,  # a retry must not look like a repeated fact
        transactional_id=sending.transactional_id,
        compression_type=sending.compression,
        max_batch_size=BATCH_BYTES,
        max_request_size=REQUEST_BYTES,
        linger_ms=0,
        request_timeout_ms=int(sending.patience_s * 1_000),
    )
    try:
        await producer.start()
    except BaseException as error:
        await producer.stop()
        if isinstance(error, KafkaError | OSError):
            raise Unavailable(str(error) or type(error).__name__) from error
        raise
    return producer
