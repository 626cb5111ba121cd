"""Scopes that come and go while arrays hold what is known of each: rows are added at the end and taken out together."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from app.alerts.model import SCOPE_KINDS, Array, Mask, Places, Scope, ScopeKind

MOST_SCOPES: Final = 200_000
"""More are not watched: the newest stay out."""


def resized(holder: Any, keep: Places, fresh: int, fill: Any) -> None:
    """Take the rows `keep` of every array of a dataclass, then as many rows of `fill`, another one of its kind."""
    for field in dataclasses.fields(holder):
        values = getattr(holder, field.name)
        if isinstance(values, np.ndarray):
            added = np.repeat(getattr(fill, field.name)[:1], fresh, axis=0)
            setattr(holder, field.name, np.concatenate([values[keep], added]))


def moved(before: Places, kept: Places, chosen: Mask) -> tuple[Places, Places]:
    """The rows that are chosen now, and the places in `before` of those of them that were there.

    `before` are the rows chosen so far, ascending; `kept` the rows that stay and come first now, ascending.
    """
    rows = np.flatnonzero(chosen)
    return rows, np.searchsorted(before, kept[rows[rows < len(kept)]])


class Relation(NamedTuple):
    """Which scopes are parts of which, by row."""

    children: Places  # pairs: a note, and a larger scope that it belongs to
    parents: Places
    group: Places  # of peers: notes of one category on one platform, or all scopes of a kind
    groups: int


class Table:
    """The scopes that are watched, by row; what a note belongs to has a row too."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.within: list[tuple[Scope, ...]] = []
        self.row: dict[Scope, int] = {}
        self.seen_min: Array = np.zeros(0)
        self._kinds: list[int] = []
        self._pairs: list[tuple[int, int]] = []
        self._group: list[int] = []
        self._groups: dict[tuple[str, ...], int] = {}
        self._last: tuple[Sequence[Scope], int, Places] | None = None

    def rows_of(self, scopes: Sequence[Scope], within: Sequence[tuple[Scope, ...]], at_min: float) -> Places:
        """The row of each scope, -1 for those that are too many; new ones are added."""
        if self._last is not None and self._last[0] is scopes and self._last[1] == len(scopes):
            rows = self._last[2]
        else:
            before, known = len(self.scopes), self.row
            for scope, larger in zip(scopes, within, strict=True):
                if scope not in known:
                    self._add(scope, larger)
            self.seen_min = np.concatenate([self.seen_min, np.full(len(self.scopes) - before, at_min)])
            rows = np.fromiter((known.get(scope, -1) for scope in scopes), np.intp, len(scopes))
            self._last = scopes, len(scopes), rows
        self.seen_min[rows[rows >= 0]] = at_min
        return rows

    def of_kinds(self, kinds: Iterable[ScopeKind]) -> Mask:
        """Which scopes are of some kinds."""
        codes = [SCOPE_KINDS.index(kind) for kind in kinds]
        return np.isin(np.array(self._kinds, np.int8), codes)

    def relation(self) -> Relation:
        """Who belongs to whom."""
        pairs = np.array(self._pairs, np.intp).reshape(-1, 2)
        return Relation(pairs[:, 0], pairs[:, 1], np.array(self._group, np.intp), max(len(self._groups), 1))

    def keep(self, rows: Places) -> None:
        """Forget all other scopes, but for what those that stay belong to."""
        scopes, within, seen_min = self.scopes, self.within, self.seen_min[rows]
        self.fill([scopes[row] for row in rows.tolist()], [within[row] for row in rows.tolist()])
        self.seen_min = seen_min

    def fill(self, scopes: Sequence[Scope], within: Sequence[tuple[Scope, ...]]) -> None:
        """Have these scopes and no others, in this order."""
        self.scopes, self.within, self.row = [], [], {}
        self._kinds, self._pairs, self._group, self._groups, self._last = [], [], [], {}, None
        for scope, larger in zip(scopes, within, strict=True):
            self._append(scope, larger)
        for row, larger in enumerate(self.within):
            self._pairs += [(row, self.row[one]) for one in larger if one in self.row]
        self.seen_min = np.zeros(len(scopes))

    def _add(self, scope: Scope, larger: tuple[Scope, ...]) -> None:
        for one in larger:
            if one not in self.row:
                self._add(one, ())
        if len(self.scopes) < MOST_SCOPES:
            row = len(self.scopes)
            self._append(scope, larger)
            self._pairs += [(row, self.row[one]) for one in larger if one in self.row]

    def _append(self, scope: Scope, larger: tuple[Scope, ...]) -> None:
        self.row[scope] = len(self.scopes)
        self.scopes.append(scope)
        self.within.append(larger)
        self._kinds.append(SCOPE_KINDS.index(scope.kind))
        peers = tuple(str(one) for one in larger if one.kind in ("platform", "category"))
        self._group.append(self._groups.setdefault((scope.kind, *peers), len(self._groups)))
