"""Scripts: three that move a lane without a commit, also when the server is at its maxmemory.

They are sent whole each time: they are short and rare, so none can be missing after a failover.
KEYS: tip, state, outbox, words of the lane.
"""

from typing import Final

from app.redis_store.forms import ENCODING
from app.redis_store.keys import LaneKeys
from app.redis_store.resp import Value, command

_CHECK_TYPES: Final = """#!lua flags=allow-oom
local expected = {'string', 'hash', 'hash', 'list'}
for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= expected[i] then
    return {err = 'WRONGTYPE ' .. key .. ' is a ' .. kind .. ', not a ' .. expected[i]}
  end
end
local tip = redis.call('GET', KEYS[1])
"""

_CHECK_TIP: Final = """
if tip ~= ARGV[1] then return {err = 'REFUSED the lane stands at ' .. tostring(tip)} end
"""

# ARGV: nonce, encoding of this version.  Returns sequence, fields of the state, entries of the outbox.
_ACQUIRE: Final = (
    _CHECK_TYPES
    + """
local encoding = redis.call('HGET', KEYS[2], 'encoding')
if (tip == false) ~= (encoding == false) then
  return {err = 'UNREADABLE one of ' .. KEYS[1] .. ' and ' .. KEYS[2] .. ' is missing'}
end
local sequence = tip and string.match(tip, '.:(%d+)$')
if tip and not (sequence and tonumber(encoding)) then
  return {err = 'UNREADABLE ' .. KEYS[1] .. ' holds no tip, or ' .. KEYS[2] .. ' no encoding'}
end
if tip and tonumber(encoding) > tonumber(ARGV[2]) then
  local known = ', this version reads up to ' .. ARGV[2] .. ': run a newer Redcat'
  return {err = 'NEWER it is stored in encoding ' .. encoding .. known}
end
sequence = sequence or '0'
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. sequence)
if not encoding then redis.call('HSET', KEYS[2], 'encoding', ARGV[2]) end
return {sequence, redis.call('HGETALL', KEYS[2]), redis.call('HVALS', KEYS[3])}
"""
)

# ARGV: tip, new tip, published tip or nothing.
_ROLLED_BACK: Final = (
    _CHECK_TYPES
    + _CHECK_TIP
    + """
redis.call('DEL', KEYS[3])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'published', ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
)

# ARGV: tip, published tip.
_TRIM: Final = (
    _CHECK_TYPES
    + _CHECK_TIP
    + """
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 0 then return 0 end
local function sequence(text) return tonumber(string.match(text, ':(%d+)$') or 0) end
for _, entry in ipairs(redis.call('HKEYS', KEYS[3])) do
  if sequence(entry) <= sequence(ARGV[2]) then redis.call('HDEL', KEYS[3], entry) end
end
redis.call('HSET', KEYS[2], 'published', ARGV[2])
return 1
"""
)


def acquire(keys: LaneKeys, nonce: str) -> bytes:
    """Request to make `nonce` the owner; the reply is [sequence, fields and values of the state, entries]."""
    return _run(_ACQUIRE, keys, nonce, ENCODING)


def rolled_back(keys: LaneKeys, tip: bytes, new_tip: bytes, published: bytes) -> bytes:
    """Request to empty the outbox and move to `new_tip`."""
    return _run(_ROLLED_BACK, keys, tip, new_tip, published)


def trim(keys: LaneKeys, tip: bytes, published: bytes) -> bytes:
    """Request to drop the outbox entries up to `published`."""
    return _run(_TRIM, keys, tip, published)


def _run(script: str, keys: LaneKeys, *arguments: Value) -> bytes:
    return command("EVAL", script, 4, keys.tip, keys.state, keys.outbox, keys.words, *arguments)
