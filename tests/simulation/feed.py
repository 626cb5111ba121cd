"""The feed in memory."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple, TypeAlias

from aiokafka import TopicPartition

from streams.errors import LaneStopped, RedcatError, Refused, Unavailable
from streams.feed_places import Places
from streams.records import Batch, LastRecord, Positions
from tests.simulation.group import Share
from tests.simulation.kafka import OutOfRange, Stored
from tests.simulation.process import PATIENCE_S, Call, Fault, Process
from tests.simulation.servers import Servers

CREDIT = 2
HEARTBEAT_S = 1.0
RETRY_S = 0.1
TOGETHER_S = 1e-5  # timers of the same time have no order


Kinds: TypeAlias = Sequence[Collection[str]]
"""The topics of each kind of lane."""


class Listener(NamedTuple):
    """Who is told what the feed finds."""

    deliver: Callable[[Batch], None]
    on_lanes: Callable[[set[int]], None]
    on_stopped: Callable[[int, RedcatError], None]


class Reader:
    """One lane since its last seek."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.seek = 0
        self.positions: Positions | None = None  # None: nothing is read
        self.until: Positions | None = None
        self.unreleased = 0

    def void(self, seek: int) -> None:
        """Forget everything until it is sought."""
        self.seek, self.positions, self.unreleased = seek, None, 0


