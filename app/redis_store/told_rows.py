"""How rows are asked for and told by spans.

Those of an hour's minutes have names of their own, and stand in the row of the hour.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from app.redis_store.keys import LaneKeys
from app.redis_store.link import Reply, require
from app.redis_store.resp import Value
from app.redis_store.rows import read_minutes, read_row
from streams.commits import Bucket, Moment
from streams.rollups import Counts, Rows, add_counts, by_cell, in_minute, row_of, unfolded

Span: TypeAlias = tuple[str, int]
"""minutes, hours, days or totals, and which (0 for totals)."""


def key_of(keys: LaneKeys, span: Span) -> bytes:
    """The key of the hash that holds the rows of a span."""
    name, number = span
    return keys.bucket(Bucket("hours" if name == "minutes" else name, number, None))


def older_key_of(keys: LaneKeys, hour: int) -> bytes:
    """The key of the hash in which encoding 3 kept the minutes of an hour, a field for each row and minute."""
    return keys.bucket(Bucket("minutes", hour, None))


class Asked(NamedTuple):
    """Fields of a hash that are asked for, to learn of some rows of a span."""

    span: Span
    key: bytes
    fields: list[str]
    older: bool = False  # a hash of `older_key_of`

    @property
    def question(self) -> tuple[Value, ...]:
        """The command."""
        return "HMGET", self.key, *self.fields

    def rows(self, reply: Reply) -> Iterator[tuple[str, Counts]]:
        """What the reply says of the span, as `told`."""
        for name, value in zip(self.fields, require(reply, self.key), strict=True):
            if value is not None and self.older:
                yield name, read_row(value, self.key)
            elif value is not None:
                yield from told(self.span, name, value, self.key)


def ask(keys: LaneKeys, span: Span, names: Sequence[str]) -> Asked:
    """What to ask for to learn of rows of those names."""
    fields = list(dict.fromkeys(map(row_of, names))) if span[0] == "minutes" else list(names)
    return Asked(span, key_of(keys, span), fields)


def ask_older(keys: LaneKeys, span: Span, names: Sequence[str]) -> Asked:
    """The same of the minutes of an hour in encoding 3."""
    return Asked(span, older_key_of(keys, span[1]), list(names), older=True)


def told(span: Span, name: str, value: bytes, key: bytes) -> Iterator[tuple[str, Counts]]:
    """What a field of a hash says of a span: rows with their counters; some come more than once."""
    if span[0] == "minutes":
        for minute, counts in read_minutes(value, key):
            yield in_minute(minute, name), counts
    else:
        yield name, read_row(value, key)


def add_moments(rows: dict[Span, Rows], moments: Iterable[Moment]) -> None:
    """Add what moments come to, which wait to be folded."""
    for span, number, row, counts in unfolded(by_cell(moments)):
        add_counts(rows.setdefault((span, number), {}), row, counts)
