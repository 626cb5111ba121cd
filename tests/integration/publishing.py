"""Results into Kafka by Redcat's own publisher, as workers publish them."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from app.bootstrap import publisher_of
from app.consumer_kit.published import Record
from app.settings import Settings
from streams.murmur2 import partition_of
from streams.ports import Producer
from streams.records import Entry, Marker, ResultRecord, Tip

AT_MS = 1_790_000_000_000


class Lanes:
    """Publishes results as workers do: each lane in transactions of its own, under growing revisions."""

    def __init__(self, producers: Sequence[Producer]) -> None:
        self._producers = producers
        self._sequences = [0] * len(producers)

    async def publish(self, records: Iterable[Record]) -> None:
        """One transaction on each lane that these belong to."""
        by_lane: defaultdict[int, list[Record]] = defaultdict(list)
        for record in records:
            by_lane[partition_of(record.token.encode(), len(self._producers))].append(record)
        await asyncio.gather(*(self._publish(lane, told) for lane, told in by_lane.items()))

    async def _publish(self, lane: int, records: Sequence[Record]) -> None:
        self._sequences[lane] += 1
        results = [
            ResultRecord(one.token.encode(), f"{one.result_id}@{one.revision}", one.kind, one.value) for one in records
        ]
        marker = Marker(Tip("nonce", self._sequences[lane]), {}, [1], {})
        await self._producers[lane].publish([Entry(marker, AT_MS, results, [])])


@asynccontextmanager
async def publishing(settings: Settings) -> AsyncIterator[Lanes]:
    """Redcat's own publisher."""
    publisher = publisher_of(settings)
    await publisher.start()
    try:
        yield Lanes([await publisher.open(lane) for lane in range(settings.partitions)])
    finally:
        await publisher.stop()
