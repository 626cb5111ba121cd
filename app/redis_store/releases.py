"""What was released to grouped parties, beside the counters it was taken from; see app/viewing/grouping.py.

GROUP:{0}:released               when, in ms
GROUP:{0}:released:rows          hash: row -> its counters
GROUP:{0}:released:cells         hash: cell -> what of its counters was released, to whatever row
GROUP:{0}:released:new:rows      hash: those of these that the last release has changed, until they are in them all;
GROUP:{0}:released:new:cells     who reads puts them over the others
GROUP:{0}:released:hour:H        hash: row -> what was released to it in an hour (since 1970); expires
GROUP:{0}:released:draft:D:...   hashes: a release that is being written, which nobody reads; expire

There may be very many rows, so a release is written page by page into a draft, which then becomes the last release in
one step that only renames.  After that its rows move page by page to where all are.  Whoever is interrupted leaves
either a draft, or a release that is there as a whole and whose rows the next one moves.
"""

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from app.redis_store.link import Link, Reply, require
from app.redis_store.resp import command
from streams.errors import LaneStopped

Counts: TypeAlias = dict[str, int]
Rows: TypeAlias = dict[str, Counts]
"""Counters by the text of the row."""

PAGE: Final = 500
AT_ONCE: Final = 50  # hours looked into by one request
DRAFT_MS: Final = 600_000
DRAFT_LEFT_MS: Final = 10_000  # what a draft must still have to live to become a release
KINDS: Final = (b":rows", b":cells")

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Counts).decode


class Hour(msgspec.Struct, frozen=True):
    """What is released: rows and cells as they stand then, as far as they change, and the steps of the hour."""

    number: int  # since 1970
    expires_ms: int  # of the steps
    rows: Rows
    cells: Rows
    steps: Rows


class Releases:
    """Reads and writes releases."""

    def __init__(self, link: Link, group: str) -> None:
        self._link = link
        self._at = f"{group}:{{0}}:released".encode()
        self._new = self._at + b":new"

    async def at_ms(self) -> int:
        """When figures were released last; 0: never."""
        (reply,) = await self._link.ask(command("GET", self._at))
        return int(require(reply, self._at) or 0)

    async def rows(self) -> Rows:
        """All rows as they were released."""
        return await self._standing(b":rows")

    async def cells(self) -> Rows:
        """What of each cell was released."""
        return await self._standing(b":cells")

    async def release(self, now_ms: int, before_ms: int, hour: Hour) -> bool:
        """Write a release; False, and nothing of it is to be seen, if there was another since `before_ms`."""
        await self._settle(before_ms)
        draft = self._at + b":draft:" + secrets.token_hex(8).encode()
        names = {
            draft + b":rows": self._new + b":rows",
            draft + b":cells": self._new + b":cells",
            draft + b":steps": self._hour(hour.number),
        }
        drafts = dict(zip(names, (hour.rows, hour.cells, hour.steps), strict=True))
        for key, rows in drafts.items():
            await self._write(key, rows)
        written = {key: name for key, name in names.items() if drafts[key]}
        moves = [command("RENAME", key, name) for key, name in written.items()]
        lives = [command("PERSIST", name) for name in written.values()]
        if hour.steps:
            lives.append(command("PEXPIREAT", self._hour(hour.number), hour.expires_ms))
        done = await self._transact(before_ms, [command("SET", self._at, now_ms), *moves, *lives], list(written))
        if done:
            await self._settle(now_ms)
        return done

    async def hours(self, numbers: Sequence[int], rows: Sequence[str]) -> dict[int, Rows]:
        """What was released to some rows, by hour."""
        found: dict[int, Rows] = {}
        for start in range(0, len(numbers) if rows else 0, AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            replies = await self._link.ask(*(command("HMGET", self._hour(number), *rows) for number in some))
            for number, reply in zip(some, replies, strict=True):
                values = require(reply, self._hour(number))
                found[number] = {
                    row: self._counts(value) for row, value in zip(rows, values, strict=True) if value is not None
                }
        return found

    def close(self) -> None:
        """Disconnect."""
        self._link.close()

    async def _standing(self, kind: bytes) -> Rows:
        while True:
            at_ms = await self.at_ms()
            # In this order: what leaves the last release meanwhile is found where it moves to.
            new = await self._all(self._new + kind)
            rows = await self._all(self._at + kind)
            rows.update(new)
            if await self.at_ms() == at_ms:
                return rows

    async def _write(self, key: bytes, rows: Rows) -> None:
        for page in _pages(rows):
            values = {row: _pack(counts) for row, counts in page.items()}
            for reply in await self._link.ask(_put(key, values), command("PEXPIRE", key, DRAFT_MS)):
                require(reply, key)

    async def _settle(self, at_ms: int) -> None:
        """Move what the release of that time has changed to where all rows are, unless there is a later one."""
        settled = []
        for kind in KINDS:
            async for page in self._scan(self._new + kind):
                if not await self._transact(at_ms, [_put(self._at + kind, page)]):
                    return
                settled = [self._new + one for one in KINDS]
        if settled:
            await self._transact(at_ms, [command("UNLINK", *settled)])

    async def _transact(self, at_ms: int, writes: Sequence[bytes], drafts: Sequence[bytes] = ()) -> bool:
        """Do this in one step if the last release is that of `at_ms`, and all drafts are there."""
        looks = [command("PTTL", draft) for draft in drafts]
        _, known, *lifetimes = await self._link.ask(
            command("WATCH", self._at, *drafts), command("GET", self._at), *looks
        )
        lives = [require(reply, self._at) > DRAFT_LEFT_MS for reply in lifetimes]
        if int(require(known, self._at) or 0) != at_ms or not all(lives):
            await self._link.ask(command("UNWATCH"))
            return False
        *_, done = await self._link.ask(command("MULTI"), *writes, command("EXEC"))
        for reply in require(done, self._at) or ():
            require(reply, self._at)
        return done is not None

    async def _all(self, key: bytes) -> Rows:
        return {row.decode(): self._counts(value) async for page in self._scan(key) for row, value in page.items()}

    async def _scan(self, key: bytes) -> AsyncIterator[dict[bytes, bytes]]:
        cursor: Reply = b""
        while cursor != b"0":
            (reply,) = await self._link.ask(command("HSCAN", key, cursor or b"0", "COUNT", PAGE))
            cursor, fields = require(reply, key)
            if fields:
                yield dict(zip(fields[::2], fields[1::2], strict=True))

    def _hour(self, number: int) -> bytes:
        return self._at + f":hour:{number}".encode()

    def _counts(self, value: bytes) -> Counts:
        try:
            return _unpack(value)
        except msgspec.DecodeError as error:
            raise LaneStopped(f"{self._at.decode()} holds what was never released: {error}") from error


def _pages(rows: Rows) -> Iterator[Rows]:
    items = iter(rows.items())
    while page := dict(islice(items, PAGE)):
        yield page


def _put(key: bytes, values: Mapping[str, bytes] | Mapping[bytes, bytes]) -> bytes:
    return command("HSET", key, *(word for row, value in values.items() for word in (row, value)))
