"""Totals and time series of a lane: hashes of rows, each row's counters packed together.

Only the owner of a lane changes its rows and it looks at them before, so a row is written as a whole: one field
instead of a command for each counter.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeVar

from app.redis_store.keys import LaneKeys
from app.redis_store.link import Reply, require
from app.redis_store.resp import argument, prepared
from app.redis_store.rows import WHOLE, ByMinute, changed, continued
from streams.ports import Series

HMGET: Final = argument("HMGET")
HSET: Final = argument("HSET")
PEXPIREAT: Final = argument("PEXPIREAT")
MINUTES: Final = {f"{minute:02d}": minute for minute in range(WHOLE)}

T = TypeVar("T")


class BucketChange(NamedTuple, Generic[T]):
    """What a commit changes in one hash of rows."""

    key: bytes
    argument: bytes  # the key as an argument
    rows: list[bytes]  # their names as arguments
    changes: list[T]  # of each row
    expires_ms: int | None

    def applied(self, reply: Reply, change: Callable[[bytes | None, T, bytes], bytes]) -> list[bytes]:
        """The rows as they are to be; LaneStopped if one cannot be read."""
        values = require(reply, self.key)
        return [change(value, by, self.key) for value, by in zip(values, self.changes, strict=True)]


class SeriesChanges:
    """All changes of totals and series in one commit."""

    def __init__(self, keys: LaneKeys, series: Series) -> None:
        self._hours: list[BucketChange[ByMinute]] = []
        self._others: list[BucketChange[Mapping[str, int]]] = []
        for bucket, rows in series.items():
            key = keys.bucket(bucket)
            if bucket.span == "hours":
                changes = _by_row(rows)
                names = list(map(_name_argument, changes))
                self._hours.append(BucketChange(key, argument(key), names, list(changes.values()), bucket.expires_ms))
            else:
                names = list(map(_name_argument, rows))
                self._others.append(BucketChange(key, argument(key), names, list(rows.values()), bucket.expires_ms))

    @property
    def _buckets(self) -> list[BucketChange[Any]]:
        return [*self._hours, *self._others]

    def changed(self, key: bytes) -> Collection[bytes]:
        """The rows that change in a hash, as arguments."""
        return {row for bucket in self._buckets if bucket.key == key for row in bucket.rows}

    def look(self) -> list[bytes]:
        """Requests for the rows that are to change."""
        return [prepared([HMGET, bucket.argument, *bucket.rows]) for bucket in self._buckets]

    def judge(self, replies: Iterator[Reply]) -> list[list[bytes]]:
        """The rows as they are to be, by bucket; raises LaneStopped if one cannot be read."""
        hours = [bucket.applied(next(replies), continued) for bucket in self._hours]
        return hours + [bucket.applied(next(replies), changed) for bucket in self._others]

    def write(self, pieces: list[bytes], values: list[list[bytes]]) -> int:
        """Append the requests that set the rows; returns their number.  `values` is what `judge` returned."""
        start = len(pieces)
        for bucket, packed in zip(self._buckets, values, strict=True):
            fields = [part for pair in zip(bucket.rows, map(argument, packed), strict=True) for part in pair]
            pieces.append(prepared([HSET, bucket.argument, *fields]))
            if bucket.expires_ms is not None:
                pieces.append(prepared([PEXPIREAT, bucket.argument, argument(bucket.expires_ms)]))
        return len(pieces) - start


_name_argument = lru_cache(16_384)(argument)


def _by_row(rows: Mapping[str, Mapping[str, int]]) -> dict[str, ByMinute]:
    """The changes of each row of an hour, with their minutes."""
    changes: dict[str, ByMinute] = {}
    for row, counts in rows.items():
        minute = MINUTES.get(row[:2], WHOLE)
        changes.setdefault(row if minute == WHOLE else row[2:], []).append((minute, counts))
    return changes
