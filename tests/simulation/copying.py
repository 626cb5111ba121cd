"""Copies of a world's lanes, made beside its workers by whoever rebuilds."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import NoReturn

from app.memory_store import MemoryStore
from streams.owner import Surroundings
from streams.policy_book import PolicyBook
from streams.rebuilding import CopiedLane
from streams.records import Batch, LastRecord, Marker, Positions
from tests.simulation.kafka import Kafka
from tests.simulation.publisher import last_marker
from tests.simulation.world import World

OFFSETS = 2  # of one topic in a batch, so that there are many to be interrupted at


class Interrupted(Exception):
    """Whoever made the copy is gone."""


class Marks:
    """A `streams.ports.Publisher` of which only the markers are asked."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def open(self, lane: int) -> NoReturn:
        raise NotImplementedError

    async def read_marker(self, lane: int) -> Marker | None:
        stable, marker = last_marker(self._kafka, lane)
        assert stable, "a story asks when no transaction is open"
        return marker


class CopyFeed:
    """A `streams.ports.Feed` for lanes that are told everything at once."""

    def __init__(self, world: World, submit: Callable[[Batch], None]) -> None:
        self._world = world
        self._submit = submit
        self._seeks = count(1)

    async def confirm(self, lane: int) -> None:
        """Nobody has to agree."""

    async def seek(
        self,
        lane: int,
        positions: Positions,
        until: Positions | None = None,
        last: Mapping[str, LastRecord] | None = None,  # noqa: ARG002  # nothing is lost in these stories
    ) -> int:
        """See Feed; delivers all up to `until`, one topic after the other."""
        number, before = next(self._seeks), dict(positions)
        kind, partition = divmod(lane, self._world.partitions)
        for topic in self._world.kinds[kind]:
            start, end = before.get(topic, 0), (until or {}).get(topic, 0)
            for offset in range(start, end, OFFSETS):
                after = before | {topic: min(offset + OFFSETS, end)}
                records = list(self._world.kafka.logs[topic, partition].committed(offset, after[topic]))
                self._submit(Batch(lane, number, before, after, {topic: records}))
                before = after
        return number

    def release(self, batch: Batch) -> None:
        """All of it was delivered."""


class FragileStore(MemoryStore):
    """A store whose user is gone after so many commits."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__(now_ms)
        self.commits_left: int | None = None

    async def commit(self, lane, tip, commit):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  # as there
        """As there."""
        if self.commits_left == 0:
            raise Interrupted
        if self.commits_left is not None:
            self.commits_left -= 1
        return await super().commit(lane, tip, commit)


class CopyOf:
    """A copy of all lanes of a world."""

    def __init__(self, world: World) -> None:
        self.store = FragileStore(world.now_ms)
        lanes: dict[int, CopiedLane] = {}
        feed = CopyFeed(world, lambda batch: lanes[batch.lane].submit(batch))
        book = PolicyBook(next(iter(world.workers.values())).policies.policy(version) for version in _versions(world))
        around = Surroundings(self.store, Marks(world.kafka), feed, book, world.partitions, world.now_ms)
        lanes.update({number: CopiedLane(number, around) for number in world.lanes()})
        self._lanes = lanes

    async def follow(self, *, interrupted_after: int | None = None) -> None:
        """Absorb what was published by now; Interrupted after so many commits."""
        self.store.commits_left = interrupted_after
        for lane in self._lanes.values():
            await lane.follow({})

    async def retell(self) -> None:
        """Let all results be told again."""
        self.store.commits_left = None
        for lane in self._lanes.values():
            await lane.retell()


def _versions(world: World) -> list[int]:
    return [int(document["version"]) for document in world.policies]
