"""A Redis Cluster of embedded Valkeys: three primaries, replicas if wanted, slots that move and nodes that die."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.redis_store.cluster import SLOTS

PRIMARIES = 3
READY_S = 20.0
POLL_S = 0.02
MIGRATE_KEYS = 50


class ValkeyCluster:
    """Nodes 0 to 2 begin as primaries of a third of the slots each; node 3 + n as replica of node n."""

    def __init__(self, data: Path, *, replicas: bool = False) -> None:
        self.nodes = [_node(data / str(number)) for number in range(PRIMARIES * (2 if replicas else 1))]

    @property
    def urls(self) -> str:
        """What REDCAT_REDIS takes."""
        return ",".join(f"redis://127.0.0.1:{node.port}" for node in self.nodes[:PRIMARIES])

    async def start(self) -> None:
        """Start the nodes and make them a cluster that takes every key."""
        await asyncio.gather(*(node.start() for node in self.nodes))
        for number, node in enumerate(self.nodes):
            await self.tell(node, "CONFIG", "SET", "cluster-allow-replica-migration", "no")
            await self.tell(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            bus = node_bus(self.nodes[0])
            await self.tell(node, "CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, bus)
        for number, node in enumerate(self.nodes[:PRIMARIES]):
            first, end = (SLOTS * share // PRIMARIES for share in (number, number + 1))
            await self.tell(node, "CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for primary, replica in zip(self.nodes, self.nodes[PRIMARIES:], strict=False):
            name = await self.name(primary)
            await _until(lambda replica=replica, name=name: self._follows(replica, name))  # type: ignore[misc]  # a lambda
        await self.until_whole()

    async def stop(self) -> None:
        """End all nodes."""
        await asyncio.gather(*(node.kill() for node in self.nodes))

    async def flush(self) -> None:
        """Remove every key."""
        for node in self.nodes[:PRIMARIES]:
            await self.tell(node, "FLUSHALL")

    async def tell(self, node: ValkeyServer, *command: str | int | bytes) -> Any:
        """Any command to one node, and its reply."""
        async with Redis(port=node.port) as redis:
            return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # untyped there

    async def name(self, node: ValkeyServer) -> str:
        """The node's id in the cluster."""
        return str((await self.tell(node, "CLUSTER", "MYID")).decode())

    async def primaries(self) -> list[ValkeyServer]:
        """The nodes that serve slots."""
        alive = [node for node in self.nodes if node.process.running]
        return [node for node in alive if (await self.tell(node, "INFO", "replication"))["role"] == "master"]

    async def primary_of(self, slot: int) -> ValkeyServer:
        """The node that serves a slot, by its own account."""
        for node in self.nodes:
            if node.process.running and await self._serves(node, slot):
                return node
        raise LookupError(f"nobody serves slot {slot}")

    async def until_whole(self) -> None:
        """Wait until every running node sees all slots served and every replica follows its primary."""
        for node in self.nodes:
            if node.process.running:
                await _until(lambda node=node: self._is_whole(node))  # type: ignore[misc]  # a lambda

    async def move(self, slot: int, target: ValkeyServer) -> None:
        """Move a slot key by key, as the tools of Redis do."""
        source = await self.primary_of(slot)
        await self.begin_move(slot, source, target)
        while keys := await self.tell(source, "CLUSTER", "GETKEYSINSLOT", slot, MIGRATE_KEYS):
            await self.tell(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
        await self.end_move(slot, source, target)

    async def begin_move(self, slot: int, source: ValkeyServer, target: ValkeyServer) -> None:
        """From here on keys of the slot may be on either node."""
        await self.tell(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", await self.name(source))
        await self.tell(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", await self.name(target))

    async def end_move(self, slot: int, source: ValkeyServer, target: ValkeyServer) -> None:
        """The slot is the target's."""
        for node in (target, source):
            await self.tell(node, "CLUSTER", "SETSLOT", slot, "NODE", await self.name(target))

    async def move_at_once(self, slot: int, target: ValkeyServer) -> None:
        """Move a slot atomically, as Valkey 9 can."""
        source, name = await self.primary_of(slot), await self.name(target)
        await self.tell(source, "CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name)
        await _until(lambda: self._serves(target, slot))

    async def fail_over(self, slot: int) -> ValkeyServer:
        """Kill the node that serves a slot, wait until its replica does; returns the dead one."""
        dead = await self.primary_of(slot)
        await dead.kill()
        others = [node for node in self.nodes if node.process.running]

        async def taken_over() -> bool:
            return any([await self._serves(node, slot) and await self._is_up(node) for node in others])

        await _until(taken_over)
        return dead

    async def _serves(self, node: ValkeyServer, slot: int) -> bool:
        me = await self.name(node)
        for first, last, primary, *_ in await self.tell(node, "CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return bool(primary[2].decode() == me)
        return False

    async def _follows(self, replica: ValkeyServer, name: str) -> bool:
        try:
            return bool(await self.tell(replica, "CLUSTER", "REPLICATE", name) in (b"OK", "OK", True))
        except RedisError:  # it has not heard of that node yet
            return False

    async def _is_up(self, node: ValkeyServer) -> bool:
        return b"cluster_state:ok" in await self.tell(node, "CLUSTER", "INFO")

    async def _is_whole(self, node: ValkeyServer) -> bool:
        info = await self.tell(node, "INFO", "replication")
        following = info.get("master_link_status", "up") == "up"
        nodes = sum(1 for known in self.nodes if known.process.running)
        met = len((await self.tell(node, "CLUSTER", "NODES")).splitlines()) >= nodes
        return following and met and await self._is_up(node)


@asynccontextmanager
async def valkey_cluster(data: Path, *, replicas: bool = False) -> AsyncIterator[ValkeyCluster]:
    """A cluster that is there and whole."""
    cluster = ValkeyCluster(data, replicas=replicas)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()


def node_bus(node: ValkeyServer) -> int:
    """The port on which a node talks to the others."""
    return int(node.settings["cluster-port"])


def _node(data: Path) -> ValkeyServer:
    cluster = {
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "cluster-node-timeout": "2000",
        "databases": "1",
        "repl-diskless-sync-delay": "0",
    }
    return ValkeyServer(free_port(), data, settings=cluster)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(READY_S):
        while not await holds():
            await asyncio.sleep(POLL_S)
