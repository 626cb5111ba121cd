"""Counters of everything in a scope at once; a category's with all that is below it."""

from collections.abc import Iterator

import numpy as np

from app.viewing.cells import Mask, Rows, Values
from app.viewing.scopes import DIMENSION_OF, Scope
from app.viewing.view import View


class Sums:
    """Sums of rows by the number of what they belong to."""

    def __init__(self, view: View, scope: Scope, rows: Rows) -> None:
        self._cells = view.cells
        self._names = view.cells.names[DIMENSION_OF[scope]]
        codes = view.cells.codes(DIMENSION_OF[scope])[rows].astype(np.int64)
        kept = codes != self._names.numbers.get("", -1)
        self._rows, self._codes = rows[kept], codes[kept]
        self._above = list(self._ancestors()) if scope == "categories" else []

    def present(self) -> Mask:
        """By number: what there are rows of."""
        found = np.zeros(len(self._names.texts), np.bool_)
        found[self._codes] = True
        for _, ancestor in self._above:
            found[ancestor] = True
        return found

    def of(self, name: str) -> Values:
        """A counter, by number."""
        sums = np.zeros(len(self._names.texts), np.int64)
        np.add.at(sums, self._codes, self._cells.values(self._rows, name))
        own = sums.copy()
        for code, ancestor in self._above:
            sums[ancestor] += own[code]
        return sums

    def _ancestors(self) -> Iterator[tuple[int, int]]:
        """What is there, each with everything above it by dots; numbers for these are made where there are none."""
        names = self._names
        for code in np.flatnonzero(np.bincount(self._codes)).tolist():
            parts = names.texts[code].split(".")
            for length in range(1, len(parts)):
                yield code, names.number(".".join(parts[:length]))
