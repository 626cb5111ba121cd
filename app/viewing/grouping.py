"""Grouping: how figures are released to who sees several merchants' buyers.  Pure; docs/parties.md has the reasoning.

Nothing is released but in *steps*: the changes of some cells since they were last released, added up, in which at least
k tokens have a part.  A cell whose own changes make a step is a row of its own.  Those of the others are pooled, by
campaign and merchant, then by merchant, then by channel, until they make one; what is left waits.  A row only ever
grows by steps, and what was once released to a row stays there.  So between any two releases, whichever they are, each
row, each remainder and each sum of them is the same, or differs by what at least k tokens did together.

How many tokens have a part in a change is known from below.  A token is *at home* in the cell of its first click, and
in no other, so that tokens of several cells may be added up:

- tokens that came: first clicks, which are `clicks + clicks_refused - clicks_repeated`;
- tokens that entered or ordered: clicks that did so are of as many tokens as there are, but for repeated ones.

The greatest of these is taken.  What took tokens away (a late record that moves a click elsewhere) counts for nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

Counts: TypeAlias = Mapping[str, int]

Key: TypeAlias = tuple[str, ...]
"""A row: note, campaign, merchant, platform, category, link, note kind; empty where it is of several."""

LEVELS: Final = ((0, 1, 2, 3, 4, 5, 6), (1, 2, 3, 5, 6), (2, 3, 5, 6), (3, 5, 6))
"""What rows are told apart by: all, campaign and merchant and channel, merchant and channel, channel."""


class Step(NamedTuple):
    """What is released to a row: the changes of these cells."""

    row: Key
    changes: dict[Key, dict[str, int]]

    @property
    def total(self) -> dict[str, int]:
        """The changes added up."""
        sums: dict[str, int] = {}
        for change in self.changes.values():
            add(sums, change)
        return sums


def steps(now: Mapping[Key, Counts], released: Mapping[Key, Counts], k: int) -> list[Step]:
    """The steps that can be released; `released` is what of each cell was, to whatever row."""
    waiting = {
        cell: change
        for cell in {**now, **released}
        if (change := difference(now.get(cell, {}), released.get(cell, {})))
    }
    found: list[Step] = []
    for level in LEVELS:
        pools: dict[Key, dict[Key, dict[str, int]]] = {}
        for cell, change in waiting.items():
            pools.setdefault(_row(cell, level), {})[cell] = change
        for row, changes in pools.items():
            if sum(tokens_in(change, now.get(cell, {})) for cell, change in changes.items()) >= k:
                found.append(Step(row, changes))
                for cell in changes:
                    del waiting[cell]
    return found


def tokens_in(change: Counts, now: Counts) -> int:
    """How many tokens have a part in a change of a cell, at least; `now` is what the cell counts after it."""
    came = change.get("clicks", 0) + change.get("clicks_refused", 0) - change.get("clicks_repeated", 0)
    repeated = now.get("clicks_repeated", 0)
    return max(0, came, *(change.get(name, 0) - repeated for name in ("clicks_entered", "clicks_ordered")))


def difference(now: Counts, before: Counts) -> dict[str, int]:
    """What has changed, by counter."""
    changed = {name: now.get(name, 0) - before.get(name, 0) for name in {**now, **before}}
    return {name: change for name, change in changed.items() if change}


def add(sums: dict[str, int], change: Counts) -> None:
    """Add a change to sums, zeros left out."""
    for name, by in change.items():
        total = sums.get(name, 0) + by
        if total:
            sums[name] = total
        else:
            sums.pop(name, None)


def _row(cell: Key, level: Iterable[int]) -> Key:
    kept = set(level)
    return tuple(part if place in kept else "" for place, part in enumerate(cell))
