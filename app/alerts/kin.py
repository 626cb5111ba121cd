"""Which scopes are made of which notes, and which notes are peers."""

import numpy as np

from app.alerts.columns import Table
from app.alerts.model import Array, Mask, Places


class Kin:
    """The relations of all scopes, by row."""

    def __init__(self) -> None:
        # Pairs of a larger scope and a note.
        self.parents: Places = np.zeros(0, np.intp)
        self._children: Places = np.zeros(0, np.intp)
        self.group: Places = np.zeros(0, np.intp)  # of peers: notes of one category on one platform
        self.groups = 1
        self.larger: Mask = np.zeros(0, bool)  # scopes that are made of notes
        self.notes: Mask = np.zeros(0, bool)
        self.crossing: Mask = np.zeros(0, bool)  # larger scopes that have notes in many groups

    def relate(self, kept: Places, table: Table) -> Places:
        """Go on with the rows `kept`, which come first now, and new ones.

        Returns the rows of those that turn out to be made of notes, which nobody knew.
        """
        before = self.larger[kept]
        self._children, self.parents, self.group, self.groups = table.relation()
        self.larger = np.zeros(len(table.scopes), bool)
        self.larger[self.parents] = True
        self.notes = table.of_kinds(["note"])
        self.crossing = self.larger & table.of_kinds(["campaign", "merchant"])
        size = min(len(before), len(self.larger))
        return np.flatnonzero(self.larger[:size] & ~before[:size])

    def of_notes(self, values: Array) -> Array:
        """What the notes of larger scopes come to; 0 for other scopes."""
        return np.bincount(self.parents, values[self._children], len(values)).astype(float)

    def of_peers(self, values: Array) -> Array:
        """What the peers of each scope come to, itself left out."""
        sums: Array = np.bincount(self.group, values, self.groups)[self.group] - values
        return sums
