"""The servers of a chaos run: Kafka and Valkey, each behind a proxy, and what can happen to them."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from redis.asyncio import Redis

from app.local_stack.kafka_server import KafkaServer, Listener
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.settings import Settings
from tests.chaos.append_log import AppendLog
from tests.chaos.proxy import Proxy

FULL: Final = "1mb"  # less than any Valkey uses
SYNCED_S: Final = 60.0
POLL_S: Final = 0.05


class Servers:
    """An async context manager; workers reach the servers through `kafka_proxy` and `redis_proxy`."""

    def __init__(self, folder: Path, partitions: int) -> None:
        ports = [free_port() for _ in range(7)]
        workers = Listener("WORKERS", ports[1], advertised_port=ports[2])
        self.kafka = KafkaServer(ports[0], folder / "kafka", listeners=[workers])
        self.kafka_proxy = Proxy(ports[2], ports[1])
        self.valkey = ValkeyServer(ports[3], folder / "valkey-0", durable=True)
        self.redis_proxy = Proxy(ports[4], ports[3])
        self._replica_proxy = Proxy(ports[5], ports[3])
        self._folder = folder
        self._replicas = 0
        self._log = AppendLog(self.valkey.data)
        self._looking: asyncio.Task[None] | None = None
        self._parts = AsyncExitStack()
        self.direct = Settings(kafka=self.kafka.address, redis=self.valkey.url, partitions=partitions, group="chaos")

    @property
    def proxied(self) -> Settings:
        """The settings of those who come through the proxies."""
        kafka, redis = f"127.0.0.1:{self.kafka_proxy.port}", f"redis://127.0.0.1:{self.redis_proxy.port}/0"
        return replace(self.direct, kafka=kafka, redis=redis)

    def redis(self) -> Redis:
        """A client of the present primary, past the proxy."""
        return Redis(port=self.valkey.port, socket_timeout=2.0, socket_connect_timeout=2.0)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            for proxy in (self.kafka_proxy, self.redis_proxy, self._replica_proxy):
                await parts.enter_async_context(proxy)
            parts.push_async_callback(self._stop)
            await asyncio.gather(self.kafka.start(), self.valkey.start())
            self._looking = asyncio.create_task(self._log.watch())
            self._parts = parts.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._parts.aclose()

    async def _stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.gather(self.kafka.kill(), self.valkey.kill())

    async def crash_kafka(self, away_s: float) -> None:
        """Kill Kafka and start it again after a while."""
        await self.kafka.kill()
        await asyncio.sleep(away_s)
        await self.kafka.start()

    async def fail_power_of_valkey(self, lost_s: float, away_s: float) -> int:
        """Kill Valkey, take the last moment from its append-only file, start it again; how many bytes were lost."""
        await self.valkey.kill()
        lost = self._log.cut(lost_s)
        await asyncio.sleep(away_s)
        await self.valkey.start()
        return lost

    async def fail_over(self, lag_s: float) -> None:
        """Make a replica that lags by `lag_s` the primary; the old one is gone for good."""
        self._replicas += 1
        replica = ValkeyServer(free_port(), self._folder / f"valkey-{self._replicas}", durable=True)
        self._replica_proxy.target_port = self.valkey.port
        await replica.start()
        try:
            async with Redis(port=replica.port) as told:
                await told.replicaof("127.0.0.1", self._replica_proxy.port)
                await self._until_synced(told)
                self._replica_proxy.hold()
                await asyncio.sleep(lag_s)
                await self.valkey.kill()
                self._replica_proxy.cut()
                await told.replicaof("NO", "ONE")
        except BaseException:
            await replica.kill()
            raise
        finally:
            self._replica_proxy.let_go()
        await self._promote(replica)

    async def _promote(self, replica: ValkeyServer) -> None:
        old, self.valkey = self.valkey, replica
        if self._looking is not None:
            self._looking.cancel()
        self._log = AppendLog(replica.data)
        self._looking = asyncio.create_task(self._log.watch())
        self.direct = replace(self.direct, redis=replica.url)
        self.redis_proxy.target_port = replica.port
        self.redis_proxy.cut()
        await asyncio.to_thread(shutil.rmtree, old.data, ignore_errors=True)

    async def _until_synced(self, replica: Redis) -> None:
        """Return when the replica has all that the primary has, and its append-only file is whole again."""
        async with asyncio.timeout(SYNCED_S):
            while True:
                told = await replica.info("replication")
                kept = await replica.info("persistence")
                rewriting = kept["aof_rewrite_in_progress"] or kept["aof_rewrite_scheduled"]
                if told.get("master_link_status") == "up" and not told["master_sync_in_progress"] and not rewriting:
                    return
                await asyncio.sleep(POLL_S)

    async def fill_valkey(self, seconds: float) -> None:
        """Let Valkey refuse every write for want of memory for a while."""
        await self._set_maxmemory(FULL)
        await asyncio.sleep(seconds)
        await self._set_maxmemory("0")

    async def _set_maxmemory(self, limit: str) -> None:
        async with self.redis() as redis:
            await redis.config_set("maxmemory", limit)

    async def heal(self) -> None:
        """Both servers up, and nothing between them and the workers."""
        for proxy in (self.kafka_proxy, self.redis_proxy):
            proxy.delay_s = 0.0
            proxy.let_go()
        if not self.kafka.process.running:
            await self.kafka.start()
        if not self.valkey.process.running:
            await self.valkey.start()
        await self._set_maxmemory("0")
