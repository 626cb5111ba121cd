"""The index from orders to the tokens whose journeys hold them.

Nearly every order has one token, so that is a plain string, with the lifetime of the journey; only where a second token
turns up, the order gets a set.  Older versions kept a set for every order: those are read and changed as they are.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from app.redis_store.keys import ShardKeys, pack_token, unpack_token
from app.redis_store.link import Link, Reply, require
from app.redis_store.resp import command
from streams.errors import LaneStopped
from streams.ports import Orders

PAGE_KEYS: Final = 2_000  # looked at for one page of orders

# KEYS: set of reused orders, then one key for each pair.  ARGV: lifetime in ms, how many pairs are held (the others are
# gone), then order and token of each pair.  Only here can a token be seen to be the second, whichever lane comes first.
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


class OrderChanges:
    """What one atomic step changes in the index of a shard; nothing with None."""

    def __init__(self, keys: ShardKeys, orders: Orders | None) -> None:
        self._orders = orders
        pairs = () if orders is None else (*orders.held, *orders.gone)
        self._told = [text for order_id, token in pairs for text in (order_id, pack_token(token))]
        self._keys = [keys.reused, *(keys.order(order_id) for order_id, _ in pairs)] if pairs else []

    def look(self) -> list[bytes]:
        """Requests that show whether the change can fail."""
        return [command("TYPE", key) for key in self._keys]

    def judge(self, replies: Iterator[Reply]) -> None:
        """Raises LaneStopped if the change would fail."""
        takes: tuple[bytes, ...] = (b"none", b"set")
        for key in self._keys:
            kind = require(next(replies), key)
            if kind not in takes:
                raise LaneStopped(f"{key.decode()} is a {kind.decode()}, which takes no tokens of orders")
            takes = (b"none", b"string", b"set")

    def write(self, pieces: list[bytes]) -> int:
        """Append the request that makes the change; returns the number of requests."""
        if self._orders is None or not self._keys:
            return 0
        numbers = self._orders.ttl_ms, len(self._orders.held)
        pieces.append(command("EVAL", _CHANGE, len(self._keys), *self._keys, *numbers, *self._told))
        return 1


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
