"""Forgetting a journey: erased with its entries in the index of orders, in one atomic step.

The step also gives the lane's tip a new nonce, as an acquire would: an owner that has the journey in hand is refused
and takes the lane over anew.  What the journey had counted is kept as sums, and the fact that it was forgotten with a
keyed hash of its token; the token itself is nowhere in them.
"""

import hmac
import secrets
from collections.abc import Mapping
from hashlib import sha256
from itertools import islice
from typing import Final, NamedTuple

from hiredis import ReplyError

from app.redis_store.forms import pack_tip, unpack_tip
from app.redis_store.keys import LaneKeys, forgetting_key
from app.redis_store.link import Link, Reply, failure, require
from app.redis_store.order_index import OrderChanges
from app.redis_store.reader import Reader
from app.redis_store.resp import command
from streams.commits import Orders
from streams.errors import LaneStopped
from streams.records import Tip

SECRET_BYTES: Final = 32
MULTI: Final = command("MULTI")
EXEC: Final = command("EXEC")
UNWATCH: Final = command("UNWATCH")


class Erasure(NamedTuple):
    """A journey that is to go, as it was read, and what is to stay of it."""

    lane: int
    token: str
    value: bytes
    orders: list[str]  # that it holds
    counted: Mapping[str, int]
    at_ms: int


async def keyed_hash(reader: Reader, group: str, token: str) -> str:
    """What stands for a forgotten token: HMAC-SHA256 under a key that is made once for a namespace."""
    return hash_of(await secret_of(reader, group), token)


async def secret_of(reader: Reader, group: str) -> bytes:
    """The key of those hashes; made if there is none."""
    ((link, _),) = islice(reader.lane_links(), 1)
    key = forgetting_key(group)
    made, secret = await link.ask(command("SET", key, secrets.token_bytes(SECRET_BYTES), "NX"), command("GET", key))
    require(made, key)
    found: bytes = require(secret, key)
    return found


def hash_of(secret: bytes, token: str) -> str:
    """What stands for a token."""
    return hmac.new(secret, token.encode(), sha256).hexdigest()


async def times_forgotten(reader: Reader, lane: int, token_hash: str) -> list[int]:
    """When a token of the lane was forgotten, in ms."""
    ((link, keys),) = islice(reader.lane_links(), lane, lane + 1)
    (times,) = await link.ask(command("HGET", keys.forgettings, token_hash))
    return [int(time) for time in (require(times, keys.forgettings) or b"").split()]


async def erase(reader: Reader, erasure: Erasure, token_hash: str) -> bool:
    """Erase the journey if it still is what it was, and nothing moves the lane meanwhile; else change nothing."""
    ((link, keys),) = islice(reader.lane_links(), erasure.lane, erasure.lane + 1)
    orders = OrderChanges(keys.shard, Orders(0, [], [], [(order_id, erasure.token) for order_id in erasure.orders]))
    try:
        seen = await _look(link, keys, erasure, orders, token_hash)
    except BaseException:
        link.tell(UNWATCH)
        raise
    if seen is None:
        link.tell(UNWATCH)
        return False
    tip, times = seen
    requests, last = [command("DEL", keys.shard.journey(erasure.token))], list[bytes]()
    orders.write(requests, last)
    requests += [
        *(command("HINCRBY", keys.forgotten, name, count) for name, count in erasure.counted.items()),
        command("HSET", keys.forgettings, token_hash, b" ".join((*times, b"%d" % erasure.at_ms))),
        command("SET", keys.tip, pack_tip(Tip(secrets.token_hex(8), tip.sequence))),
    ]
    *queued, done = await link.ask(MULTI, *requests, *last, EXEC)
    return _took_place(done, queued)


async def _look(
    link: Link, keys: LaneKeys, erasure: Erasure, orders: OrderChanges, token_hash: str
) -> tuple[Tip, list[bytes]] | None:
    """The tip, and when the token was forgotten before; None if the journey is another one.

    All that could fail in the step is looked at here, for it would not be undone.
    """
    journey = keys.shard.journey(erasure.token)
    _, tip, value, fields, times, *kinds = await link.ask(
        command("WATCH", keys.tip, journey),
        command("GET", keys.tip),
        command("GET", journey),
        command("HLEN", keys.forgotten),
        command("HGET", keys.forgettings, token_hash),
        *orders.look(),
    )
    require(fields, keys.forgotten)
    orders.judge(iter(kinds))
    before = (require(times, keys.forgettings) or b"").split()
    if require(value, "the journey") != erasure.value or require(tip, keys.tip) is None:
        return None
    return unpack_tip(tip, keys.tip), before


def _took_place(done: Reply, queued: list[Reply]) -> bool:
    if done is None:
        return False
    errors = [reply for reply in (*queued, *(done if isinstance(done, list) else [])) if isinstance(reply, ReplyError)]
    if isinstance(done, ReplyError):
        raise failure(errors[0] if errors else done, "it was not forgotten")
    if errors:
        raise LaneStopped(f"somebody else wrote to the keys of a lane while a journey was forgotten: {errors[0]}")
    return True
