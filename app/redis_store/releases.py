"""What was released to grouped parties, beside the counters it was taken from; see app/viewing/grouping.py.

GROUP:{0}:released            when, in ms
GROUP:{0}:released:rows       hash: row -> its counters
GROUP:{0}:released:cells      hash: cell -> what of its counters was released, to whatever row
GROUP:{0}:released:hour:H     hash: row -> what was released to it in an hour (since 1970); expires
"""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from app.redis_store.link import Link, Reply, require
from app.redis_store.resp import Request, command
from streams.errors import LaneStopped

Counts: TypeAlias = dict[str, int]
Rows: TypeAlias = dict[str, Counts]
"""Counters by the text of the row."""

PAGE: Final = 500
AT_ONCE: Final = 50  # hours looked into by one request

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Counts).decode


class Releases:
    """Reads and writes releases."""

    def __init__(self, link: Link, group: str) -> None:
        self._link = link
        self._at = f"{group}:{{0}}:released".encode()

    async def at_ms(self) -> int:
        """When figures were released last; 0: never."""
        (reply,) = await self._link.ask(command("GET", self._at))
        return int(require(reply, self._at) or 0)

    async def rows(self) -> Rows:
        """All rows as they were released."""
        return await self._all(self._at + b":rows")

    async def cells(self) -> Rows:
        """What of each cell was released."""
        return await self._all(self._at + b":cells")

    async def release(self, now_ms: int, before_ms: int, hour: "Hour") -> bool:
        """Write a release in one step; False, and nothing written, if there was another since `before_ms`."""
        stamp = self._at
        hour_key = self._hour(hour.number)
        writes: list[bytes] = [command("MULTI"), command("SET", stamp, now_ms)]
        for key, rows in ((stamp + b":rows", hour.rows), (stamp + b":cells", hour.cells), (hour_key, hour.steps)):
            items = iter(rows.items())
            while page := list(islice(items, PAGE)):
                writes.append(command("HSET", key, *(value for row, counts in page for value in (row, _pack(counts)))))
                await asyncio.sleep(0)  # others want to be answered meanwhile
        if hour.steps:
            writes.append(command("PEXPIREAT", hour_key, hour.expires_ms))
        writes.append(command("EXEC"))
        _, known = await self._link.ask(command("WATCH", stamp), command("GET", stamp))
        if int(require(known, stamp) or 0) != before_ms:
            await self._link.ask(command("UNWATCH"))
            return False
        *_, done = await self._link.request(Request(writes, len(writes)))
        return require(done, stamp) is not None

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

    async def _all(self, key: bytes) -> Rows:
        rows: Rows = {}
        cursor: Reply = b""
        while cursor != b"0":
            (reply,) = await self._link.ask(command("HSCAN", key, cursor or b"0", "COUNT", PAGE))
            cursor, fields = require(reply, key)
            for row, value in zip(fields[::2], fields[1::2], strict=True):
                rows[row.decode()] = self._counts(value)
        return rows

    def _hour(self, number: int) -> bytes:
        return self._at + f":hour:{number}".encode()

    def _counts(self, value: bytes) -> Counts:
        try:
            return _unpack(value)
        except msgspec.DecodeError as error:
            raise LaneStopped(f"{self._at.decode()} holds what was never released: {error}") from error


class Hour(msgspec.Struct, frozen=True):
    """What is released: rows and cells as they stand then, as far as they change, and the steps of the hour."""

    number: int  # since 1970
    expires_ms: int  # of the steps
    rows: Rows
    cells: Rows
    steps: Rows
