"""Keys of parties and sessions of browsers, kept hashed: who reads the store cannot use them.

    GROUP:{0}:party-keys          hash: SHA-256 of a key -> whose it is
    GROUP:{0}:session:HASH        the hash of the key that a browser's session stands for; expires

Keys and session ids are 256 random bits.  A plain hash is enough for those: there is nothing to guess from.
"""

from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from app.redis_store.link import Link, Reply, require
from app.redis_store.resp import command
from streams.errors import LaneStopped

SESSION_MS: Final = 12 * 3_600_000


class PartyKey(msgspec.Struct, frozen=True):
    """Whose a key is; `id` names it and is no secret."""

    id: str
    party: str
    label: str
    created_ms: int


class Found(NamedTuple):
    """What is known of a presented secret."""

    any_keys: bool  # False: no key was ever made, or all are revoked
    hash: str | None  # of the key
    key: PartyKey | None  # None: unknown or revoked


class PartyKeys:
    """The keys of a group."""

    def __init__(self, link: Link, group: str) -> None:
        self._link = link
        self._keys = f"{group}:{{0}}:party-keys".encode()
        self._session = f"{group}:{{0}}:session:"

    async def add(self, secret: str, key: PartyKey) -> None:
        """Let a key open what is its party's."""
        await self._ask("HSET", self._keys, hashed(secret), msgspec.json.encode(key))

    async def all(self) -> dict[str, PartyKey]:
        """All keys by their hash."""
        fields = await self._ask("HGETALL", self._keys)
        return {name.decode(): self._decoded(value) for name, value in zip(fields[::2], fields[1::2], strict=True)}

    async def revoke(self, key_id: str) -> PartyKey | None:
        """Take a key away, and with it all sessions that stand for it; None if there is none with that id."""
        for key_hash, key in (await self.all()).items():
            if key.id == key_id and await self._ask("HDEL", self._keys, key_hash):
                return key
        return None

    async def of_key(self, secret: str | None) -> Found:
        """Whose a presented key is; the same work for a right one, a wrong one and none."""
        key_hash = hashed(secret or "")
        return await self.of_hash(key_hash)

    async def of_session(self, session: str) -> Found:
        """Whose a browser's session is."""
        reply = await self._ask("GET", self._session + hashed(session))
        return await self.of_hash(reply.decode() if reply else "")

    async def begin_session(self, session: str, key_hash: str) -> None:
        """Let a session stand for a key."""
        await self._ask("SET", self._session + hashed(session), key_hash, "PX", SESSION_MS)

    async def end_session(self, session: str) -> None:
        """End a session."""
        await self._ask("DEL", self._session + hashed(session))

    async def of_hash(self, key_hash: str) -> Found:
        """Whose the key with a hash is."""
        count, value = await self._link.ask(command("HLEN", self._keys), command("HGET", self._keys, key_hash))
        found = require(value, self._keys)
        key = None if found is None else self._decoded(found)
        return Found(require(count, self._keys) > 0, key_hash if key else None, key)

    async def _ask(self, *values: bytes | str | int) -> Reply:
        (reply,) = await self._link.ask(command(*values))
        return require(reply, self._keys)

    def _decoded(self, value: bytes) -> PartyKey:
        try:
            return msgspec.json.decode(value, type=PartyKey)
        except msgspec.MsgspecError as error:
            raise LaneStopped(f"{self._keys.decode()} holds what is no key: {error}") from error


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()
