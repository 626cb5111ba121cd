"""Counters of cells as last told, and what they come to in every scope.  Pure.

Only what is told anew is added up: the cost of a look is that of what has changed, not of what there is.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.alerts.model import Array, Places, Scope
from app.redis_store.reader import Cell
from streams.core.policy import ancestry

EVERYTHING: Final = Scope("all", "*")
REFUSED: Final = "refused"
_ROOM: Final = 1_024
_WIDTH: Final = 12  # larger scopes of a cell that there is room for at first

Number = TypeVar("Number", np.float64, np.intp)

Owner: TypeAlias = tuple[int, str]
"""Shard and note."""

Told: TypeAlias = Mapping[str, Mapping[str, int]]
"""Counters by the text of the cell."""


class Columns:
    """Counters by the names that rules know; new ones come at the end."""

    def __init__(self) -> None:
        self.by_name: dict[str, int] = {}
        self._of: dict[str, tuple[int, ...]] = {}

    def of(self, name: str) -> tuple[int, ...]:
        """Where a counter of a cell is counted: refused facts together, and by their reason."""
        known = self._of.get(name)
        if known is None:
            names = [name]
            if name.startswith(f"{REFUSED}:"):
                names = [REFUSED, f"{REFUSED}:{name.partition('/')[2]}"]
            known = self._of[name] = tuple(self.column(one) for one in names)
        return known

    def column(self, name: str) -> int:
        """The place of a name."""
        return self.by_name.setdefault(name, len(self.by_name))


class Scopes:
    """All scopes there are, by row; new ones come at the end."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.within: list[tuple[Scope, ...]] = []
        self.rows: dict[Scope, int] = {}

    def row(self, scope: Scope) -> int:
        """The row of a scope, new or known."""
        row = self.rows.get(scope)
        if row is None:
            row = self.rows[scope] = len(self.scopes)
            self.scopes.append(scope)
            self.within.append(())
        return row

    def belongs(self, note: Scope, larger: list[Scope]) -> list[int]:
        """Note that a note belongs to some larger scopes; the rows of all of them."""
        row = self.row(note)
        self.within[row] = tuple(dict.fromkeys((*self.within[row], *larger)))
        return [row, *map(self.row, larger)]


class Counted:
    """The counters of all cells, as far as they were told."""

    def __init__(self, scopes: Scopes, columns: Columns) -> None:
        self.channels: dict[str, set[str]] = {}  # of each platform
        self._scopes = scopes
        self._columns = columns
        self._cells: dict[Owner, dict[str, int]] = {}
        self._size = 0
        self._counts: Array = np.zeros((_ROOM, _ROOM // 32))
        self._rows_of: Places = np.full((_ROOM, _WIDTH), -1, np.intp)
        self._touched: list[int] = []
        self._told: list[tuple[int, int, int]] = []  # cell, column, count

    def take(self, owner: Owner, cells: Told) -> None:
        """Hear what a note's cells stand at; what is not named stands at 0."""
        known = self._cells.setdefault(owner, {})
        self._touched += known.values()
        for text, counters in cells.items():
            number = known.get(text)
            if number is None:
                cell = cell_of(text)
                if not cell.platform:  # what is counted for the note itself
                    continue
                number = known[text] = self._add(owner[1], cell)
                self._touched.append(number)
            for name, count in counters.items():
                for column in self._columns.of(name):
                    self._told.append((number, column, count))

    def settle(self) -> Array:
        """What has changed in every scope since this was asked last, by row and column."""
        scopes, width = len(self._scopes.scopes), len(self._columns.by_name)
        self._make_room(width)
        touched = np.array(self._touched, np.intp)
        now = np.zeros((len(touched), width))
        if self._told:
            cells, columns, counts = np.array(self._told, np.int64).T
            place = np.zeros(self._size, np.intp)
            place[touched] = np.arange(len(touched))
            now += np.bincount(place[cells] * width + columns, counts, now.size).reshape(now.shape)
        changes = now - self._counts[touched, :width]
        self._counts[touched, :width] = now
        self._touched, self._told = [], []
        return self._summed(touched, changes, scopes)

    def _summed(self, cells: Places, changes: Array, scopes: int) -> Array:
        rows = self._rows_of[cells]
        some = rows >= 0
        rows, repeated = rows[some], some.sum(axis=1)
        total = np.zeros((scopes, changes.shape[1]))
        for column in np.flatnonzero(changes.any(axis=0)).tolist():
            total[:, column] = np.bincount(rows, np.repeat(changes[:, column], repeated), scopes)
        return total

    def _add(self, note_id: str, cell: Cell) -> int:
        number, self._size = self._size, self._size + 1
        self.channels.setdefault(cell.platform, set()).add(channel_row(cell))
        rows = self._scopes.belongs(Scope("note", note_id), larger_scopes(cell))
        rows.append(self._scopes.row(EVERYTHING))
        if number >= len(self._rows_of) or len(rows) > self._rows_of.shape[1]:
            self._rows_of = _grown(self._rows_of, number + 1, len(rows), -1)
        self._rows_of[number, : len(rows)] = rows
        return number

    def _make_room(self, width: int) -> None:
        if self._size > self._counts.shape[0] or width > self._counts.shape[1]:
            self._counts = _grown(self._counts, self._size, width, 0)


def _grown(values: NDArray[Number], rows: int, columns: int, fill: int) -> NDArray[Number]:
    """With room for so many rows and columns at least, and for twice as many as there were if that is not enough."""
    sizes = zip(values.shape, (rows, columns), strict=True)
    grown = np.full([size if wanted <= size else max(wanted, 2 * size) for size, wanted in sizes], fill, values.dtype)
    grown[: values.shape[0], : values.shape[1]] = values
    return grown


def cell_of(text: str) -> Cell:
    """A cell from its text."""
    campaign_id, *others = text.split("|")
    return Cell(campaign_id or None, *others)


def channel_row(cell: Cell) -> str:
    """The row of series of a cell's platform, link and note kind."""
    return f"c{cell.platform}|{cell.link}|{cell.note_kind}"


def larger_scopes(cell: Cell) -> list[Scope]:
    """The scopes that a cell is part of, but for its note and the whole."""
    return [
        Scope("platform", cell.platform),
        *(Scope("category", category) for category in ancestry(cell.category)),
        Scope("link", cell.link),
        *([] if cell.campaign_id is None else [Scope("campaign", cell.campaign_id)]),
        Scope("merchant", cell.merchant_id),
    ]
