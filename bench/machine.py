"""Where a run was measured."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from app.local_stack.jars import locked_jars
from app.local_stack.valkey_server import jemalloc
from bench.world import World


@dataclass(frozen=True)
class Machine:
    """Hardware and versions."""

    at: str
    processor: str
    processors: int
    memory_gib: float
    python: str
    kafka: str
    valkey: str
    redcat: str


async def machine(world: World) -> Machine:
    """This machine and what runs on it."""
    return Machine(
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        processor=_processor(),
        processors=os.cpu_count() or 1,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        python=platform.python_version(),
        kafka=next(jar.version for jar in locked_jars() if jar.artifact.startswith("kafka_")),
        valkey=f"{(await world.redis.info('server')).get('valkey_version', 'none')} ({jemalloc() or 'glibc'})",
        redcat=version("redcat"),
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
