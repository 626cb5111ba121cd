"""Whether Redis answers, asked over connections of its own; and what waits in Kafka, left there for people."""

from collections.abc import Mapping
from typing import Final

from app.redis_store.keys import LaneKeys, ShardKeys
from app.redis_store.link import Dial, Link, require
from app.redis_store.resp import command

PING: Final = command("PING")
KEPT_MS: Final = 30_000


class Ping:
    """Asks the server of each shard; keeps one connection to each."""

    def __init__(self, dial: Dial, group: str, shards: int) -> None:
        self._dial = dial
        self._shards = [ShardKeys(group, shard) for shard in range(shards)]
        self._links: dict[int, Link] = {}

    async def __call__(self, waiting: Mapping[int, int]) -> None:
        """Return when all have answered and know how many records wait for these lanes.

        Raises Unavailable when one does not answer, Misconfigured when it lets us not in.
        """
        for shard, keys in enumerate(self._shards):
            link = self._links.get(shard)
            if link is None or link.lost is not None:
                link = self._links[shard] = await self._dial(shard)
            notes = [
                command("SET", LaneKeys(keys, lane).waiting, count, "PX", KEPT_MS)
                for lane, count in waiting.items()
                if lane % len(self._shards) == shard
            ]
            for reply in await link.ask(PING, *notes):
                require(reply, "Redis")

    def close(self) -> None:
        """Give the connections up."""
        for link in self._links.values():
            link.close()
