"""One chaos run, from the start of the servers to the verdict."""

import asyncio
import logging
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from app.simulator.config import SimulatorConfig
from app.simulator.truth_file import truth_of
from app.topic_admin import create_topics
from streams.errors import Unavailable
from tests.chaos.crew import Crew, faketime
from tests.chaos.faults import CLOCK, FAULTS, POLICY, TOPIC, Fault, Scene
from tests.chaos.planned import lose_topic, publish_policy
from tests.chaos.pulse import Pulse
from tests.chaos.report import Report
from tests.chaos.servers import Servers
from tests.chaos.traffic import Traffic, policies_to_come
from tests.chaos.verdict import Verdict, judge, settle
from tests.chaos.watchers import Billing, Committed

PARTITIONS: Final = 4
ROOT: Final = Path(__file__).parents[2]
MOST_AT_ONCE: Final = 10  # faults from which the lanes have not recovered; more, and nothing would be done at all

log = logging.getLogger(__name__)
Tell: TypeAlias = Callable[[float, str], None]
"""Told the seconds since the beginning and what happens."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long a run is and how hard."""

    minutes: float
    seed: int
    rate: float  # events a second
    workers: int
    every_s: float  # a fault comes, on average
    kinds: frozenset[str]  # of faults
    other: Path | None = None  # a checkout of another version, which every other worker runs


async def run(plan: Plan, tell: Tell) -> tuple[Report, Path]:
    """The report of a run, and the folder with all logs and data."""
    folder = Path(tempfile.mkdtemp(prefix="redcat-chaos-"))
    for name in [name for name in os.environ if name.startswith("REDCAT_")]:
        del os.environ[name]
    try:
        async with Servers(folder, PARTITIONS) as servers:
            return await Run(plan, servers, folder, tell).play(), folder
    except asyncio.CancelledError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except BaseException as error:
        reason = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        raise Unavailable(f"{reason or type(reason).__name__}; all logs are in {folder}") from reason


