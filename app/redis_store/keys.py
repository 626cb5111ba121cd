"""The names of everything in Redis.

All keys of a lane carry the same hash tag, so that one atomic step reaches them on a cluster too:

    GROUP{S}TOKEN                 a journey; the token packed
    GROUP{S}/NOTE                 the latest record of a note's own figures, packed as if it were a token
    GROUP:{S}:lane:N:tip          owner's nonce and number of the last commit
    GROUP:{S}:lane:N              hash: state, published tip, encoding, tip of the last fold
    GROUP:{S}:lane:N:outbox       hash: tip -> entry
    GROUP:{S}:lane:N:ledger       hash: line -> count
    GROUP:{S}:lane:N:words        list: what the lane's journeys name by number
    GROUP:{S}:lane:N:forgotten    hash: what the journeys had counted that were forgotten
    GROUP:{S}:lane:N:forgettings  hash: keyed hash of a forgotten token -> when, in ms
    GROUP:{S}:lane:N:recent       list: moments of each commit since they were last folded into these
    GROUP:{S}:lane:N:totals       hash: row -> counters of a campaign, merchant, category or channel
    GROUP:{S}:lane:N:hours:H      the same of one hour (since 1970), each row with its minutes
    GROUP:{S}:lane:N:minutes:H    those minutes as encoding 3 kept them, still read until they expire
    GROUP:{S}:lane:N:days:D       by day of the click (since 1970): orders by their delay
    GROUP:{S}:lane:N:waiting      how many records waited in Kafka for the lane a moment ago; expires
    GROUP:{S}:lane:N:changed      stream: of each of the last commits the notes whose counters it changed
    GROUP:{S}:note:ID             hash: the counters of a note's cells
    GROUP:{S}:notes               set of note ids
    GROUP:{S}:order:ID            the token whose journey holds the order, packed; a set where several do
    GROUP:{S}:reused              set of the orders that two tokens held at one time
    GROUP:{0}:namespace           what the namespace was made with
    GROUP:{0}:forgetting-key      the key of those hashes
    GROUP:{0}:watched             hash: what pages look at -> until when; expires
    GROUP:{0}:told:WATCHED        stream: results of it that workers have told of lately; expires

After a rebuild GROUP~1 and so on stands for GROUP in all but the last four; `app.redis_store.generations` has more.
There is one journey key per token, so these are as short as they can be.
"""

import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from app.redis_store.forms import ENCODING
from app.redis_store.resp import END, argument, command, pairs
from streams.commits import Bucket

MAX_TOKEN: Final = 128
HEX_LENGTH, HEX_BYTES = 32, 16
UUID_LENGTH = 36
TOLD_COMMITS: Final = 64
"""So many of a lane's last commits tell which notes they changed; who looks too rarely must read all notes again."""
TOLD_LARGE_COMMITS: Final = 4  # after one that changed many notes: such commits are few a second, and long
MANY_NOTES: Final = 256


def pack_token(token: str) -> bytes:
    """The token in as few bytes as lose nothing: 32 hex digits as 16 bytes, a UUID as 17."""
    length = len(token)
    if length in (HEX_LENGTH, UUID_LENGTH):
        try:
            known = uuid.UUID(token)
        except ValueError:
            return b"s" + token.encode()
        if known.hex == token:
            return known.bytes
        if str(known) == token:
            return b"u" + known.bytes
    # Only hex digits are packed to 16 bytes, so that these need no mark.
    return b"t" + token.encode() + b"." if length == HEX_BYTES - 1 else b"s" + token.encode()


def unpack_token(packed: bytes) -> str:
    """The token that `pack_token` was given."""
    if len(packed) == HEX_BYTES:
        return packed.hex()
    mark, rest = packed[:1], packed[1:]
    if mark == b"u":
        return str(uuid.UUID(bytes=rest))
    return rest[:-1].decode() if mark == b"t" else rest.decode()


def pack_tokens(tokens: Sequence[str]) -> list[bytes]:
    """`pack_token` of each; quick when all are 32 hex digits."""
    try:
        packed = list(map(bytes.fromhex, tokens))
    except ValueError:
        return list(map(pack_token, tokens))
    if set(map(len, packed)) <= {HEX_BYTES} and b"".join(packed).hex() == "".join(tokens):
        return packed
    return list(map(pack_token, tokens))


@lru_cache(64)
def lifetime(ttl_ms: int | None) -> bytes:
    """The arguments that let a journey expire; with None it lives for ever."""
    return b"" if ttl_ms is None else argument("PX") + argument(ttl_ms)


