"""All cells with their counters in columns: sums and rankings over hundreds of thousands of cells in milliseconds."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import repeat
from operator import contains
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.counters import COUNTS, MONEY
from app.viewing.scopes import DIMENSIONS, Dimension
from streams.core.policy import ancestry

Rows: TypeAlias = NDArray[np.int64]
Values: TypeAlias = NDArray[np.int64]
Numbers: TypeAlias = NDArray[np.int32]
Number = TypeVar("Number", np.int32, np.int64, np.bool_)
Mask: TypeAlias = NDArray[np.bool_]

FIRST_ROWS: Final = 1_024
SPREAD_ROWS: Final = 97
FEW_ROWS: Final = 64  # are added up one by one, more of them counter by counter


class Names:
    """The texts of one dimension, each with a number, and with a second one to order equals by."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.numbers: dict[str, int] = {}
        self._lowered: list[str] = []
        self._orders = np.zeros(FIRST_ROWS, np.int64)
        self._ordered = np.zeros(0, np.int64)

    def number(self, text: str) -> int:
        """The number of a text, new or known."""
        known = self.numbers.get(text)
        if known is None:
            known = self.numbers[text] = len(self.texts)
            self.texts.append(text)
            lowered = text.lower()
            self._lowered.append(text if lowered == text else lowered)
            self._orders = grown(self._orders, len(self.texts))
            self._orders[known] = order_of(text)
        return known

    @property
    def orders(self) -> Values:
        """By number: what orders those that are equal otherwise, the same in every process."""
        return self._orders[: len(self.texts)]

    def containing(self, part: str) -> Mask:
        """By number: which texts contain this, in whatever case."""
        return np.fromiter(map(contains, self._lowered, repeat(part.lower())), np.bool_, len(self._lowered))

    def ordered(self) -> Rows:
        """All numbers in that order."""
        known = len(self._ordered)
        if known < len(self.texts):
            fresh = known + np.argsort(self.orders[known:])
            places = np.searchsorted(self.orders[self._ordered], self.orders[fresh])
            self._ordered = np.insert(self._ordered, places, fresh)
        return self._ordered


