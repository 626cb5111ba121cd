"""Scopes that come and go while arrays hold what is known of each: rows are added at the end and taken out together."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from app.alerts.model import Array, Places, Scope

MOST_SCOPES: Final = 200_000
"""More are not watched: the newest stay out."""


def resized(holder: Any, keep: Places, fresh: int, fill: Any) -> None:
    """Take the rows `keep` of every array of a dataclass, then as many rows of `fill`, another one of its kind."""
    for field in dataclasses.fields(holder):
        values = getattr(holder, field.name)
        if isinstance(values, np.ndarray):
            added = np.repeat(getattr(fill, field.name)[:1], fresh, axis=0)
            setattr(holder, field.name, np.concatenate([values[keep], added]))


class Table:
    """The scopes that are watched, by row."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.within: list[tuple[Scope, ...]] = []
        self.row: dict[Scope, int] = {}
        self.seen_min: Array = np.zeros(0)
        self._last: tuple[Sequence[Scope], int, Places] | None = None

    def rows_of(self, scopes: Sequence[Scope], within: Sequence[tuple[Scope, ...]], at_min: float) -> Places:
        """The row of each scope, -1 for those that are too many; new ones are added."""
        if self._last is not None and self._last[0] is scopes and self._last[1] == len(scopes):
            rows = self._last[2]
            self.seen_min[rows[rows >= 0]] = at_min
            return rows
        fresh = 0
        for scope, larger in zip(scopes, within, strict=True):
            if scope not in self.row and len(self.scopes) < MOST_SCOPES:
                self.row[scope] = len(self.scopes)
                self.scopes.append(scope)
                self.within.append(larger)
                fresh += 1
        if fresh:
            self.seen_min = np.concatenate([self.seen_min, np.full(fresh, at_min)])
        rows = np.fromiter((self.row.get(scope, -1) for scope in scopes), np.intp, len(scopes))
        self.seen_min[rows[rows >= 0]] = at_min
        self._last = scopes, len(scopes), rows
        return rows

    def keep(self, rows: Places) -> None:
        """Forget all other scopes."""
        self.scopes = [self.scopes[row] for row in rows]
        self.within = [self.within[row] for row in rows]
        self.row = {scope: row for row, scope in enumerate(self.scopes)}
        self.seen_min = self.seen_min[rows]
        self._last = None
