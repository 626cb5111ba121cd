"""Totals and time series of a lane: hashes of rows, each row's counters packed together.

Only the owner of a lane changes its rows and it looks at them before, so a row is written as a whole: one field
instead of a command for each counter.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from app.redis_store.cells import CODES, NAMES
from app.redis_store.keys import LaneKeys
from app.redis_store.link import Reply, require
from app.redis_store.resp import argument, prepared
from streams.errors import LaneStopped
from streams.ports import Series

HMGET: Final = argument("HMGET")
HSET: Final = argument("HSET")
PEXPIREAT: Final = argument("PEXPIREAT")

Packed = dict[int | str, int]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Packed).decode


class BucketChange(NamedTuple):
    """What a commit changes in one hash of rows."""

    key: bytes
    argument: bytes  # the key as an argument
    rows: list[bytes]  # their names as arguments
    changes: list[Mapping[str, int]]  # of each row
    expires_ms: int | None


class SeriesChanges:
    """All changes of totals and series in one commit."""

    def __init__(self, keys: LaneKeys, series: Series) -> None:
        self._buckets = []
        for bucket, rows in series.items():
            key, names = keys.bucket(bucket), [argument(row) for row in rows]
            self._buckets.append(BucketChange(key, argument(key), names, list(rows.values()), bucket.expires_ms))

    def look(self) -> list[bytes]:
        """Requests for the rows that are to change."""
        return [prepared([HMGET, bucket.argument, *bucket.rows]) for bucket in self._buckets]

    def judge(self, replies: Iterator[Reply]) -> list[list[bytes]]:
        """The rows as they are to be, by bucket; raises LaneStopped if one cannot be read."""
        packed = []
        for bucket in self._buckets:
            values = require(next(replies), bucket.key)
            packed.append([changed(*pair, bucket.key) for pair in zip(values, bucket.changes, strict=True)])
        return packed

    def write(self, pieces: list[bytes], values: list[list[bytes]]) -> int:
        """Append the requests that set the rows; returns their number.  `values` is what `judge` returned."""
        start = len(pieces)
        for bucket, packed in zip(self._buckets, values, strict=True):
            fields = [part for pair in zip(bucket.rows, map(argument, packed), strict=True) for part in pair]
            pieces.append(prepared([HSET, bucket.argument, *fields]))
            if bucket.expires_ms is not None:
                pieces.append(prepared([PEXPIREAT, bucket.argument, argument(bucket.expires_ms)]))
        return len(pieces) - start


def changed(value: bytes | None, counts: Mapping[str, int], key: bytes) -> bytes:
    """A packed row with changes added, zeros left out."""
    if value is None:
        return _pack({short_name(name): change for name, change in counts.items() if change})
    row = unpack_row(value, key)
    for name, change in counts.items():
        short = short_name(name)
        row[short] = row.get(short, 0) + change
    return _pack({short: count for short, count in row.items() if count})


def unpack_row(value: bytes, key: bytes) -> Packed:
    """A packed row; LaneStopped if it is none."""
    try:
        return _unpack(value)
    except msgspec.DecodeError as error:
        raise LaneStopped(f"{key.decode()} holds a row that cannot be read: {error}") from error


def named(row: Packed) -> dict[str, int]:
    """The counters of a row by their names."""
    return {long_name(short): count for short, count in row.items()}


@lru_cache(4_096)
def short_name(name: str) -> int | str:
    """What stands for a counter's name in a row: its place in the list, for `gross_minor:CNY` that and what follows."""
    base, _, rest = name.partition(":")
    code = CODES.get(base)
    if code is None or (rest == "" and base != name):
        return f"?{name}"
    return f"{chr(code[0])}{rest}" if rest else code[0]


@lru_cache(4_096)
def long_name(short: int | str) -> str:
    """The name of `short_name`."""
    if isinstance(short, int):
        return NAMES[short - 1]
    return short[1:] if short[0] == "?" else f"{NAMES[ord(short[0]) - 1]}:{short[1:]}"
