"""When each lane moved last, as Redis shows it: how soon the lanes go on after a fault."""

import asyncio
from contextlib import suppress
from typing import Final, cast

from redis.exceptions import RedisError

from app.redis_store.forms import unpack_tip
from app.redis_store.keys import LaneKeys, ShardKeys
from tests.chaos.servers import Servers

LOOK_EVERY_S: Final = 0.05
RECONNECT_S: Final = 0.1


class Pulse:
    """Looks at the token lanes all the time; their traffic never ceases, so a lane that does not move stands still."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        shard = ShardKeys(servers.direct.group, 0)
        self._keys = [LaneKeys(shard, lane).tip for lane in range(servers.direct.partitions)]
        self._sequences = [0] * len(self._keys)
        self._moved_s = [0.0] * len(self._keys)

    async def watch(self) -> None:
        """Look until cancelled; a Redis that is away is waited for."""
        while True:
            with suppress(RedisError, OSError):
                await self._watch_one()
            await asyncio.sleep(RECONNECT_S)

    async def _watch_one(self) -> None:
        primary = self._servers.valkey
        async with self._servers.redis() as redis:
            while self._servers.valkey is primary:
                self._take(cast("list[bytes | None]", await redis.mget([*self._keys])))
                await asyncio.sleep(LOOK_EVERY_S)

    def _take(self, tips: list[bytes | None]) -> None:
        now_s = asyncio.get_running_loop().time()
        for lane, (key, value) in enumerate(zip(self._keys, tips, strict=True)):
            sequence = 0 if value is None else unpack_tip(value, key).sequence
            if sequence > self._sequences[lane]:
                self._moved_s[lane] = now_s
            self._sequences[lane] = sequence

    async def moved_all(self, since_s: float) -> float:
        """Loop time at which the last of the lanes had its first commit after `since_s`."""
        first: dict[int, float] = {}
        while len(first) < len(self._keys):
            for lane, at_s in enumerate(self._moved_s):
                if at_s > since_s:
                    first.setdefault(lane, at_s)
            await asyncio.sleep(LOOK_EVERY_S)
        return max(first.values())
