"""The store and the publisher of a worker, with what their work takes measured."""

import time
from collections.abc import Sequence

from app.metrics.instruments import Instruments
from app.metrics.table import WorkerName
from app.redis_store.link import Dial
from app.redis_store.store import RedisStore
from streams.commits import Commit
from streams.ports import Producer, Publisher
from streams.records import Entry, Marker, Tip


class TimedStore(RedisStore):
    """Measures commits."""

    def __init__(self, dial: Dial, group: str, shards: int, instruments: Instruments[WorkerName]) -> None:
        super().__init__(dial, group, shards)
        self._seconds = instruments.histogram("redcat_commit_seconds")

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip:
        """See Store."""
        began = time.perf_counter()
        tip = await super().commit(lane, tip, commit)
        self._seconds.observe(time.perf_counter() - began)
        return tip


class TimedPublisher:
    """Measures transactions, and counts the results in them."""

    def __init__(self, publisher: Publisher, instruments: Instruments[WorkerName]) -> None:
        self._publisher = publisher
        self._instruments = instruments

    async def open(self, lane: int) -> Producer:
        """See Publisher."""
        return TimedProducer(await self._publisher.open(lane), self._instruments)

    async def read_marker(self, lane: int) -> Marker | None:
        """See Publisher."""
        return await self._publisher.read_marker(lane)


class TimedProducer:
    """One lane's producer."""

    def __init__(self, producer: Producer, instruments: Instruments[WorkerName]) -> None:
        self._producer = producer
        self._seconds = instruments.histogram("redcat_transaction_seconds")
        self._results = instruments.counter("redcat_results_total")

    async def publish(self, entries: Sequence[Entry]) -> None:
        """See Producer."""
        began = time.perf_counter()
        await self._producer.publish(entries)
        self._seconds.observe(time.perf_counter() - began)
        self._results.inc(sum(len(entry.results) for entry in entries))

    async def close(self) -> None:
        """See Producer."""
        await self._producer.close()
