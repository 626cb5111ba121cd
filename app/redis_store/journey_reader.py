"""Single journeys as Redis holds them, for people.  Writes nothing."""

from itertools import islice
from typing import Final, NamedTuple

from app.redis_store.forms import unpack_state, unpack_words
from app.redis_store.keys import LaneKeys, pack_token
from app.redis_store.link import Link, require
from app.redis_store.reader import Reader
from app.redis_store.resp import command
from streams.murmur2 import partition_of

WORDS: Final = 10_000  # in one request, so that the server never stands still for long


class StoredJourney(NamedTuple):
    """A journey and what is needed to read it."""

    lane: int
    value: bytes
    ttl_ms: int | None  # how long it will still be kept; None: for ever
    words: list[str]  # of its lane
    policies: list[int]  # of its lane, in the order in which they entered it


class JourneyReader:
    """Finds journeys by token and by order."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def policies(self) -> dict[int, str]:
        """The canonical JSON of every policy of the namespace, by version."""
        return self._reader.namespace.in_force

    async def journey(self, token: str) -> StoredJourney | None:
        """What is held of a token."""
        lane = partition_of(token.encode(), self._reader.namespace.partitions)
        ((link, keys),) = islice(self._reader.lane_links(), lane, lane + 1)
        key = keys.shard.journey_prefix + pack_token(token)
        value, ttl = await link.ask(command("GET", key), command("PTTL", key))
        if require(value, key) is None:
            return None
        # Words only grow, so that those read after the journey hold all that it names.
        (state,) = await link.ask(command("HGET", keys.state, "state"))
        policies = unpack_state(require(state, keys.state), keys.state).policies
        left = require(ttl, key)
        return StoredJourney(lane, value, left if left >= 0 else None, await words_of(link, keys), policies)

    async def tokens_of_order(self, order_id: str) -> list[str]:
        """The tokens whose journeys hold an order."""
        return await self._reader.tokens_of_order(order_id)


async def words_of(link: Link, keys: LaneKeys) -> list[str]:
    """What the journeys of a lane name by number."""
    words: list[str] = []
    while True:
        (reply,) = await link.ask(command("LRANGE", keys.words, len(words), len(words) + WORDS - 1))
        page = unpack_words(require(reply, keys.words), keys.words)
        words += page
        if len(page) < WORDS:
            return words
