"""A party's view: the cells that exist for it, found by scope and id, added up and ranked."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from app.viewing.cells import Cells, Mask, Rows
from app.viewing.figures import Figures, figures_of, refused_of
from app.viewing.party import Party
from app.viewing.scopes import DIMENSION_OF, DIMENSIONS, EVERYTHING, SCOPES, Filters, Scope
from streams.core.policy import ancestry

NO_ROWS: Final = np.zeros(0, np.int64)


class View:
    """What of some cells a party sees.

    What it may not see is not in here at all, so that looking it up is the same miss as for an id that never was.
    """

    def __init__(self, party: Party, cells: Cells) -> None:
        self.party = party
        self.cells = cells
        self._seen = 0  # rows of the table that were looked at
        self._rows: dict[Scope, dict[str, list[int]]] = {scope: {} for scope in SCOPES}
        self._own: list[int] = []
        self._own_array = NO_ROWS
        self._figures: dict[tuple[Scope, str], Figures | None] = {}

    def refresh(self) -> None:
        """Forget what was added up: the counters have changed."""
        self._figures.clear()

    def figures(self, scope: Scope, name: str) -> Figures | None:
        """The figures of one id; None if it does not exist for the party."""
        key = scope, name
        if key not in self._figures:
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

    def rows_of(self, scope: Scope, name: str) -> list[int]:
        """The rows of one id, none if it does not exist for the party."""
        self._look_on()
        return self._rows[scope].get(name, [])

    def rows(self, filters: Filters = EVERYTHING) -> Rows:
        """The rows that fit."""
        self._look_on()
        rows, cells = self._own_array, self.cells
        for dimension, wanted in zip(DIMENSIONS, filters, strict=True):
            if wanted is None:
                continue
            codes = cells.codes(dimension)[rows]
            if dimension == "category":
                fits: Mask = np.isin(codes, cells.below(wanted))
            else:
                fits = codes == cells.names[dimension].numbers.get(wanted, -1)
            rows = rows[fits]
        return rows

    def _add_up(self, scope: Scope, name: str) -> Figures | None:
        rows = self.rows_of(scope, name)
        if not any(map(self._of_a_shop, rows)) and not self._sees_all_notes:
            return None
        figures = figures_of(self.cells.sums(rows))
        return figures if figures.counters else None

    @property
    def _sees_all_notes(self) -> bool:
        """Notes are the community's own: it knows each, whatever links are under it."""
        return self.party.kind in ("admin", "xhs")

    def _of_a_shop(self, row: int) -> bool:
        return bool(self.cells.name("platform", row))

    def _look_on(self) -> None:
        """Take the rows that the table got since the last look."""
        if self._seen == self.cells.size:
            return
        for row in range(self._seen, self.cells.size):
            self._own += self._take(row)
        self._seen = self.cells.size
        self._own_array = np.array(self._own, np.int64)

    def _take(self, row: int) -> Iterator[int]:
        """The rows that come into the view with a new one."""
        cells, notes = self.cells, self._rows["notes"]
        note_id = cells.name("note_id", row)
        if self._of_a_shop(row):
            if not self.party.sees(cells.name("platform", row), cells.name("merchant_id", row)):
                return
            known = note_id in notes
            self._index(row)
            yield row
            if not known and note_id and not self._sees_all_notes:
                # With its first cell a note comes into view, and with the note what is counted for it as such.
                of_note = cells.rows_of_note[cells.names["note_id"].number(note_id)]
                for itself in [one for one in of_note if one < row and not self._of_a_shop(one)]:
                    notes[note_id].append(itself)
                    yield itself
        elif self._sees_all_notes or note_id in notes:
            notes.setdefault(note_id, []).append(row)
            yield row

    def _index(self, row: int) -> None:
        for scope, dimension in DIMENSION_OF.items():
            name = self.cells.name(dimension, row)
            for one in ancestry(name) if scope == "categories" else [name]:
                if one:
                    self._rows[scope].setdefault(one, []).append(row)
