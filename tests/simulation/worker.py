"""A worker in a process of its own."""

import asyncio
from collections.abc import Iterable, Sequence

from streams.core.facts import Click
from streams.core.policy import Policy
from streams.core.terms import PolicySet, Terms
from streams.errors import RedcatError
from streams.lanes import Lanes
from streams.observer import Nobody
from streams.owner import Surroundings
from streams.policy_book import PolicyBook
from streams.records import Batch
from streams.topics import partition_of_lane
from tests.simulation.feed import Kinds, Listener, MemoryFeed
from tests.simulation.process import Process
from tests.simulation.publisher import MemoryPublisher
from tests.simulation.servers import Servers
from tests.simulation.store import StoreLine


class FragilePolicies(PolicySet):
    """Policies under which the core fails for clicks of some categories, as long as these are named."""

    def __init__(self, policies: Iterable[Policy], poison: set[str]) -> None:
        super().__init__(policies)
        self._poison = poison

    def terms(self, click: Click) -> Terms:
        if click.category in self._poison:
            raise ArithmeticError(f"poison: {click.category}")
        return super().terms(click)


class FragileBook(PolicyBook):
    """Makes fragile sets of policies."""

    def __init__(self, policies: Iterable[Policy], poison: set[str]) -> None:
        self._poison = poison
        super().__init__(policies)

    def policy_set(self, policies: Iterable[Policy]) -> PolicySet:
        return FragilePolicies(policies, self._poison)


class Takings(Nobody):
    """Whether a worker takes lanes that were another one's all the time since it began to take them over."""

    def __init__(self, name: str, servers: Servers) -> None:
        self._name = name
        self._servers = servers
        self._begun_in: dict[int, int] = {}  # the group's generation, by lane

    def taking_over(self, lane: int, trouble: RedcatError | None) -> None:  # noqa: ARG002  # as Observer has it
        self._begun_in[lane] = self._servers.group.generation

    def taken(self, lane: int) -> None:
        """The lane is about to be acquired."""
        number = partition_of_lane(lane, self._servers.partitions)
        if self._servers.group.another_has(number, self._name, self._begun_in[lane]):
            self._servers.robbed.append(f"{self._name} takes lane {lane}")


class Worker:
    """Its lanes, and their own lines to all servers."""

    def __init__(self, name: str, servers: Servers, policies: Sequence[Policy], kinds: Kinds) -> None:
        self.name = name
        self.process = Process(name, servers)
        self.poison: set[str] = set()
        self.feed = MemoryFeed(servers, self.process, kinds, Listener(self._deliver, self._hear, self._fail))
        self.policies = FragileBook(policies, self.poison)
        takings = Takings(name, servers)
        around = Surroundings(
            StoreLine(servers.store, self.process, servers.save, takings.taken),
            MemoryPublisher(servers.kafka, self.process),
            self.feed,
            self.policies,
            servers.partitions,
            servers.now_ms,
            observer=takings,
            most_records=servers.most_records,
        )
        self.lanes = Lanes(around, servers.crashed)
        self._news: asyncio.Queue[set[int]] = asyncio.Queue()
        self._stopping = False
        self.process.start(self._listen())
        self.process.start(self.lanes.look_after())
        self.feed.join()

    def stop(self) -> "asyncio.Task[None]":
        """Stop as on SIGTERM: hand the lanes over, leave the group, end."""
        self._stopping = True
        stopping = self.process.start(self._stop())
        stopping.add_done_callback(lambda _: self.process.kill())
        return stopping

    async def _stop(self) -> None:
        await self.lanes.assign(set())
        await self.process.awake()
        self.feed.stop()

    async def _listen(self) -> None:
        while True:
            numbers = await self._news.get()
            if not self._stopping:
                await self.lanes.assign(numbers)

    def _deliver(self, batch: Batch) -> None:
        self.lanes.submit(batch)

    def _hear(self, lanes: set[int]) -> None:
        self._news.put_nowait(lanes)

    def _fail(self, lane: int, error: RedcatError) -> None:
        self.lanes.fail(lane, error)
