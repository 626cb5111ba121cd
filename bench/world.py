"""What all parts of the bench share: the servers, a namespace for each measurement, and Redcat's own commands."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from redis.asyncio import Redis
from rich.console import Console

from app.local_stack.server_process import ServerProcess, free_port
from app.local_stack.stack import LocalStack
from app.settings import Settings
from app.topic_admin import create_topics
from bench.plan import Plan
from bench.processes import ended_processes_s, processor_s, redis_processor_s, rss_mib
from streams.errors import Unavailable

ROOT = Path(__file__).parents[1]
SAMPLE_S = 0.2
DRAINED_S = 900

progress = Console(stderr=True)


class Spent(NamedTuple):
    """What a command used from its start to its end."""

    worker_s: float  # processor time of its process
    redis_s: float  # processor time of Redis meanwhile
    wall_s: float
    peak_rss_mib: float


class World:
    """The embedded servers and what is run on them."""

    def __init__(self, stack: LocalStack, plan: Plan) -> None:
        self.plan = plan
        self.stack = stack
        self.redis = Redis.from_url(stack.redis)
        self._logs = 0

    async def namespace(self, name: str, group: str | None = None, *, partitions: int = 4) -> Settings:
        """Settings for topics and keys that no other measurement uses, the topics made; Redis is emptied first."""
        await self.redis.flushall()
        settings = Settings(
            kafka=self.stack.kafka,
            redis=self.stack.redis,
            topic_prefix=f"{name}.",
            group=group or f"bench-{name}",
            partitions=partitions,
        )
        await create_topics(settings)
        return settings

    async def restart_redis(self) -> None:
        """An empty Redis that has not done anything yet: flushing leaves tables and scripts in its memory."""
        await self.redis.connection_pool.disconnect()
        await self.stack.valkey_server.restart()

    async def spend(self, settings: Settings, *arguments: str) -> Spent:
        """Run a command of Redcat to its end; Unavailable with the end of its log if it fails.

        No other child process may end meanwhile.
        """
        before_s, redis_before_s = ended_processes_s(), await redis_processor_s(self.redis)
        loop, peak = asyncio.get_running_loop(), 0.0
        began = loop.time()
        async with self.running(settings, *redcat(*arguments)) as process:
            while process.running:
                peak = max(peak, rss_mib(process.pid, peak=True))
                await asyncio.sleep(SAMPLE_S if loop.time() - began > 1 else SAMPLE_S / 10)
            if status := await process.wait():
                raise Unavailable(f"{process.name} ended with {status}; the end of its log:\n{process.last_lines()}")
        wall_s = loop.time() - began
        redis_s = await redis_processor_s(self.redis) - redis_before_s
        return Spent(ended_processes_s() - before_s, redis_s, wall_s, peak)

    async def drain(self, settings: Settings) -> Spent:
        """Run a worker until all that is in the topics now is counted and its results are readable."""
        return await self.spend(settings, "worker", "--drain", "--timeout", str(DRAINED_S))

    @asynccontextmanager
    async def running(self, settings: Settings, *command: str) -> AsyncIterator[ServerProcess]:
        """A command in the environment that `settings` make; it is killed at the end if it still runs."""
        self._logs += 1
        name = " ".join(command[-2:])
        process = ServerProcess(name, self.stack.data / "logs" / f"{self._logs}.log")
        variables = [f"{name}={value}" for name, value in environment(settings).items()]
        try:
            await process.start(["/usr/bin/env", *variables, *command])
            yield process
        finally:
            await process.kill()

    async def worker_processor_s(self, process: ServerProcess) -> float:
        """Processor time of a running worker; Unavailable with the end of its log if it has ended."""
        if not process.running:
            raise Unavailable(f"{process.name} ended by itself; the end of its log:\n{process.last_lines()}")
        return processor_s(process.pid)


@asynccontextmanager
async def open_world(plan: Plan) -> AsyncIterator[World]:
    """The servers, started and in the end stopped with everything that was run on them."""
    for name in [name for name in os.environ if name.startswith("REDCAT_")]:
        del os.environ[name]
    progress.print("starting Kafka and Valkey")
    async with LocalStack(free_port(), free_port()) as stack:
        os.chdir(stack.data)  # away from settings in files, and towards where Faust may write
        world = World(stack, plan)
        try:
            yield world
        finally:
            await world.redis.aclose()


async def capture(settings: Settings, *command: str) -> bytes:
    """What a command prints; Unavailable with the end of what it complains of if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        printed, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise Unavailable(f"{' '.join(command[-2:])} ended with {process.returncode}: {complaints.decode()[-2_000:]}")
    return printed


def redcat(*arguments: str) -> Sequence[str]:
    """The command line of Redcat as it stands here, installed or not."""
    return (sys.executable, "-m", "app", *arguments)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make exactly these settings."""
    own = {f"REDCAT_{name.upper()}": str(value) for name, value in vars(settings).items() if value is not None}
    return own | {"PYTHONPATH": str(ROOT)}
