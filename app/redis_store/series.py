"""Totals and time series of a lane: hashes of rows, each row's counters packed together.

Only the owner of a lane changes its rows and it looks at them before, so a row is written as a whole: one field
instead of a command for each counter.
"""

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from app.redis_store.keys import LaneKeys
from app.redis_store.link import Reply, require
from app.redis_store.resp import argument, prepared
from app.redis_store.rows import changed, continued
from streams.commits import RowChanges, Series

HMGET: Final = argument("HMGET")
HSET: Final = argument("HSET")
PEXPIREAT: Final = argument("PEXPIREAT")


class BucketChange(NamedTuple):
    """What a commit changes in one hash of rows."""

    key: bytes
    argument: bytes  # the key as an argument
    rows: list[bytes]  # their names as arguments
    changes: list[RowChanges]  # of each row
    expires_ms: int | None
    change: Callable[[bytes | None, RowChanges, bytes], bytes]  # what makes a row of itself and its changes

    def applied(self, reply: Reply) -> list[bytes]:
        """The rows as they are to be; LaneStopped if one cannot be read."""
        values, change, key = require(reply, self.key), self.change, self.key
        return [change(value, by, key) for value, by in zip(values, self.changes, strict=True)]


class SeriesChanges:
    """All changes of totals and series in one commit."""

    def __init__(self, keys: LaneKeys, series: Series) -> None:
        self._buckets: list[BucketChange] = []
        for bucket, rows in series.items():
            key, names = keys.bucket(bucket), list(map(_name_argument, rows))
            change = continued if bucket.span == "hours" else changed
            self._buckets.append(
                BucketChange(key, argument(key), names, list(rows.values()), bucket.expires_ms, change)
            )

    def changed(self, key: bytes) -> Collection[bytes]:
        """The rows that change in a hash, as arguments."""
        return {row for bucket in self._buckets if bucket.key == key for row in bucket.rows}

    def look(self) -> list[bytes]:
        """Requests for the rows that are to change."""
        return [prepared([HMGET, bucket.argument, *bucket.rows]) for bucket in self._buckets]

    def judge(self, replies: Iterator[Reply]) -> list[list[bytes]]:
        """The rows as they are to be, by bucket; raises LaneStopped if one cannot be read."""
        return [bucket.applied(next(replies)) for bucket in self._buckets]

    def write(self, pieces: list[bytes], values: list[list[bytes]]) -> int:
        """Append the requests that set the rows; returns their number.  `values` is what `judge` returned."""
        start = len(pieces)
        for bucket, packed in zip(self._buckets, values, strict=True):
            fields = [b""] * (2 * len(packed))
            fields[0::2], fields[1::2] = bucket.rows, list(map(argument, packed))
            pieces.append(prepared([HSET, bucket.argument, *fields]))
            if bucket.expires_ms is not None:
                pieces.append(prepared([PEXPIREAT, bucket.argument, argument(bucket.expires_ms)]))
        return len(pieces) - start


_name_argument = lru_cache(16_384)(argument)