class Cells:
    """A table of cells; a cell of a note has a row for each shard that knows it.

    Each counter is a column of its own, as long as it has to be: so a sum over all rows reads what it needs and no
    more, and when the table grows it never moves as a whole.
    """

    def __init__(self) -> None:
        self.size = 0
        self.names: dict[Dimension, Names] = {dimension: Names() for dimension in DIMENSIONS}
        self._rows_of_note: dict[int, tuple[int, ...]] = {}
        self._rows: dict[tuple[int, int], dict[str, int]] = {}  # shard and note -> text of the cell -> row
        self._codes: dict[Dimension, Numbers] = {dimension: np.zeros(FIRST_ROWS, np.int32) for dimension in DIMENSIONS}
        self._columns: dict[str, Values] = {}
        self._counted: list[tuple[str, ...]] = []  # by row: the counters that need not be 0
        self._combinations: dict[tuple[str, ...], tuple[str, ...]] = {}  # of counters, each kept once
        self._shown = np.zeros(FIRST_ROWS, np.bool_)

    def put(self, shard: int, note_id: str, cells: Mapping[str, Mapping[str, int]]) -> None:
        """What a shard counts for a note, by the cells' texts; what is not named is 0."""
        note = self.names["note_id"].number(note_id)
        known = self._rows.setdefault((shard, note), {})
        for text in known.keys() - cells.keys():
            self._count(known[text], {})
        for text, counters in cells.items():
            row = known.get(text)
            if row is None:
                row = known[text] = self._add_row(note, text)
            self._count(row, counters)

    def settle(self) -> None:
        """Put the new notes in order now: for many at once it would take long."""
        self.names["note_id"].ordered()

    def places(self) -> Iterator[tuple[int, str]]:
        """The shards and notes that were ever put."""
        texts = self.names["note_id"].texts
        return ((shard, texts[note]) for shard, note in list(self._rows))

    def name(self, dimension: Dimension, row: int) -> str:
        """What a row is of in a dimension."""
        text: str = self.names[dimension].texts[self._codes[dimension][row]]
        return text

    def key(self, row: int) -> tuple[str, ...]:
        """What a row is of in all dimensions."""
        return tuple(self.name(dimension, row) for dimension in DIMENSIONS)

    def codes(self, dimension: Dimension) -> Numbers:
        """The number of each row's name in a dimension."""
        return self._codes[dimension][: self.size]

    def rows_of_note(self, note_id: str) -> tuple[int, ...]:
        """The rows of a note."""
        return self._rows_of_note.get(self.names["note_id"].numbers.get(note_id, -1), ())

    def counters(self) -> list[str]:
        """What is counted anywhere and shown."""
        return list(filter(_is_shown, self._columns))

    def values(self, rows: Rows, name: str) -> Values:
        """A counter of some rows."""
        column = self._columns.get(name)
        if column is None:
            return np.zeros(len(rows), np.int64)
        if len(column) < self.size:
            column = self._columns[name] = grown(column, self.size)
        return column[rows]

    def sums(self, rows: Sequence[int] | Rows) -> dict[str, int]:
        """The counters of some rows, each of them named once, together, zeros left out."""
        totals: dict[str, int] = {}
        if len(rows) <= FEW_ROWS:
            for row in rows:
                for name in self._counted[row]:
                    totals[name] = totals.get(name, 0) + self._columns[name].item(row)
        else:
            totals = {name: int(self._picked(column, rows).sum()) for name, column in self._columns.items()}
        return {name: total for name, total in totals.items() if total}

    def shown(self, rows: Rows) -> Mask:
        """Which rows count anything that is shown for a note."""
        found: Mask = self._shown[rows]
        return found

    def is_of_shop(self, row: int) -> bool:
        """Whether a row counts what happened on the way to a shop, and not for the note as such."""
        return bool(self.name("platform", row))

    def of_shops(self, rows: Sequence[int] | Rows) -> Rows:
        """Those of some rows that count what happened on the way to a shop, and not for the note as such."""
        given = np.asarray(rows, np.int64)
        kept: Rows = given[self.codes("platform")[given] != self.names["platform"].numbers.get("", -1)]
        return kept

    def distinct(self, rows: Rows, dimensions: Sequence[Dimension]) -> list[tuple[str, ...]]:
        """The combinations of names that there are in some rows; there may be less than 2^63 of them."""
        combined = np.zeros(len(rows), np.int64)
        for dimension in dimensions:
            combined *= len(self.names[dimension].texts)
            combined += self.codes(dimension)[rows]
        combined.sort()
        found = combined[np.flatnonzero(np.diff(combined, prepend=-1))]
        names: list[list[str]] = []
        for dimension in reversed(dimensions):
            texts = self.names[dimension].texts
            found, codes = np.divmod(found, len(texts)) if len(found) else (found, found)
            names.insert(0, [texts[code] for code in codes.tolist()])
        return list(zip(*names, strict=True))

    def below(self, category: str) -> list[int]:
        """The numbers of a category and of all that is below it by dots."""
        return [number for text, number in self.names["category"].numbers.items() if category in ancestry(text)]

    def _add_row(self, note: int, text: str) -> int:
        row = self.size
        self.size += 1
        self._shown = grown(self._shown, self.size)
        self._counted.append(())
        for dimension, part in zip(DIMENSIONS[1:], text.split("|"), strict=True):
            self._codes[dimension] = codes = grown(self._codes[dimension], self.size)
            codes[row] = self.names[dimension].number(part)
        self._codes["note_id"] = codes = grown(self._codes["note_id"], self.size)
        codes[row] = note
        self._rows_of_note[note] = (*self._rows_of_note.get(note, ()), row)
        return row

    def _count(self, row: int, counters: Mapping[str, int]) -> None:
        for name in self._counted[row]:
            if name not in counters:
                self._columns[name][row] = 0
        for name, count in counters.items():
            column = self._columns.get(name)
            if column is None or row >= len(column):
                column = self._columns[name] = self._longer(column, row + 1)
            column[row] = count
        names = tuple(sorted(counters))  # in whatever order they came: there are few combinations
        self._counted[row] = self._combinations.setdefault(names, names)
        self._shown[row] = any(count and _is_shown(name) for name, count in counters.items())

    def _longer(self, column: Values | None, size: int) -> Values:
        if column is None:
            # Of different lengths, so that they do not all have to grow at the same row.
            column = np.zeros(FIRST_ROWS + SPREAD_ROWS * len(self._columns), np.int64)
        return grown(column, size)

    def _picked(self, column: Values, rows: Sequence[int] | Rows) -> Values:
        """What a column holds of some rows, each of them named once; what is behind its end is 0 and left out."""
        if len(rows) == self.size:
            return column[: self.size]  # not copied first
        if len(column) < self.size:
            rows = np.asarray(rows)
            rows = rows[rows < len(column)]
        return column[rows]


def grown(array: NDArray[Number], size: int) -> NDArray[Number]:
    """The array, or one at least twice as long that begins like it when `size` does not fit."""
    if size <= len(array):
        return array
    larger = np.zeros(max(size, 2 * len(array)), array.dtype)
    larger[: len(array)] = array
    return larger


@lru_cache(4_096)
def _is_shown(name: str) -> bool:
    return name in COUNTS or name.startswith(MONEY)


def order_of(text: str) -> int:
    """A number that stands for a text wherever equals have to be put in some order."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
