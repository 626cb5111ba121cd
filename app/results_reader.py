"""All results so far, or as they come, of the topic that the settings name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Generic, TypeVar

import msgspec
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from app.connections import PATIENCE_S, kafka_options, until_answered
from app.consumer_kit.conversions import Reader, reading
from app.settings import Settings
from streams.core.results import Result
from streams.errors import Misconfigured, Unavailable
from streams.murmur2 import partition_of
from streams.topics import CONVERSION, physical

Kept = TypeVar("Kept")


class _Identity(msgspec.Struct, gc=False):
    token: str
    result_id: str
    revision: int


_identity_in = msgspec.json.Decoder(_Identity).decode
_result_in = msgspec.json.Decoder(Result).decode


def result_of(value: bytes) -> Result:
    """The result in a record's value; Misconfigured if it is none."""
    try:
        return _result_in(value)
    except msgspec.DecodeError as error:
        raise _no_result(value, error) from error


def _no_result(value: bytes, error: msgspec.DecodeError) -> Misconfigured:
    return Misconfigured(f"the topic has a record that is no result: {error}: {value[:200]!r}")


class Results(Generic[Kept]):
    """What all results read so far amount to; they may be added in any order and more than once."""

    def __init__(self, keep: Callable[[bytes], Kept]) -> None:
        """`keep` makes of a record's value what is wanted of it."""
        self.records = 0
        self.latest: dict[str, Kept] = {}  # by identity: "TOKEN RESULT_ID"
        self.twice: list[tuple[str, int]] = []  # identity and revision of what came again
        self._keep = keep
        self._revisions: dict[str, int] = {}  # the greatest of each identity
        self._older: dict[str, set[int]] = {}  # the others of those few that have any

    def add(self, value: bytes) -> None:
        """Take one record's value; Misconfigured if it is no result."""
        try:
            found = _identity_in(value)
        except msgspec.DecodeError as error:
            raise _no_result(value, error) from error
        identity, revision = f"{found.token} {found.result_id}", found.revision
        self.records += 1
        known = self._revisions.get(identity)
        if known is None or revision > known:
            if known is not None:
                self._older.setdefault(identity, set()).add(known)
            self._revisions[identity] = revision
            self.latest[identity] = self._keep(value)
        elif revision == known or revision in self._older.get(identity, ()):
            self.twice.append((identity, revision))
        else:
            self._older.setdefault(identity, set()).add(revision)


class ResultsReader:
    """Reads on from where it stopped last; made by `reading_results`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def read_to_end(self, results: Results[Kept], progress: Callable[[int], None] | None = None) -> None:
        """Add everything that is committed by now; `progress` hears how many records there are in all.

        Raises Unavailable if Kafka brings nothing for PATIENCE_S.
        """
        ends = await until_answered(self._ends, server="Kafka")
        clock = asyncio.get_running_loop().time
        give_up = clock() + PATIENCE_S
        while not await self._reader.reached(ends):
            values = await self._poll()
            if values:
                give_up = clock() + PATIENCE_S
            elif clock() > give_up:
                raise Unavailable(f"Kafka brought no results for {PATIENCE_S:.0f} s")
            _add(results, values)
            if progress is not None:
                progress(results.records)

    async def extents(self) -> dict[int, tuple[int, int]]:
        """By partition the oldest offset that Kafka holds and the one behind the last readable record."""
        begins = await until_answered(self._begins, server="Kafka")
        ends = await until_answered(self._ends, server="Kafka")
        return {partition: (begin, ends[partition]) for partition, begin in begins.items()}

    async def follow(self, results: Results[Kept]) -> None:
        """Add what is there and what comes, until cancelled; the next call goes on where this one stopped."""
        async for values in self.batches():
            _add(results, values)

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """The values of what is there and of what comes, for ever, each time as many as are at hand."""
        while True:
            if values := await self._poll():
                yield values

    async def _poll(self) -> list[bytes]:
        try:
            return (await self._reader.poll()).values
        except KafkaError as error:
            raise Unavailable(str(error)) from error

    async def _begins(self) -> dict[int, int]:
        return await _answer(self._reader.begins())

    async def _ends(self) -> dict[int, int]:
        return await _answer(self._reader.ends())


async def _answer(offsets: Awaitable[dict[int, int]]) -> dict[int, int]:
    try:
        return await offsets
    except (KafkaError, TimeoutError) as error:
        raise Unavailable(str(error)) from error


def _add(results: Results[Kept], values: list[bytes]) -> None:
    for value in values:
        results.add(value)


@asynccontextmanager
async def reading_results(
    settings: Settings,
    *,
    from_end: bool = False,
    token: str | None = None,
    partitions: Iterable[int] | None = None,
) -> AsyncIterator[ResultsReader]:
    """A reader at the beginning or the end of the result topic, or only of the partition where a token's results are.

    `partitions` are all that it is to read; None: whatever there are.
    Raises Misconfigured if there is no such topic.
    """
    async with AsyncExitStack() as opened:
        server = f"Kafka at {settings.kafka}"
        reader = await until_answered(lambda: _opened(settings, opened, partitions), server=server)
        positions = await until_answered(lambda: _start(reader, from_end=from_end, token=token), server=server)
        reader.seek(positions)
        yield ResultsReader(reader)


async def _opened(settings: Settings, opened: AsyncExitStack, partitions: Iterable[int] | None) -> Reader:
    topic = physical(settings.topic_prefix, CONVERSION)
    try:
        return await opened.enter_async_context(reading(topic, partitions=partitions, **kafka_options(settings)))
    except UnknownTopicOrPartitionError as error:
        raise Misconfigured(f"no topic {topic} in Kafka: run `redcat topics create`") from error
    except (KafkaError, OSError) as error:
        raise Unavailable(str(error)) from error


async def _start(reader: Reader, *, from_end: bool, token: str | None) -> dict[int, int]:
    """The offsets to begin at."""
    begins, ends = await _answer(reader.begins()), await _answer(reader.ends())
    positions = ends if from_end else begins
    if token is None:
        return positions
    own = partition_of(token.encode(), len(begins))
    return {**ends, own: positions[own]}