class MemoryFeed:
    """A `streams.ports.Feed` of one process, with its membership in the group.

    An older version knows fewer `kinds` of lanes, or fewer topics of one.
    """

    def __init__(self, servers: Servers, process: Process, kinds: Kinds, listener: Listener) -> None:
        self._places = Places([{topic: topic for topic in topics} for topics in kinds], servers.partitions)
        self._kafka = servers.kafka
        self._group = servers.group
        self._process = process
        self._servers = servers
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._share = Share(0, frozenset())
        self._readers: dict[int, Reader] = {}
        self._seeks = count(1)
        self._free_at = 0.0  # when the last batch sent has arrived
        self._stopped = False
        servers.kafka.heard.append(self._notice)

    # -- membership

    def join(self) -> None:
        """Become a member."""
        self._group.join(self._process.name, self._told)

    def stop(self) -> None:
        """Deliver nothing more and leave the group."""
        self._stopped = True
        self._set(frozenset())
        self._group.leave(self._process.name)

    def _told(self, share: Share) -> None:
        # Who was dropped finds out by its next heartbeat.
        delay_s = self._servers.hop_s() + (0.0 if share.generation else HEARTBEAT_S)
        hear = partial(self._process.when_awake, partial(self._hear, share))

        def find_out() -> None:
            self._loop.call_later(delay_s, hear)

        self._process.when_awake(find_out)

    def _hear(self, share: Share) -> None:
        if self._stopped or 0 < share.generation <= self._share.generation:
            return
        self._share = share
        self._set(self._places.whole(
            TopicPartition(topic, number) for topic in self._places.names for number in share.numbers
        ))  # fmt: skip
        if not share.generation:
            self.join()

    def _set(self, lanes: frozenset[int]) -> None:
        if lanes == self._readers.keys():
            return
        for lane in self._readers.keys() - lanes:
            self._readers.pop(lane).void(0)
        for lane in lanes - self._readers.keys():
            self._readers[lane] = Reader(lane)
        self._listener.on_lanes(set(lanes))

    async def confirm(self, lane: int) -> None:
        """See Feed."""
        for _ in range(round(PATIENCE_S / RETRY_S)):
            generation = self._share.generation
            if lane not in self._readers:
                raise Refused(f"lane {lane} is not this worker's")
            if await self._process.ask("group.heartbeat", partial(self._accepted, generation)):
                return
            await asyncio.sleep(RETRY_S)
        raise Unavailable(f"lane {lane}: the group does not accept a heartbeat")

    def _accepted(self, generation: int) -> bool:
        return self._group.accepts(self._process.name, generation)

    # -- reading

    async def seek(
        self,
        lane: int,
        positions: Positions,
        until: Positions | None = None,
        last: Mapping[str, LastRecord] | None = None,
    ) -> int:
        """See Feed."""
        reader = self._readers.get(lane)
        if reader is None:
            raise Refused(f"lane {lane} is not this worker's")
        number = next(self._seeks)
        reader.void(number)
        self._places.require_topics(lane, positions, until or {})
        start = {topic: positions.get(topic, 0) for topic in self._places.lanes[lane].values()}
        await self._process.ask("feed.seek", lambda: self._check(lane, start, until, last or {}))
        if self._readers.get(lane) is not reader or reader.seek != number:
            raise Refused(f"lane {lane} was lost or sought again")
        reader.positions, reader.until = start, until
        self._look_soon(reader)
        return number

    def release(self, batch: Batch) -> None:
        """See Feed."""
        reader = self._readers.get(batch.lane)
        if reader is not None and reader.seek == batch.seek:
            reader.unreleased -= 1
            self._look_soon(reader)

    def look(self) -> None:
        """Look whether there is something to read."""
        for reader in self._readers.values():
            self._look_soon(reader)

    def look_at_once(self) -> None:
        """Find out what Kafka has lost: who fetched from a leader that is gone looks again before anybody writes."""
        for reader in self._readers.values():
            if reader.positions is not None:
                self._check_ends(reader, reader.positions)

    def _check_ends(self, reader: Reader, positions: Positions) -> None:
        try:
            for place, topic in self._places.lanes[reader.lane].items():
                self._kafka.logs[place].check(positions[topic])
        except OutOfRange as error:
            self._out_of_range(reader, error)

    def _out_of_range(self, reader: Reader, error: OutOfRange) -> None:
        reader.void(next(self._seeks))
        stopped = LaneStopped(f"lane {reader.lane}: {error}")
        self._process.when_awake(self._listener.on_stopped, reader.lane, stopped)

    def _check(self, lane: int, start: Positions, until: Positions | None, last: Mapping[str, LastRecord]) -> None:
        for place, topic in self._places.lanes[lane].items():
            position, log = start[topic], self._kafka.logs[place]
            try:
                log.check(position)
                log.check(max(position, (until or {}).get(topic, 0)))
            except OutOfRange as error:
                raise LaneStopped(f"{place}: {error}") from error
            expected = last.get(topic)
            if expected is not None and log.start <= expected.offset < position:
                _compare(place, list(log.committed(expected.offset, position)), expected, log.stable >= position)

    def _notice(self, topic: str, partition: int) -> None:
        for lane, reader in self._readers.items():
            if (topic, partition) in self._places.lanes[lane]:
                self._look_soon(reader)

    def _look_soon(self, reader: Reader) -> None:
        self._loop.call_later(self._servers.hop_s(), self._process.when_awake, self._look, reader)

    def _look(self, reader: Reader) -> None:
        if reader.positions is None or reader.unreleased >= CREDIT or self._stopped:
            return
        if self._servers.is_away(Call(self._process.name, "feed.fetch")):
            return  # the world looks again when Kafka is back
        try:
            batch = self._fetch(reader, reader.positions)
        except OutOfRange as error:
            self._out_of_range(reader, error)
            return
        if batch is None:
            return
        if batch.after != batch.before:
            reader.positions = batch.after
            reader.unreleased += 1
            self._send(batch)
        self._look_soon(reader)

    def _fetch(self, reader: Reader, before: Positions) -> Batch | None:
        """What can be read now, as far as chance lets it go; None if there is nothing."""
        after, records, nothing = dict(before), {}, True
        for place, topic in self._places.lanes[reader.lane].items():
            position, log = before[topic], self._kafka.logs[place]
            log.check(position)
            end = log.stable if reader.until is None else min(log.stable, reader.until.get(topic, 0))
            if end > position:
                nothing = False
                after[topic] = position + self._servers.chance.advance(end - position)
                found = list(log.committed(position, after[topic]))
                if found:
                    records[topic] = found
        return None if nothing else Batch(reader.lane, reader.seek, before, after, records)

    def _send(self, batch: Batch) -> None:
        """Batches arrive in order, but may take their time: the lane may have sought anew meanwhile."""
        fault = self._servers.strike(Call(self._process.name, "feed.deliver"))
        late_s = fault.seconds if isinstance(fault, Fault) and fault.what == "late" else 0.0
        self._free_at = max(self._free_at + TOGETHER_S, self._loop.time() + late_s + self._servers.hop_s())
        self._loop.call_at(self._free_at, self._process.when_awake, self._listener.deliver, batch)


def _compare(place: TopicPartition, found: Sequence[Stored], expected: LastRecord, decided: bool) -> None:
    """Of what a lane has read, its last record must be there, and nothing behind it."""
    if not found and not decided:
        raise Unavailable(f"{place}: the record at offset {expected.offset} cannot be read now")
    if not found or LastRecord.of(found[0]) != expected:
        raise LaneStopped(f"{place}: the topic was recreated")
    if found[1:]:
        raise LaneStopped(f"{place}: the topic was cut off")
