"""All cells with their counters in columns: sums and rankings over hundreds of thousands of cells in milliseconds."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
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
FIRST_COLUMNS: Final = 64


class Names:
    """The texts of one dimension, each with a number, and with a second one to order equals by."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.numbers: dict[str, int] = {}
        self._orders = np.zeros(FIRST_ROWS, np.int64)

    def number(self, text: str) -> int:
        """The number of a text, new or known."""
        known = self.numbers.get(text)
        if known is None:
            known = self.numbers[text] = len(self.texts)
            self.texts.append(text)
            self._orders = grown(self._orders, len(self.texts))
            self._orders[known] = order_of(text)
        return known

    @property
    def orders(self) -> Values:
        """By number: what orders those that are equal otherwise, the same in every process."""
        return self._orders[: len(self.texts)]


class Cells:
    """A table of cells; a cell of a note has a row for each shard that knows it."""

    def __init__(self) -> None:
        self.size = 0
        self.names: dict[Dimension, Names] = {dimension: Names() for dimension in DIMENSIONS}
        self.rows_of_note: dict[int, list[int]] = {}
        self.columns: dict[str, int] = {}
        self._rows: dict[tuple[int, int], dict[str, int]] = {}  # shard and note -> text of the cell -> row
        self._codes: dict[Dimension, Numbers] = {dimension: np.zeros(FIRST_ROWS, np.int32) for dimension in DIMENSIONS}
        self._values = np.zeros((FIRST_ROWS, FIRST_COLUMNS), np.int64)
        self._shown = np.zeros(FIRST_ROWS, np.bool_)

    def put(self, shard: int, note_id: str, cells: Mapping[str, Mapping[str, int]]) -> None:
        """What a shard counts for a note, by the cells' texts; what is not named is 0."""
        note = self.names["note_id"].number(note_id)
        known = self._rows.setdefault((shard, note), {})
        for text in known.keys() - cells.keys():
            self._values[known[text]] = 0
            self._shown[known[text]] = False
        for text, counters in cells.items():
            row = known.get(text)
            if row is None:
                row = known[text] = self._add_row(note, text)
            numbers = [self.column(name) for name in counters]
            self._values[row] = 0
            self._values[row, numbers] = list(counters.values())
            self._shown[row] = any(count and _is_shown(name) for name, count in counters.items())

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

    def column(self, name: str) -> int:
        """The number of a counter's column, new or known."""
        known = self.columns.get(name)
        if known is None:
            known = self.columns[name] = len(self.columns)
            if known >= self._values.shape[1]:
                self._values = np.hstack([self._values, np.zeros_like(self._values)])
        return known

    def values(self, rows: Rows, name: str) -> Values:
        """A counter of some rows."""
        known = self.columns.get(name)
        return np.zeros(len(rows), np.int64) if known is None else self._values[rows, known]

    def sums(self, rows: Sequence[int] | Rows) -> dict[str, int]:
        """The counters of some rows together, zeros left out."""
        if len(rows) == 0:
            return {}
        totals = self._values[rows, : len(self.columns)].sum(axis=0).tolist()
        return {name: total for name, total in zip(self.columns, totals, strict=True) if total}

    def shown(self, rows: Rows) -> Mask:
        """Which rows count anything that is shown for a note."""
        found: Mask = self._shown[rows]
        return found

    def of_shops(self, rows: Sequence[int] | Rows) -> Rows:
        """Those of some rows that count what happened on the way to a shop, and not for the note as such."""
        given = np.asarray(rows, np.int64)
        kept: Rows = given[self.codes("platform")[given] != self.names["platform"].numbers.get("", -1)]
        return kept

    def distinct(self, rows: Rows, dimensions: Sequence[Dimension]) -> list[tuple[str, ...]]:
        """The combinations of names that there are in some rows."""
        codes = np.unique(np.stack([self.codes(dimension)[rows] for dimension in dimensions]), axis=1)
        texts = [self.names[dimension].texts for dimension in dimensions]
        return [tuple(of[code] for of, code in zip(texts, column, strict=True)) for column in codes.T.tolist()]

    def below(self, category: str) -> list[int]:
        """The numbers of a category and of all that is below it by dots."""
        return [number for text, number in self.names["category"].numbers.items() if category in ancestry(text)]

    def _add_row(self, note: int, text: str) -> int:
        row = self.size
        self.size += 1
        self._values = grown(self._values, self.size)
        self._shown = grown(self._shown, self.size)
        for dimension, part in zip(DIMENSIONS[1:], text.split("|"), strict=True):
            self._codes[dimension] = codes = grown(self._codes[dimension], self.size)
            codes[row] = self.names[dimension].number(part)
        self._codes["note_id"] = codes = grown(self._codes["note_id"], self.size)
        codes[row] = note
        self.rows_of_note.setdefault(note, []).append(row)
        return row


def grown(array: NDArray[Number], size: int) -> NDArray[Number]:
    """The array, or one twice as long that begins like it when `size` does not fit."""
    if size <= len(array):
        return array
    larger = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


@lru_cache(4_096)
def _is_shown(name: str) -> bool:
    return name in COUNTS or name.startswith(MONEY)


def order_of(text: str) -> int:
    """A number that stands for a text wherever equals have to be put in some order."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
