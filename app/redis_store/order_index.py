"""The index from orders to the tokens whose journeys hold them.

Nearly every order has one token, so that is a plain string, with the lifetime of the journey; only where a second token
turns up, the order gets a set.  Older versions kept a set for every order: those are read and changed as they are.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from app.redis_store.keys import ShardKeys, pack_token, unpack_token
from app.redis_store.link import Link, Reply, require
from app.redis_store.resp import command
from streams.commits import Orders
from streams.errors import LaneStopped

PAGE_KEYS: Final = 2_000  # looked at for one page of orders

# KEYS: set of reused orders, then one key for each pair.  ARGV: lifetime in ms, how many pairs are held (the others are
# gone), then order and token of each pair.
_CHANGE: Final = """
local function hold(key, order, token)
  local holder = redis.pcall('SET', key, token, 'NX', 'GET', 'PX', ARGV[1])
  if holder == false then return end
  if holder ~= token then
    if type(holder) == 'string' then
      redis.call('DEL', key)
      redis.call('SADD', key, holder)
    end
    if redis.call('SADD', key, token) == 1 and redis.call('SCARD', key) == 2 then
      redis.call('SADD', KEYS[1], order)
    end
  end
  redis.call('PEXPIRE', key, ARGV[1])
end
local function drop(key, order, token)
  local holder = redis.pcall('GET', key)
  if holder == token then
    redis.call('DEL', key)
  elseif type(holder) == 'table' and redis.call('SREM', key, token) == 1 and redis.call('SCARD', key) == 1 then
    redis.call('SREM', KEYS[1], order)
  end
end
for i = 2, #KEYS do
  local change = i - 1 <= tonumber(ARGV[2]) and hold or drop
  change(KEYS[i], ARGV[2 * i - 1], ARGV[2 * i])
end
return 1
"""


SEVERAL: Final = b""  # in the place of a holder: there are several, or were once
MOST_WATCHED: Final = 256  # keys; the server compares each with all before it, still in less time than the script takes


class Pair(NamedTuple):
    """An order and a token that holds it, or does no more."""

    key: bytes
    order_id: str
    token: bytes


class OrderChanges:
    """What one atomic step changes in the index of a shard; nothing with None.

    Nearly always a new order has no token yet, and a known one the same as before: that is seen before and written by
    plain commands.  The rest is left to the script, which takes the server ten times as long.
    """

    def __init__(self, keys: ShardKeys, orders: Orders | None) -> None:
        self._ttl_ms, *changes = orders or Orders(0, [], [], [])
        self._new, self._kept, self._gone = (
            [Pair(keys.order(order_id), order_id, pack_token(token)) for order_id, token in pairs] for pairs in changes
        )
        self._reused = keys.reused
        self._keys = list(dict.fromkeys(pair.key for pair in (*self._new, *self._kept, *self._gone)))
        self._holders: dict[bytes, bytes | None] = {}

    def look(self) -> list[bytes]:
        """Requests that show whether the change can fail, and who holds the orders."""
        if not self._keys:
            return []
        kinds = (command("TYPE", key) for key in (self._reused, *self._keys))
        watched = [pair.key for pair in self._new[:MOST_WATCHED]]
        watch = [command("WATCH", *watched)] if watched else []
        return [*watch, *kinds, command("MGET", *self._keys)]

    def judge(self, replies: Iterator[Reply]) -> None:
        """Raises LaneStopped if the change would fail."""
        if not self._keys:
            return
        if self._new:
            require(next(replies), self._reused)
        _require_kind(next(replies), self._reused, (b"none", b"set"))
        kinds = [_require_kind(next(replies), key, (b"none", b"string", b"set")) for key in self._keys]
        for key, kind, holder in zip(self._keys, kinds, require(next(replies), self._keys[0]), strict=True):
            self._holders[key] = SEVERAL if kind == b"set" else holder

    def write(self, pieces: list[bytes], last: list[bytes]) -> int:
        """Append the requests that make the change, the script to `last`; returns the number of requests."""
        start, contested = len(pieces), self._new[MOST_WATCHED:]
        for pair in self._new[:MOST_WATCHED]:
            # Nobody else has given it a token meanwhile: the key is watched.
            if self._holders[pair.key] is None:
                pieces.append(command("SET", pair.key, pair.token, "PX", self._ttl_ms))
                self._holders[pair.key] = pair.token
            else:
                contested.append(pair)
        for pair in self._kept:
            if self._holders[pair.key] == pair.token:
                pieces.append(command("PEXPIRE", pair.key, self._ttl_ms))
            else:
                contested.append(pair)
        if not contested and not self._gone:
            return len(pieces) - start
        changed = [*contested, *self._gone]
        keys = [self._reused, *(pair.key for pair in changed)]
        told = [text for pair in changed for text in (pair.order_id, pair.token)]
        last.append(command("EVAL", _CHANGE, len(keys), *keys, self._ttl_ms, len(contested), *told))
        return len(pieces) - start + 1


def _require_kind(reply: Reply, key: bytes, kinds: tuple[bytes, ...]) -> bytes:
    kind: bytes = require(reply, key)
    if kind not in kinds:
        raise LaneStopped(f"{key.decode()} is a {kind.decode()}, which takes no tokens of orders")
    return kind


async def tokens_of(link: Link, keys: ShardKeys, order_id: str) -> list[str]:
    """The tokens of one shard whose journeys hold an order."""
    key = keys.order(order_id)
    single, several = await link.ask(command("GET", key), command("SMEMBERS", key))
    if isinstance(single, bytes):
        return [unpack_token(single)]
    if single is None:
        return []
    return [unpack_token(token) for token in require(several, key)]


async def across_shards(shards: Sequence[tuple[Link, ShardKeys]]) -> set[str]:
    """The orders that tokens of several shards hold at present; no atomic step sees that, so all are looked up."""
    found: set[str] = set()
    for number, (link, keys) in enumerate(shards[:-1], 1):
        prefix, cursor = keys.order(""), b""
        while cursor != b"0":
            cursor, names = await link.scan(cursor or b"0", prefix, PAGE_KEYS)
            orders = [name[len(prefix) :].decode() for name in names]
            for other, others in shards[number:] if orders else ():
                replies = await other.ask(*(command("EXISTS", others.order(order_id)) for order_id in orders))
                there = [require(reply, others.base) for reply in replies]
                found.update(order_id for order_id, exists in zip(orders, there, strict=True) if exists)
    return found
