"""All small schedules: two owners, two lanes, three batches, and a fault at every step and at every pair of steps.

A step is a request that is sent, a request that has taken effect and is not answered yet, or a batch on its way to its
lane.  At each a worker dies, or the store is rolled back: by one change, by three, or to nothing.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from streams.topics import LANE_TOPICS
from tests.behaviour.builders import click, entry, paid, step
from tests.generators.policies import DEFAULT_POLICY
from tests.generators.records import Written
from tests.oracle.placement import partition_of
from tests.simulation.chance import HOP_S
from tests.simulation.clock import run
from tests.simulation.exactness import assert_exact
from tests.simulation.many import Broken, broken
from tests.simulation.process import Call, Fault
from tests.simulation.schedules import Run, lines
from tests.simulation.world import World

PARTITIONS: Final = 2
BETWEEN_S: Final = 0.3  # batches: one is published before the next one comes
TOKENS: Final = tuple(
    next(f"t{number}" for number in range(9) if partition_of(f"t{number}".encode(), PARTITIONS) == partition)
    for partition in range(PARTITIONS)
)
FAULTS: Final[Mapping[str, Fault]] = {
    "crash": Fault("crash", 1.0),
    "one back": Fault("roll back", choice=1),
    "three back": Fault("roll back", choice=3),
    "empty": Fault("empty"),
}


class Case(NamedTuple):
    """Faults by the number of their step."""

    faults: tuple[tuple[int, str], ...]

    @property
    def plan(self) -> dict[int, Fault]:
        """As the world takes it."""
        return {number: FAULTS[name] for number, name in self.faults}


class Planned:
    """Every message takes equally long; what goes wrong is planned, by the number of the step."""

    def __init__(self, plan: Mapping[int, Fault]) -> None:
        self.times_s: list[float] = []  # of all steps
        self._plan = plan

    def strike(self, call: Call) -> Fault | None:  # noqa: ARG002  # every call is a step
        self.times_s.append(asyncio.get_running_loop().time())
        return self._plan.get(len(self.times_s))

    strike_after = strike

    def hop_s(self) -> float:
        return HOP_S

    def advance(self, left: int) -> int:
        return left


def batches() -> Iterator[list[Written]]:
    """An order that is credited, held and credited to another note, in both lanes at once; a record that is none."""
    for number in range(3):
        yield [record for token in TOKENS for record in _life(token)[number]]


def _life(token: str) -> Sequence[Sequence[Written]]:
    broken_off = entry(at=4, token=token).but(at_ms="later")
    return (
        [click(at=0, token=token), paid(at=1, token=token, order=f"o-{token}")],
        [step("frozen", at=2, token=token, order=f"o-{token}"), broken_off],
        [click(at=1, token=token, note="n2"), step("unfrozen", at=3, token=token, order=f"o-{token}")],
    )


def played(case: Case) -> tuple[Run, int]:
    """How a case ends, and how many steps it takes until everything is at rest."""
    return run(_play(case.plan))


async def _play(plan: Mapping[int, Fault]) -> tuple[Run, int]:
    chance = Planned(plan)
    world = World(partitions=PARTITIONS, chance=chance, policies=[DEFAULT_POLICY], kinds=LANE_TOPICS[:1])
    failure = None
    try:
        for _ in range(2):
            world.start_worker()
        for records in batches():
            world.send(*records)
            await asyncio.sleep(BETWEEN_S)
        await world.settle()
        assert_exact(world)
    except Exception as error:
        failure = error
    for worker in world.workers.values():
        worker.process.kill()
    steps = sum(at_s <= world.busy_until_s for at_s in chance.times_s)
    return Run(dict(plan), len(chance.times_s), world.log, failure), steps


def check(case: Case) -> Broken | None:
    """What is wrong at the end of a case."""
    return broken(played(case)[0].failure)


def singles() -> list[Case]:
    """Each fault at each step of the run in which nothing goes wrong."""
    _, steps = played(Case(()))
    return [Case(((number, name),)) for number in range(1, steps + 1) for name in FAULTS]


def pairs_after(case: Case) -> Iterator[Case]:
    """A second fault of each kind at each step that follows the first one."""
    _, steps = played(case)
    ((first, _),) = case.faults
    for number in range(first + 1, steps + 1):
        for name in FAULTS:
            yield Case((*case.faults, (number, name)))


def told_case(case: Case) -> str:
    """A case for people."""
    return lines(played(case)[0], f"{case.faults}")
