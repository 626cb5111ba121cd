"""A party's view: the cells that exist for it, found by scope and id, added up and ranked."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.viewing.cells import Cells, Mask, Rows
from app.viewing.figures import Figures, figures_of, refused_of
from app.viewing.party import Party
from app.viewing.scopes import DIMENSION_OF, DIMENSIONS, EVERYTHING, Dimension, Filters, Scope

NO_ROWS: Final = np.zeros(0, np.int64)
MOST_FIGURES: Final = 10_000  # kept until the counters change


class View:
    """What of some cells a party sees.

    What it may not see is not in here at all, so that looking it up is the same miss as for an id that never was.
    """

    def __init__(self, party: Party, cells: Cells) -> None:
        self.party = party
        self.cells = cells
        self._own = NO_ROWS
        self._own_of = 0  # rows that the table had when these were looked for
        self._sees_note: Mask = np.zeros(1, np.bool_)
        self._figures: dict[tuple[Scope, str], Figures | None] = {}

    def refresh(self) -> None:
        """Forget what was added up: the counters have changed."""
        self._figures.clear()

    def figures(self, scope: Scope, name: str) -> Figures | None:
        """The figures of one id; None if it does not exist for the party."""
        key = scope, name
        if key not in self._figures:
            if len(self._figures) >= MOST_FIGURES:  # while nothing changes, whatever is asked for would stay
                self._figures.clear()
            self._figures[key] = self._add_up(scope, name)
        return self._figures[key]

    def refused(self, scope: Scope, name: str) -> dict[str, int]:
        """Refused facts by KIND/REASON whose nearest click is of this id."""
        return refused_of(self.cells.sums(self.rows_of(scope, name)))

    def total(self, filters: Filters = EVERYTHING) -> Figures:
        """The figures of all cells that fit, those of notes as such only where nothing is asked of the shop."""
        return figures_of(self.cells.sums(self.rows(filters)))

    def remainder(self, scope: Scope, filters: Filters = EVERYTHING) -> Figures | None:
        """What of the total is in no id's figures, because it cannot be shown by id; None where all is."""
        if not self.party.grouped:
            return None
        rows = self.rows(filters)
        for dimension in ("note_id", DIMENSION_OF[scope]):
            nothing = self.cells.names[dimension].numbers.get("", -1)
            rows = rows[self.cells.codes(dimension)[rows] == nothing]
        return figures_of(self.cells.sums(rows))

    def rows_of(self, scope: Scope, name: str) -> Sequence[int] | Rows:
        """The rows of one id, none if it does not exist for the party."""
        if not name:
            return NO_ROWS
        if scope == "notes":
            return self._rows_of_note(name)
        return self.rows(Filters(**{DIMENSION_OF[scope]: name}))

    def rows(self, filters: Filters = EVERYTHING) -> Rows:
        """The rows that fit."""
        rows, cells = self._own_rows(), self.cells
        for dimension, wanted in zip(DIMENSIONS, filters, strict=True):
            if wanted is None:
                continue
            codes = cells.codes(dimension)[rows]
            if dimension == "category":
                below = np.zeros(len(cells.names["category"].texts), np.bool_)
                below[cells.below(wanted)] = True
                fits: Mask = below[codes]
            else:
                fits = codes == cells.names[dimension].numbers.get(wanted, -1)
            rows = rows[fits]
        return rows

    def _add_up(self, scope: Scope, name: str) -> Figures | None:
        figures = figures_of(self.cells.sums(self.rows_of(scope, name)))
        return figures if figures.counters else None

    @property
    def _sees_all(self) -> bool:
        """All shops, and all notes: these are the community's own, which knows each, whatever links are under it."""
        return self.party.kind in ("admin", "xhs")

    def _rows_of_note(self, note_id: str) -> Sequence[int]:
        """What the party sees of a note; with a first row of a shop it sees what is counted for the note as such."""
        cells = self.cells
        rows = cells.rows_of_note(note_id)
        if self._sees_all:
            return rows
        self._look()
        # A note of others is missed here, before it is looked at, as quickly as one that never was.
        if not self._sees_note[cells.names["note_id"].numbers.get(note_id, -1)]:
            return ()
        return [
            row
            for row in rows
            if not cells.is_of_shop(row) or self.party.sees(cells.name("platform", row), cells.name("merchant_id", row))
        ]

    def _own_rows(self) -> Rows:
        """All rows that the party sees."""
        self._look()
        return self._own

    def _look(self) -> None:
        """Find what the party sees, if the table has grown since the last look."""
        cells, notes = self.cells, self.cells.names["note_id"]
        if self._own_of == cells.size:
            return
        self._own_of = cells.size
        if self._sees_all:
            self._own = np.arange(cells.size)
            return
        dimension: Dimension = "platform" if self.party.kind == "platform" else "merchant_id"
        own = cells.codes(dimension) == cells.names[dimension].numbers.get(self.party.id, -1)
        # The last one stands for all notes that there are not.
        self._sees_note = np.zeros(len(notes.texts) + 1, np.bool_)
        self._sees_note[cells.codes("note_id")[own]] = True
        if "" in notes.numbers:
            self._sees_note[notes.numbers[""]] = False
        of_notes = cells.codes("platform") == cells.names["platform"].numbers.get("", -1)
        self._own = np.flatnonzero(own | (of_notes & self._sees_note[cells.codes("note_id")]))
