"""Rows of hours whose minutes are not kept any more are made smaller, a page with every fold.

Nothing depends on it but memory and the time of readers: what a lane's owner has not come to by the time that it loses
the lane, the next one looks at again, as far as it goes back.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from app.redis_store.keys import LaneKeys
from app.redis_store.link import Reply, require
from app.redis_store.resp import argument, command, prepared
from app.redis_store.rows import settled
from streams.commits import Bucket

BACK: Final = 24  # hours that a new owner looks at again
PAGE: Final = 500  # rows
SOON_MS: Final = 60_000  # far longer than a commit takes


@dataclass
class Settled:
    """How far an owner has come."""

    hour: int = 0  # since 1970; all rows of those before it
    cursor: bytes = b"0"


class Settling:
    """The page of one commit."""

    def __init__(self, keys: LaneKeys, done: Settled, until: int | None) -> None:
        """`until`: hours before this one need not keep their minutes; with None nothing is done."""
        if until is not None and done.hour < until - BACK:
            done.hour, done.cursor = until - BACK, b"0"
        self._due = until is not None and done.hour < until
        self.key = keys.bucket(Bucket("hours", done.hour, None))
        self._done = done
        self._following = b"0"
        self._rows: dict[bytes, bytes] = {}

    def look(self) -> list[bytes]:
        """Requests for the page."""
        if not self._due:
            return []
        return [command("HSCAN", self.key, self._done.cursor, "COUNT", PAGE), command("PTTL", self.key)]

    def judge(self, replies: Iterator[Reply]) -> None:
        """Take the page; raises LaneStopped if a row cannot be read."""
        if self._due:
            self._following, items = require(next(replies), self.key)
            if require(next(replies), self.key) < SOON_MS:
                return  # a write must not bring back what expires meanwhile, for then it would stay for ever
            rows = ((row, settled(value, self.key)) for row, value in zip(items[::2], items[1::2], strict=True))
            self._rows = {row: value for row, value in rows if value is not None}

    def write(self, pieces: list[bytes], changed: Collection[bytes]) -> int:
        """Append the request, if there is one, that settles the page; returns their number.

        Rows that the commit has `changed`, told as arguments, stay as it makes them.
        """
        rows = {argument(row): argument(value) for row, value in self._rows.items()}
        fields = [part for row, value in rows.items() if row not in changed for part in (row, value)]
        if fields:
            pieces.append(prepared([argument("HSET"), argument(self.key), *fields]))
        return bool(fields)

    def remember(self) -> None:
        """The commit took place."""
        if self._due:
            self._done.cursor = self._following
            self._done.hour += self._following == b"0"
