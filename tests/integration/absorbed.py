"""Traffic that was absorbed into a Redis without a Kafka, by the owners of lanes themselves."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Never

from app.bootstrap import now_ms
from app.connections import redis_address
from app.policies.file import policy_texts, read_policies
from app.redis_store.link import dialler
from app.redis_store.namespace import open_namespace
from app.redis_store.store import RedisStore
from app.settings import Settings
from app.simulator.facts import Outgoing
from streams.murmur2 import partition_of
from streams.owner import Owner, Surroundings
from streams.policy_book import PolicyBook
from streams.records import Batch, LastRecord, Positions
from streams.topics import lane_count, partition_of_lane, topics_of
from tests.pure_worker import Consumed


class Nowhere:
    """In the place of feed and publisher: absorbing needs neither."""

    async def open(self, lane: int) -> Never:
        raise NotImplementedError

    async def read_marker(self, lane: int) -> Never:
        raise NotImplementedError

    async def confirm(self, lane: int) -> None:
        raise NotImplementedError

    async def seek(
        self,
        lane: int,
        positions: Positions,
        until: Positions | None = None,
        last: Mapping[str, LastRecord] | None = None,
    ) -> Never:
        raise NotImplementedError

    def release(self, batch: Batch) -> None:
        raise NotImplementedError


async def absorb(
    settings: Settings, records: Iterable[Outgoing], *, published: bool = True, into: RedisStore | None = None
) -> None:
    """Commit these records, one batch a lane; the results leave the outbox as if they had been published."""
    policies, dial, partitions = read_policies(settings.policy), dialler(redis_address(settings)), settings.partitions
    await open_namespace(
        dial, settings.group, partitions=partitions, shards=settings.shards, policies=policy_texts(policies)
    )
    store, nowhere = into or RedisStore(dial, settings.group, settings.shards), Nowhere()
    around = Surroundings(store, nowhere, nowhere, PolicyBook(policies), partitions, now_ms)
    lanes = by_lane(records, partitions)
    for lane, topics in lanes.items():
        owner = Owner(lane, around, await store.acquire(lane, f"owner-{lane}"))
        before = owner.positions
        told = {
            topic: [
                Consumed(offset, 0, record.key, record.value)
                for offset, record in enumerate(of_topic, before.get(topic, 0))
            ]
            for topic, of_topic in topics.items()
        }
        after = {topic: records[-1].offset + 1 for topic, records in told.items()}
        await owner.absorb(Batch(lane, 0, before, before | after, told), None)
        entry = await owner.fold(None)
        if published:
            await store.trim(lane, owner.tip, entry.marker.tip)
    await store.close()


def by_lane(records: Iterable[Outgoing], partitions: int) -> dict[int, dict[str, list[Outgoing]]]:
    """Records by lane and topic; one that would have no place goes to partition 0."""
    lanes: dict[int, dict[str, list[Outgoing]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        partition = partition_of(record.key, partitions) if record.partition is None and record.key else 0
        partition = partition if record.partition is None else record.partition
        lane = next(
            lane
            for lane in range(lane_count(partitions))
            if record.topic in topics_of(lane, partitions) and partition_of_lane(lane, partitions) == partition
        )
        lanes[lane][record.topic].append(record)
    return lanes