def generation_prefix(group: str, generation: int) -> str:
    """What stands for GROUP in the keys of a generation; no group's name has a tilde."""
    return f"{group}~{generation}" if generation else group


class ShardKeys:
    """The keys that all lanes of a shard share."""

    def __init__(self, group: str, shard: int, generation: int = 0) -> None:
        group = generation_prefix(group, generation)
        self.base = f"{group}:{{{shard}}}:"
        self.journey_prefix = f"{group}{{{shard}}}".encode()
        self.notes = f"{self.base}notes".encode()
        self.reused = f"{self.base}reused".encode()
        self._note = f"{self.base}note:"
        # What the argument of a journey's key begins with, by the length of the packed token.
        self._heads = [
            argument(self.journey_prefix + bytes(length))[: -length or None] for length in range(MAX_TOKEN + 3)
        ]

    def note(self, note_id: str) -> bytes:
        return (self._note + note_id).encode()

    def journey(self, token: str) -> bytes:
        return self.journey_prefix + pack_token(token)

    def order(self, order_id: str) -> bytes:
        return f"{self.base}order:{order_id}".encode()

    def journey_arguments(self, packed: Sequence[bytes]) -> bytes:
        """The keys of journeys as arguments."""
        pieces: list[bytes] = [b""] * (2 * len(packed))
        pieces[0::2] = self._heads_of(packed)
        pieces[1::2] = packed
        return b"".join(pieces)

    def journey_pairs(self, packed: Sequence[bytes], values: Sequence[bytes]) -> bytes:
        """The keys and values of journeys as arguments in turn."""
        return pairs(self._heads_of(packed), packed, values)

    def journey_sets(self, packed: Sequence[bytes], values: Sequence[bytes], ttl_ms: int | None) -> bytes:
        """One SET request for each journey, for servers that have no MSETEX."""
        words, tail = 3 if ttl_ms is None else 5, lifetime(ttl_ms) + END
        heads = self._heads_of(packed)
        return b"".join(
            b"*%d\r\n$3\r\nSET%b%b%b%b" % (words, head, name, argument(value), tail)
            for head, name, value in zip(heads, packed, values, strict=True)
        )

    def _heads_of(self, packed: Sequence[bytes]) -> list[bytes]:
        heads = self._heads
        return [heads[length] for length in map(len, packed)]


class LaneKeys:
    """The keys of one lane, and the beginnings of the requests of which each commit has one."""

    def __init__(self, shard: ShardKeys, lane: int) -> None:
        self.shard = shard
        self.state = f"{shard.base}lane:{lane}".encode()
        self.tip = self.state + b":tip"
        self.outbox = self.state + b":outbox"
        self.ledger = self.state + b":ledger"
        self.words = self.state + b":words"
        self.recent = self.state + b":recent"
        self.changed = self.state + b":changed"
        self.waiting = self.state + b":waiting"
        self.forgotten = self.state + b":forgotten"
        self.forgettings = self.state + b":forgettings"
        self.look = (
            command("WATCH", self.tip, self.state, self.outbox, self.ledger, self.words),
            command("GET", self.tip),
            command("HEXISTS", self.state, "state"),
            command("HKEYS", self.outbox),
            command("LLEN", self.words),
            command("LLEN", self.recent),
            command("XLEN", self.changed),
        )
        """What a commit asks about the lane first."""
        self.ledger_argument = argument(self.ledger)
        self.put_entry = b"*4" + argument("HSET") + argument(self.outbox)
        self.put_tip = b"*3" + argument("SET") + argument(self.tip)
        self.tell_few_changed, self.tell_many_changed = (
            b"*8" + b"".join(argument(value) for value in ("XADD", self.changed, "MAXLEN", "=", commits, "*", "notes"))
            for commits in (TOLD_COMMITS, TOLD_LARGE_COMMITS)
        )
        self.put_state = b"".join(argument(value) for value in ("HSET", self.state, "encoding", ENCODING, "state"))

    def bucket(self, bucket: Bucket) -> bytes:
        """The key of a hash of rows."""
        return self.state + (f":{bucket.span}:{bucket.hour}" if bucket.hour else f":{bucket.span}").encode()


def namespace_key(group: str) -> bytes:
    """The key that says what the namespace was made with."""
    return f"{group}:{{0}}:namespace".encode()


def forgetting_key(group: str) -> bytes:
    """The key under which the secret is kept that hashes forgotten tokens."""
    return f"{group}:{{0}}:forgetting-key".encode()
