"""Whether Redis answers, asked over connections of its own."""

from app.redis_store.link import Dial, Link, require
from app.redis_store.resp import command

PING = command("PING")


class Ping:
    """Asks the server of each shard; keeps one connection to each."""

    def __init__(self, dial: Dial, shards: int) -> None:
        self._dial = dial
        self._shards = range(shards)
        self._links: dict[int, Link] = {}

    async def __call__(self) -> None:
        """Return when all have answered; raises Unavailable when one does not, Misconfigured when it lets us not in."""
        for shard in self._shards:
            link = self._links.get(shard)
            if link is None or link.lost is not None:
                link = self._links[shard] = await self._dial(shard)
            require((await link.ask(PING))[0], "Redis")

    def close(self) -> None:
        """Give the connections up."""
        for link in self._links.values():
            link.close()
