"""Where the lanes of a world stand, and when it has come to rest."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from streams.commits import LaneState
from streams.records import Marker
from tests.generators.policies import Document
from tests.simulation.chance import Chance
from tests.simulation.feed import Kinds
from tests.simulation.process import Life
from tests.simulation.publisher import last_marker
from tests.simulation.servers import Servers
from tests.simulation.worker import Worker

LONGEST_S = 300.0  # after the last fault; longer is stuck
LOOK_EVERY_S = 0.5
QUIET_S = 3.0  # long enough for every idle lane to compare its tip


class Stand(NamedTuple):
    """How far a lane is."""

    ends: Mapping[str, int]  # of its topics
    stored: Mapping[str, int]
    published: Mapping[str, int]
    restated: bool  # all policies have entered it, and readers have seen the end of that

    @property
    def at_end(self) -> bool:
        """Whether all is absorbed and published."""
        return (
            self.restated and self.stored == self.ends and (self.published == self.ends or not any(self.ends.values()))
        )


class Standing(Servers):
    """Servers, and the workers that are to bring everything to its end."""

    def __init__(self, partitions: int, chance: Chance, policies: Sequence[Document], kinds: Kinds) -> None:
        super().__init__(partitions, chance)
        self.kinds = kinds
        """The topics of each kind of lane, as workers know them that start from now on."""
        self.policies = policies
        self.workers: dict[str, Worker] = {}
        self.damaged: set[int] = set()
        """Lanes of which Kafka lost something that it had: these may stop for good."""
        self.busy_until_s = 0.0  # when it came to rest, as far as is known
        self._seen: tuple[object, dict[int, Stand]] = None, {}

    async def settle(self) -> None:
        """Return when everything was absorbed and published and nothing more happens."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + LONGEST_S
        self.busy_until_s = now_s()
        while now_s() < until_s:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.defects:
                raise self.defects[0]
            if not self._quiet():
                self.busy_until_s = now_s()
            elif now_s() - self.busy_until_s > QUIET_S:
                return
        raise AssertionError(f"stuck: {self.stands()}")

    def _quiet(self) -> bool:
        if self.delayed or any(worker.process.life is Life.PAUSED for worker in self.workers.values()):
            return False
        ended = self.stopped()
        return self.served(but=ended) and self.at_rest(but=ended)

    def stopped(self) -> set[int]:
        """The damaged lanes that wait for a person."""
        if not self.damaged:
            return set()
        lanes = (lane for worker in self._running() for lane in worker.lanes.lanes() if lane.owner is None)
        return {lane.number for lane in lanes if lane.stopped is not None} & self.damaged

    def served(self, but: Collection[int] = ()) -> bool:
        """Whether every lane is served by some worker."""
        served = set(but)
        return served.union(*(worker.lanes.positions() for worker in self._running())) >= set(self.lanes())

    def at_rest(self, but: Collection[int] = ()) -> bool:
        """Whether store and markers have reached the ends of all topics."""
        return all(stand.at_end for lane, stand in self.stands().items() if lane not in but)

    def lanes(self) -> range:
        """The lanes of the kinds that are known now."""
        return range(len(self.kinds) * self.partitions)

    def stands(self) -> dict[int, Stand]:
        """Where each lane stands."""
        now = self.changes, self.kafka.changes, len(self.policies), self.kinds
        if self._seen[0] != now:
            self._seen = now, self._look()
        return self._seen[1]

    def _look(self) -> dict[int, Stand]:
        stands: dict[int, Stand] = {}
        versions = {document["version"] for document in self.policies}
        for lane, state in zip(self.lanes(), self.states(), strict=False):
            kind, partition = divmod(lane, self.partitions)
            ends = {topic: self.kafka.logs[topic, partition].end for topic in self.kinds[kind]}
            _, marker = last_marker(self.kafka, lane)
            restated = not state.policies or marker is None or (_all_in(state, versions) and _all_in(marker, versions))
            stands[lane] = Stand(
                ends,
                dict.fromkeys(ends, 0) | state.positions,
                dict.fromkeys(ends, 0) | (marker.positions if marker is not None else {}),
                restated,
            )
        return stands

    def _running(self) -> list[Worker]:
        return [worker for worker in self.workers.values() if worker.process.life is not Life.DEAD]


def _all_in(one: LaneState | Marker, versions: set[int]) -> bool:
    return set(one.policies) == versions and not one.restating
