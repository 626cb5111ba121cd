"""Kafka, its consumer group and the store, with what can happen to them."""

import asyncio

from app.memory_store import MemoryStore, Snapshot
from streams.commits import LaneState
from streams.outbox import MAX_RECORDS
from streams.topics import lane_count
from tests.simulation.chance import Chance
from tests.simulation.group import Group
from tests.simulation.kafka import Kafka
from tests.simulation.process import Call, Fault
from tests.simulation.store import at_once

START_MS = 1_750_000_000_000
STORE, KAFKA, PRODUCERS = "store", "kafka", "producer"
"""Servers, and a part of one that can stall by itself, by how the names of their calls begin."""


class Servers:
    """What all workers share; `chance` decides what goes wrong with their requests."""

    def __init__(self, partitions: int, chance: Chance) -> None:
        self.partitions = partitions
        self.chance = chance
        self.hop_s = chance.hop_s
        self.delayed = 0  # requests that have not arrived
        self.kafka = Kafka()
        self.group = Group(partitions)
        self.store = MemoryStore(self.now_ms)
        self.saved: list[Snapshot] = [self.store.snapshot()]
        """All that the store ever held, the first time it held it; the first is empty."""
        self.rollbacks = 0
        self.left_at = 0
        """What the store held last before the latest rollback, as an index of `saved`."""
        self.log: list[tuple[float, str]] = []
        self.defects: list[BaseException] = []
        self.robbed: list[str] = []
        """Lanes that somebody took who could know that they are another one's."""
        self.most_records = MAX_RECORDS
        """In one transaction of the workers that start from now on."""
        self._loop = asyncio.get_running_loop()
        self._away: dict[str, float] = {}  # until when they do not answer

    @property
    def changes(self) -> int:
        """How often the store came to hold something else."""
        return len(self.saved) + self.rollbacks

    def now_ms(self) -> int:
        """The wall clock."""
        return START_MS + int(self._loop.time() * 1000)

    def note(self, text: str) -> None:
        """Remember that something happened."""
        self.log.append((self._loop.time(), text))

    def crashed(self, error: BaseException) -> None:
        """A lane ended by an error that it does not know."""
        self.note(f"a lane crashed: {error!r}")
        self.defects.append(error)

    def save(self, snapshot: Snapshot) -> None:
        """Keep what the store holds now."""
        self.saved.append(snapshot)

    def states(self) -> list[LaneState]:
        """What the store holds of each lane."""
        copy = MemoryStore(self.now_ms)
        copy.restore(self.store.snapshot())
        return [at_once(copy.acquire(lane, "observer")) for lane in range(lane_count(self.partitions))]

    def roll_back(self, to: Snapshot) -> None:
        """Let the store hold what it held once."""
        self.left_at = len(self.saved) - 1
        self.note(f"ROLLBACK to {[(lane, *held.tip) for lane, held in sorted(to.lanes.items())]}")
        self.rollbacks += 1
        self.store.restore(to)

    def leave_for(self, server: str, seconds: float) -> None:
        """Let a server not answer for a while."""
        self.note(f"{server} is away for {seconds} s")
        self._away[server] = max(self._away.get(server, 0.0), self._loop.time() + seconds)

    def is_away(self, call: Call) -> bool:
        """Whether the server that is asked does not answer at present."""
        if not self._away:
            return False
        server = call.name.partition(".")[0]
        until_s = self._away.get(server, 0.0)
        if server != STORE:
            until_s = max(until_s, self._away.get(KAFKA, 0.0))
        return self._loop.time() < until_s

    def strike(self, call: Call) -> Fault | None:
        """What goes wrong with this request; what goes wrong elsewhere is done when this returns."""
        return self.chance.strike(call)

    def done(self, call: Call) -> None:
        """The request has taken effect; the answer is not under way yet."""

    def sent(self, call: Call, fault: Fault) -> None:
        """The request with this fault is on its way."""
