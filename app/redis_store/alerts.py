"""Alerts in Redis: what the acting evaluator remembers, and what people asked for.

Every script that writes what is remembered names the tip it builds on and is refused on any other, as with lanes; the
lease only keeps a second evaluator from taking over while the first one works.  All keys share one hash tag:

    GROUP:{0}:alerts:tip           nonce of the acting evaluator and number of its last commit
    GROUP:{0}:alerts:lease         nonce, expires by itself
    GROUP:{0}:alerts               hash: state, unpublished (transitions not known to be in Kafka), published (a tip),
                                   memory (what detectors have learnt, for evaluators that begin)
    GROUP:{0}:alerts:silences      hash: id -> JSON
    GROUP:{0}:alerts:acknowledged  hash: alert id -> JSON
"""

from typing import Final, NamedTuple

from app.redis_store.forms import pack_tip, unpack_tip
from app.redis_store.link import Dial, Link, Reply, require
from app.redis_store.resp import Value, command
from streams.records import Tip

_TIP_IS: Final = """
local tip = redis.call('GET', KEYS[1])
redis.call('HLEN', KEYS[2])
redis.call('GET', KEYS[3])
if tip ~= ARGV[1] then return {err = 'REFUSED the alerts stand at ' .. tostring(tip)} end
"""

# ARGV: nonce, length of the lease in ms.
_ACQUIRE: Final = """
local holder, tip = redis.call('GET', KEYS[3]), redis.call('GET', KEYS[1])
local kept = redis.call('HMGET', KEYS[2], 'state', 'unpublished', 'published')
if holder and holder ~= ARGV[1] then return false end
local sequence = tip and string.match(tip, ':(%d+)$') or '0'
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. sequence)
return {sequence, kept[1], kept[2], kept[3]}
"""

# ARGV: tip, new tip, state, transitions or nothing, memory or nothing (the one there stays).
_COMMIT: Final = (
    _TIP_IS
    + """
if redis.call('HEXISTS', KEYS[2], 'unpublished') == 1 then return {err = 'REFUSED transitions wait'} end
redis.call('HSET', KEYS[2], 'state', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'unpublished', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], 'memory', ARGV[5]) end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
)

# ARGV: tip, tip of what was published.
_PUBLISHED: Final = (
    _TIP_IS
    + """
redis.call('HDEL', KEYS[2], 'unpublished')
redis.call('HSET', KEYS[2], 'published', ARGV[2])
return 1
"""
)

# ARGV: tip, new tip, state, tip of what was published.
_RESTORE: Final = (
    _TIP_IS
    + """
redis.call('HDEL', KEYS[2], 'unpublished')
redis.call('HSET', KEYS[2], 'state', ARGV[3], 'published', ARGV[4])
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
)

# ARGV: nonce, length of the lease in ms; 0 gives it up.  A commit may be on its way: only the owner counts.
_RENEW: Final = """
local tip = redis.call('GET', KEYS[1])
if not tip or string.match(tip, '^(.*):%d+$') ~= ARGV[1] then
  return {err = 'REFUSED the alerts stand at ' .. tostring(tip)}
end
if ARGV[2] == '0' then redis.call('DEL', KEYS[3]) else redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2]) end
return 1
"""


class Unpublished(NamedTuple):
    """Transitions that may or may not have reached Kafka, and the tip they were committed with."""

    tip: Tip
    value: bytes


class Remembered(NamedTuple):
    """What an evaluator finds when it begins to act."""

    tip: Tip
    state: bytes | None
    unpublished: Unpublished | None
    published: Tip | None


class AlertKeys:
    """The names of everything about alerts in Redis."""

    def __init__(self, group: str) -> None:
        self.state = f"{group}:{{0}}:alerts".encode()
        self.tip = self.state + b":tip"
        self.lease = self.state + b":lease"
        self.silences = self.state + b":silences"
        self.acknowledged = self.state + b":acknowledged"