class Run:
    """One run on servers that are up."""

    def __init__(self, plan: Plan, servers: Servers, folder: Path, tell: Tell) -> None:
        events = max(1, int(plan.minutes * 60 * plan.rate))
        config = SimulatorConfig(events=events, seed=plan.seed, partitions=PARTITIONS)
        self._plan = plan
        self._servers = servers
        self._folder = folder
        self._tell = tell
        policies = policies_to_come(config) if POLICY in plan.kinds else ()
        self._traffic = Traffic(servers.direct, config, plan.rate, policies)
        self._crew = Crew(servers.proxied, folder, plan.other)
        self._pulse = Pulse(servers)
        self._committed = Committed(servers.direct)
        self._scene = Scene(servers, self._crew, Billing(servers.direct, folder), Random(plan.seed))
        self._touched: set[str] = set()
        self._faults: Counter[str] = Counter()
        self._recovery_s: dict[str, list[float]] = {}
        self._acting: set[asyncio.Task[None]] = set()
        self._recovering: set[asyncio.Task[None]] = set()
        self._began_s = 0.0

    async def play(self) -> Report:
        """Traffic, faults, rest, verdict."""
        began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
        self._began_s = self._scene.now_s()
        await create_topics(self._servers.direct)
        async with self._watched():
            sending = asyncio.create_task(self._traffic.send())
            await asyncio.gather(*(self._crew.add() for _ in range(self._plan.workers)))
            await self._pulse.moved_all(self._scene.now_s())
            await self._disturb(sending)
            await sending
            minutes = (self._scene.now_s() - self._began_s) / 60
            await self._heal()
            self._say("all is sent and healed; waiting until it is counted")
            await settle(self._servers.direct)
            await self._crew.stop_all()
        self._say("comparing everything with the truth")
        verdict = await judge(
            self._servers.direct, truth_of(self._traffic.tallies), self._committed, self._scene.billing
        )
        return self._report(verdict, began, minutes)

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Watchers at work; if one fails, so does the body."""
        watchers = (self._committed.follow, self._scene.billing.run, self._pulse.watch, self._crew.look_after)
        async with AsyncExitStack() as parts:
            group = await parts.enter_async_context(asyncio.TaskGroup())
            tasks = [group.create_task(watcher()) for watcher in watchers]
            try:
                yield
            finally:
                for task in [*tasks, *self._acting, *self._recovering]:
                    task.cancel()
                await self._crew.kill_all()

    async def _disturb(self, sending: asyncio.Task[None]) -> None:
        """One fault after the other, several at a time, while there is traffic; raises what a fault fails of."""
        planned = self._planned()
        random = self._scene.random
        while not sending.done():
            await asyncio.sleep(random.expovariate(1 / self._plan.every_s))
            for task in [task for task in self._acting if task.done()]:
                self._acting.remove(task)
                task.result()
            share = self._traffic.sent / self._traffic.config.events
            if planned and share >= planned[0][0]:
                await planned.pop(0)[1]()
            elif self._room() and (fault := self._choose()) is not None and not sending.done():
                self._acting.add(asyncio.create_task(self._make(fault)))
        for _, act in planned:
            await act()

    def _room(self) -> bool:
        return len(self._acting) + len(self._recovering) < MOST_AT_ONCE

    def _choose(self) -> Fault | None:
        free = [one for one in FAULTS if one.kind in self._plan.kinds and one.touches not in self._touched]
        if not free:
            return None
        return self._scene.random.choices(free, [one.weight for one in free])[0]

    async def _make(self, fault: Fault) -> None:
        if fault.touches:
            self._touched.add(fault.touches)
        self._say(fault.kind)
        try:
            since_s = await fault.act(self._scene)
        finally:
            self._touched.discard(fault.touches)
        if since_s is not None:
            self._faults[fault.kind] += 1
            self._recover(fault.kind, since_s)

    def _recover(self, kind: str, since_s: float) -> None:
        task = asyncio.create_task(self._recovered(kind, since_s))
        self._recovering.add(task)
        task.add_done_callback(self._recovering.discard)

    async def _recovered(self, kind: str, since_s: float) -> None:
        self._recovery_s.setdefault(kind, []).append(await self._pulse.moved_all(since_s) - since_s)

    def _planned(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        """What comes when such a share of the traffic is sent."""
        planned: list[tuple[float, Callable[[], Awaitable[None]]]] = []
        planned += [(0.2 + 0.2 * number, self._publish(number)) for number in range(len(self._traffic.policies))]
        if TOPIC in self._plan.kinds:
            planned.append((0.5, self._lose_topic))
        return sorted(planned, key=lambda one: one[0])

    def _publish(self, number: int) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            # In the background, in the order of the versions: it is not to stop the other faults.
            task = asyncio.create_task(self._make(Fault(POLICY, 1, "", self._publishing(number))))
            self._acting.add(task)

        return act

    def _publishing(self, number: int) -> Callable[[Scene], Awaitable[float]]:
        return lambda scene: publish_policy(scene, self._traffic, number, self._folder)

    async def _lose_topic(self) -> None:
        await asyncio.gather(*self._acting)
        await self._make(Fault(TOPIC, 1, "", lambda scene: lose_topic(scene, self._traffic)))

    async def _heal(self) -> None:
        await asyncio.gather(*self._acting)
        await self._servers.heal()

    def _report(self, verdict: Verdict, began: str, minutes: float) -> Report:
        return Report(
            seeds=[self._plan.seed],
            commits=[_commit(checkout) for checkout in (ROOT, self._plan.other) if checkout],
            began=[began],
            minutes=minutes,
            events=self._traffic.sent,
            faults=dict(sorted(self._faults.items())),
            recovery_s={kind: [round(one, 2) for one in some] for kind, some in sorted(self._recovery_s.items())},
            records=self._committed.records,
            identities=verdict.identities,
            notes=verdict.notes,
            lost=len(verdict.lost),
            duplicated=verdict.duplicated,
            wrong={name: len(some) for name, some in sorted(verdict.wrong.items())},
            examples=verdict.examples(),
            ended=dict(self._crew.ended),
            stopped=dict(self._crew.stops()),
            left_out=[CLOCK] if CLOCK in self._plan.kinds and faketime() is None else [],
        )

    def _say(self, what: str) -> None:
        self._tell(self._scene.now_s() - self._began_s, f"{self._traffic.sent:>9,} events  {what}")


def _commit(checkout: Path) -> str:
    """The commit of a checkout, with a + if it was changed since."""
    git = ("git", "-C", str(checkout))
    try:
        commit = subprocess.check_output([*git, "rev-parse", "--short=10", "HEAD"], text=True).strip()
        changed = subprocess.check_output([*git, "status", "--porcelain", "--untracked-files=no"], text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + "+" * bool(changed)
