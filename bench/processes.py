"""What processes use: processor time and memory as the Linux kernel counts them."""

import os
import resource
from pathlib import Path

from redis.asyncio import Redis

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def processor_s(pid: int) -> float:
    """User and system time that a running process has used so far, to a hundredth of a second."""
    # The name in brackets may hold anything; what follows it does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / _TICKS_PER_S


def ended_processes_s() -> float:
    """User and system time of all child processes that have ended, to a microsecond."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rss_mib(pid: int, *, peak: bool = False) -> float:
    """Resident memory of a running process, at present or at its highest; 0 when it has ended."""
    name = "VmHWM:" if peak else "VmRSS:"
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


async def redis_processor_s(redis: Redis) -> float:
    """User and system time that the Redis server says it has used."""
    used = await redis.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])
