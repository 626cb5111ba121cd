"""The commit as one Lua script, in the forms that were tried; what the store does instead is cheaper."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from app.redis_store.cells import cell_id, name_code
from app.redis_store.forms import pack_entry, pack_state, pack_tip
from app.redis_store.keys import LaneKeys, ShardKeys, pack_tokens
from app.redis_store.link import Link, require
from app.redis_store.resp import Value, command
from streams.commits import Commit, Journeys
from streams.records import Tip

LUA_ARGUMENTS: Final = 3_800  # of one call: Lua's stack holds no more than 8,000 values

# ARGV: tip, new tip, state, entry's name, entry, trimmed name, number of counter values, counters, journeys.
_CHANGES: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {err = 'REFUSED'} end
local last = 7 + tonumber(ARGV[7])
local i = 8
while i <= last do
  local kind = redis.call('TYPE', ARGV[i]).ok
  if kind ~= 'none' and kind ~= 'hash' then return {err = 'WRONGTYPE ' .. ARGV[i]} end
  i = i + 2 + 2 * ARGV[i + 1]
end
i = 8
while i <= last do
  local key, fields = ARGV[i], i + 2 * ARGV[i + 1]
  for field = i + 2, fields, 2 do redis.call('HINCRBY', key, ARGV[field], ARGV[field + 1]) end
  i = fields + 2
end
redis.call('HDEL', KEYS[3], ARGV[6])
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])
redis.call('HSET', KEYS[2], 'state', ARGV[3])
redis.call('SET', KEYS[1], ARGV[2])
"""

# Each form takes the journeys in its own way.
SCRIPTS: Final = {
    "script with SET": _CHANGES
    + """
for j = last + 1, #ARGV, 3 do redis.call('SET', ARGV[j], ARGV[j + 1], 'PX', ARGV[j + 2]) end
return 1
""",
    "script with MSETEX": _CHANGES
    + """
local j = last + 1
while j <= #ARGV do
  local count = tonumber(ARGV[j])
  local call = {'MSETEX', ARGV[j], unpack(ARGV, j + 2, j + 1 + 2 * count)}
  call[#call + 1] = 'PX'
  call[#call + 1] = ARGV[j + 1]
  redis.call(unpack(call))
  j = j + 2 + 2 * count
end
return 1
""",
    "script with packed MSETEX": _CHANGES
    + """
for j = last + 1, #ARGV do redis.call(unpack(cmsgpack.unpack(ARGV[j]))) end
return 1
""",
}


class ScriptStore:
    """Commits like the store, but by one script; without cells' definitions and without a look at the counters."""

    def __init__(self, link: Link, group: str, form: str) -> None:
        self._link = link
        self._shard = ShardKeys(group, 0)
        self._keys = LaneKeys(self._shard, 0)
        self._form = form

    async def commit(self, _lane: int, tip: Tip, commit: Commit) -> Tip:
        """Apply a commit that has an entry."""
        new_tip = Tip(tip.nonce, tip.sequence + 1)
        counters = list(self._counters(commit))
        entry = b"" if commit.entry is None else pack_entry(commit.entry)
        trimmed = b"" if commit.trim is None else pack_tip(commit.trim)
        lane = (pack_tip(tip), pack_tip(new_tip), pack_state(commit, 0), pack_tip(new_tip), entry, trimmed)
        keys = (3, self._keys.tip, self._keys.state, self._keys.outbox)
        values = (*keys, *lane, len(counters), *counters, *self._journeys(commit.journeys))
        (reply,) = await self._link.ask(command("EVAL", SCRIPTS[self._form], *values))
        require(reply, "script")
        return new_tip

    def _counters(self, commit: Commit) -> Iterator[Value]:
        lines: list[Value] = [self._keys.ledger, len(commit.increments.ledger)]
        for line, change in commit.increments.ledger.items():
            lines += (line, change)
        yield from lines
        for note_id, cells in commit.increments.cells.items():
            fields: list[Value] = []
            for cell, counters in cells.items():
                for name, change in counters.items():
                    fields += (cell_id(cell) + name_code(name)[1], change)
            yield from (self._shard.note(note_id), len(fields) // 2, *fields)

    def _journeys(self, groups: Sequence[Journeys]) -> Iterator[Value]:
        for lifetime_ms, tokens, values in groups:
            ttl_ms = str(lifetime_ms)  # all journeys of the load expire
            keys = [self._shard.journey_prefix + packed for packed in pack_tokens(tokens)]
            if self._form == "script with SET":
                for key, value in zip(keys, values, strict=True):
                    yield from (key, value, ttl_ms)
                continue
            for start in range(0, len(keys), LUA_ARGUMENTS // 2):
                part = slice(start, start + LUA_ARGUMENTS // 2)
                pairs: list[Value] = [*chain(*zip(keys[part], values[part], strict=True))]
                if self._form == "script with MSETEX":
                    yield from (len(pairs) // 2, ttl_ms, *pairs)
                else:
                    yield _packed(["MSETEX", len(pairs) // 2, *pairs, "PX", ttl_ms])


def _packed(values: Sequence[Value]) -> bytes:
    """A msgpack array of raw strings: the server's Lua library knows no bytes."""
    texts = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    body = b"".join(b"\xda" + len(text).to_bytes(2, "big") + text for text in texts)
    return b"\xdc" + len(texts).to_bytes(2, "big") + body
