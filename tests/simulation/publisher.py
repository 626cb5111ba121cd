"""The publisher in memory."""

import asyncio
import contextlib
from collections.abc import Sequence

from streams.errors import RedcatError, Refused, Unavailable
from streams.publisher_marker import decode_marker, encode_marker
from streams.records import Entry, Marker
from tests.simulation.kafka import Content, Fenced, Kafka, Stored
from tests.simulation.process import Process

MARKERS = "lanes"
RESULTS = "conversion"
OPEN_TRANSACTION_S = 5.0
RETRY_S = 0.1


class MemoryPublisher:
    """A `streams.ports.Publisher` of one process."""

    def __init__(self, kafka: Kafka, process: Process) -> None:
        self._kafka = kafka
        self._process = process

    async def open(self, lane: int) -> "MemoryProducer":
        """See Publisher."""
        epoch = await self._process.ask("publisher.open", lambda: self._kafka.init(transactional_id(lane)))
        return MemoryProducer(self._kafka, self._process, lane, epoch)

    async def read_marker(self, lane: int) -> Marker | None:
        """See Publisher; waits for an open transaction to end, Unavailable when it does not."""
        for _ in range(round(OPEN_TRANSACTION_S / RETRY_S)):
            stable, last = await self._process.ask("publisher.read_marker", lambda: last_marker(self._kafka, lane))
            if stable:
                return last
            await asyncio.sleep(RETRY_S)
        raise Unavailable(f"lane {lane}: a transaction stays open")


class MemoryProducer:
    """A `streams.ports.Producer`."""

    def __init__(self, kafka: Kafka, process: Process, lane: int, epoch: int) -> None:
        self._kafka = kafka
        self._process = process
        self._lane = lane
        self._id = transactional_id(lane)
        self._epoch = epoch
        self._spent = False
        self._under_way = False

    async def publish(self, entries: Sequence[Entry]) -> None:
        """See Producer."""
        if self._spent:
            raise Unavailable("this producer has failed before: open a new one")
        contents = outgoing(self._lane, entries)
        self._spent = self._under_way = True
        try:
            await self._process.ask("producer.write", lambda: self._kafka.write(self._id, self._epoch, contents))
            ended = await self._process.ask("producer.commit", lambda: self._end(commit=True))
        except Fenced as error:
            raise Refused(str(error)) from error
        if not ended:
            raise Unavailable("the transaction was ended by somebody else")
        self._spent = self._under_way = False

    async def close(self) -> None:
        """Abort what is under way."""
        self._spent = True
        if self._under_way:
            self._under_way = False
            with contextlib.suppress(Fenced, RedcatError):
                await self._process.ask("producer.abort", lambda: self._end(commit=False))

    def _end(self, *, commit: bool) -> bool:
        return self._kafka.end(self._id, self._epoch, commit=commit)


def transactional_id(lane: int) -> str:
    """The transactional id of a lane."""
    return f"lane.{lane}"


def last_marker(kafka: Kafka, lane: int) -> tuple[bool, Marker | None]:
    """Whether no transaction is open at the end of the lane's markers, and the last committed one."""
    log = kafka.logs[MARKERS, lane]
    last: Stored | None = log.last()
    return log.stable == log.end, None if last is None else decode_marker(last.value or b"")


def outgoing(lane: int, entries: Sequence[Entry]) -> dict[tuple[str, int], list[Content]]:
    """All records of a transaction, by topic and partition; the markers of each lane have a partition of their own."""
    contents: dict[tuple[str, int], list[Content]] = {}
    for entry in entries:
        for key, event_id, _, value in (
            tuple(getattr(result, f) for f in result.__struct_fields__) for result in entry.results
        ):
            header = ("ce_id", event_id.encode())
            contents.setdefault((RESULTS, lane), []).append(Content(entry.at_ms, key, value, [header]))
        for topic, partition, timestamp, key, value, headers in entry.messages:
            contents.setdefault((topic, partition), []).append(Content(timestamp, key, value, headers))
    last = entries[-1]
    marker = Content(last.at_ms, f"lane-{lane}".encode(), encode_marker(last.marker))
    contents.setdefault((MARKERS, lane), []).append(marker)
    return contents
