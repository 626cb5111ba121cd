"""Which of the sets of data that a namespace may have is in force.

A rebuild makes another set of everything beside the one in force, a *generation*, and puts it into force by one write
to the namespace's record.  Workers ask at every take-over.  A worker that has not noticed yet goes on in the old
generation, and that harms nobody: what it publishes is in the markers, and the next owner in the new generation absorbs
it in silence, as after any rollback of the store.

    GROUP:{0}:namespace     says which generation is in force
    GROUP:{0}:held          there while lanes are to wait; goes by itself when whoever set it is gone
    GROUP:{0}:rebuilding    what a rebuild is making, or has replaced, until that is in force or removed
    GROUP:{0}:rebuilder     who is at it; goes by itself
"""

import asyncio
from typing import Final, NamedTuple

import msgspec

from app.redis_store.forms import ENCODING
from app.redis_store.keys import generation_prefix, namespace_key
from app.redis_store.link import Dial, Link, require
from app.redis_store.namespace import Namespace, decode_namespace
from app.redis_store.resp import command
from streams.errors import RedcatError, Refused, Unavailable
from streams.records import Positions

HOLD_MS: Final = 10_000
GUARD_MS: Final = 20_000
SCAN_KEYS: Final = 2_000


class Standing(NamedTuple):
    """What a take-over must know."""

    generation: int
    shards: int | None  # None: there is no namespace yet
    held: bool


class Copy(msgspec.Struct, frozen=True):
    """A generation that is not in force."""

    generation: int
    shards: int
    start: dict[int, Positions] = {}  # by lane where it begins, if not at the beginning


class InForce:
    """Asks what is in force, over a connection of its own."""

    def __init__(self, dial: Dial, group: str) -> None:
        self._dial = dial
        self._group = group
        self._link: Link | None = None
        self._connecting = asyncio.Lock()

    async def read(self) -> Standing:
        """What is in force now; raises Unavailable."""
        async with self._connecting:
            if self._link is None or self._link.lost is not None:
                self._link = await self._dial(0)
            link = self._link
        key = namespace_key(self._group)
        try:
            (reply,) = await link.ask(command("MGET", key, held_key(self._group)))
            record, held = require(reply, key)
        except RedcatError:
            link.close()
            if self._link is link:
                self._link = None
            raise
        if record is None:
            return Standing(0, None, held is not None)
        namespace = decode_namespace(record, self._group)
        return Standing(namespace.generation, namespace.shards, held is not None)

    def close(self) -> None:
        """Close the connection."""
        if self._link is not None:
            self._link.close()
            self._link = None


class Generations:
    """A namespace's generations, as whoever rebuilds it changes them."""

    def __init__(self, link: Link, group: str, nonce: str) -> None:
        """`link` leads to shard 0, `nonce` tells this rebuild from others."""
        self._link = link
        self._group = group
        self._nonce = nonce.encode()

    async def guard(self) -> None:
        """Be the one that rebuilds, for the next GUARD_MS; Refused if somebody else is."""
        key = f"{self._group}:{{0}}:rebuilder"
        mine = command("SET", key, self._nonce, "NX", "GET", "PX", GUARD_MS)
        (holder,) = await self._link.ask(mine)
        if require(holder, key) not in (None, self._nonce):
            raise Refused(f"another rebuild of namespace {self._group} is under way: wait until it has ended")
        await self._ask(command("PEXPIRE", key, GUARD_MS))

    async def leave(self) -> None:
        """Let others rebuild."""
        await self._ask(command("DEL", f"{self._group}:{{0}}:rebuilder"))

    async def left(self) -> Copy | None:
        """What an earlier rebuild was making, or had replaced and not yet removed."""
        found = await self._ask(command("GET", copy_key(self._group)))
        return None if found is None else msgspec.json.decode(found, type=Copy)

    async def begin(self, copy: Copy) -> None:
        """Remember what is being made."""
        await self._ask(command("SET", copy_key(self._group), msgspec.json.encode(copy)))

    async def end(self) -> None:
        """Nothing is left that is not in force."""
        await self._ask(command("DEL", copy_key(self._group)))

    async def hold(self) -> None:
        """Let no lane be taken over for the next HOLD_MS; those that run go on until they are refused."""
        await self._ask(command("SET", held_key(self._group), self._nonce, "PX", HOLD_MS))

    async def go_on(self) -> None:
        """Let lanes be taken over again."""
        await self._ask(command("DEL", held_key(self._group)))

    async def put_into_force(self, old: Namespace, copy: Copy) -> None:
        """Make the copy what everybody works on; Refused if the namespace has changed since it was read.

        From then on the old generation is what is left to be removed.
        """
        key = namespace_key(self._group)
        _, found = await self._link.ask(command("WATCH", key), command("GET", key))
        stands = None if require(found, key) is None else decode_namespace(found, self._group)
        if stands is None or (stands.generation, stands.shards) != (old.generation, old.shards):
            await self._ask(command("UNWATCH"))
            raise Refused(f"namespace {self._group} was changed by somebody else meanwhile: rebuild again")
        new = msgspec.structs.replace(stands, encoding=ENCODING, generation=copy.generation, shards=copy.shards)
        left = msgspec.json.encode(Copy(stands.generation, stands.shards))
        *_, done = await self._link.ask(
            command("MULTI"), command("SET", key, msgspec.json.encode(new)),
            command("SET", copy_key(self._group), left), command("EXEC"),
        )  # fmt: skip
        if require(done, key) is None:
            raise Unavailable(f"namespace {self._group} was changed by somebody else at this moment: rebuild again")

    async def _ask(self, request: bytes) -> bytes | None:
        (reply,) = await self._link.ask(request)
        value: bytes | None = require(reply, f"namespace {self._group}")
        return value


def held_key(group: str) -> bytes:
    """The key that is there while lanes are to wait."""
    return f"{group}:{{0}}:held".encode()


def copy_key(group: str) -> bytes:
    """The key that says what a rebuild is making."""
    return f"{group}:{{0}}:rebuilding".encode()


async def unlink_generation(link: Link, group: str, shard: int, generation: int) -> int:
    """Remove all data of a generation in a shard; returns how many keys those were."""
    prefix = generation_prefix(group, generation)
    tag = f"{{{shard}}}"
    # What else is kept under a group's name stays.
    families = [f"{prefix}{tag}", *(f"{prefix}:{tag}:{family}" for family in ("lane:", "note:", "order:"))]
    doomed = tuple(map(str.encode, families))
    single = {f"{prefix}:{tag}:{name}".encode() for name in ("notes", "reused")}
    cursor, gone = b"", 0
    while cursor != b"0":
        cursor, keys = await link.scan(cursor or b"0", prefix.encode(), SCAN_KEYS)
        if of_it := [key for key in keys if key.startswith(doomed) or key in single]:
            (reply,) = await link.ask(command("UNLINK", *of_it))
            gone += require(reply, prefix)
    return gone