class AlertStore:
    """What is remembered about alerts; a link that broke is dialled anew by the next call."""

    def __init__(self, dial: Dial, group: str) -> None:
        self._dial = dial
        self._keys = AlertKeys(group)
        self._link: Link | None = None

    async def acquire(self, nonce: str, lease_ms: int) -> Remembered | None:
        """Become the acting evaluator, unless another one has the lease."""
        reply = await self._run(_ACQUIRE, nonce, lease_ms)
        if reply is None:
            return None
        sequence, state, unpublished, published = reply
        known = None if published is None else unpack_tip(published, self._keys.state)
        return Remembered(Tip(nonce, int(sequence)), state, self._waiting(unpublished), known)

    async def commit(self, tip: Tip, state: bytes, transitions: bytes | None, memory: bytes | None = None) -> Tip:
        """Remember a step; returns the new tip.  Refused if somebody else acts by now, or transitions still wait."""
        new = Tip(tip.nonce, tip.sequence + 1)
        waiting = b"" if transitions is None else pack_tip(new) + b" " + transitions
        await self._run(_COMMIT, pack_tip(tip), pack_tip(new), state, waiting, memory or b"")
        return new

    async def published(self, tip: Tip, of: Tip) -> None:
        """Remember that the transitions committed with a tip are in Kafka."""
        await self._run(_PUBLISHED, pack_tip(tip), pack_tip(of))

    async def restore(self, tip: Tip, state: bytes, published: Tip) -> Tip:
        """Put a state that was lost in place of what is there; returns the new tip, beyond the published one."""
        new = Tip(tip.nonce, max(tip.sequence, published.sequence) + 1)
        await self._run(_RESTORE, pack_tip(tip), pack_tip(new), state, pack_tip(published))
        return new

    async def renew(self, tip: Tip, lease_ms: int) -> None:
        """Keep the lease."""
        await self._run(_RENEW, tip.nonce, lease_ms)

    async def release(self, tip: Tip) -> None:
        """Let another one act at once."""
        await self._run(_RENEW, tip.nonce, 0)

    async def state(self) -> bytes | None:
        """What is remembered, for whoever only looks."""
        state: bytes | None = await self._ask("HGET", self._keys.state, "state")
        return state

    async def memory(self) -> bytes | None:
        """What detectors had learnt when that was remembered last."""
        memory: bytes | None = await self._ask("HGET", self._keys.state, "memory")
        return memory

    async def asked(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Silences by their id and acknowledgements by alert."""
        link = await self._connected()
        replies = await link.ask(command("HGETALL", self._keys.silences), command("HGETALL", self._keys.acknowledged))
        silences, acknowledged = (require(reply, self._keys.state) for reply in replies)
        return _texts(silences), _texts(acknowledged)

    async def put_silence(self, silence_id: str, value: bytes) -> None:
        """Add a silence."""
        await self._ask("HSET", self._keys.silences, silence_id, value)

    async def end_silence(self, silence_id: str) -> bool:
        """Remove a silence; false if there is none."""
        return bool(await self._ask("HDEL", self._keys.silences, silence_id))

    async def put_acknowledgement(self, alert_id: str, value: bytes) -> None:
        """Say that somebody looks after an alert."""
        await self._ask("HSET", self._keys.acknowledged, alert_id, value)

    async def forget_acknowledgements(self, alert_ids: list[str]) -> None:
        """Remove those of alerts that are over."""
        if alert_ids:
            await self._ask("HDEL", self._keys.acknowledged, *alert_ids)

    async def close(self) -> None:
        """Close the connection."""
        if self._link is not None:
            self._link.close()

    def _waiting(self, value: bytes | None) -> Unpublished | None:
        if value is None:
            return None
        tip, _, transitions = value.partition(b" ")
        return Unpublished(unpack_tip(tip, self._keys.state), transitions)

    async def _run(self, script: str, *arguments: Value) -> Reply:
        keys = self._keys
        return await self._ask("EVAL", script, 3, keys.tip, keys.state, keys.lease, *arguments)

    async def _ask(self, *words: Value) -> Reply:
        link = await self._connected()
        (reply,) = await link.ask(command(*words))
        return require(reply, self._keys.state)

    async def _connected(self) -> Link:
        if self._link is None or self._link.lost is not None:
            self._link = await self._dial(0)
        return self._link


def _texts(items: list[bytes]) -> dict[str, bytes]:
    return {name.decode(): value for name, value in zip(items[::2], items[1::2], strict=True)}
