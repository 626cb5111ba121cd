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

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

Counts: TypeAlias = Mapping[str, int]

Key: TypeAlias = tuple[str, ...]
"""A row: note, campaign, merchant, platform, category, link, note kind; empty where it is of several."""

POOLS: Final = ((1, 2, 3, 5, 6), (2, 3, 5, 6), (3, 5, 6))
"""What rows of several cells are told apart by: campaign, merchant and channel; merchant and channel; channel."""

CELLS_AT_ONCE: Final = 200


class Step(NamedTuple):
    """What is released to a row: the changes of these cells, and what they come to."""

    row: Key
    changes: dict[Key, dict[str, int]]
    total: dict[str, int]


def steps(now: Mapping[Key, Counts], released: Mapping[Key, Counts], k: int) -> Iterator[Step | None]:
    """The steps that can be released; `released` is what of each cell was, to whatever row.

    None comes now and then meanwhile, where who works them out may do something else: there may be many cells.  What
    is given must not change before the last.
    """
    waiting: dict[Key, dict[str, int]] = {}
    for number, cell in enumerate(chain(now, (cell for cell in released if cell not in now))):
        change = difference(now.get(cell, {}), released.get(cell, {}))
        if change and tokens_in(change, now.get(cell, {})) >= k:
            yield Step(cell, {cell: change}, change)
        elif change:
            waiting[cell] = change
        if number % CELLS_AT_ONCE == 0:
            yield None
    for level in POOLS:
        pools: dict[Key, Step] = {}
        tokens: dict[Key, int] = {}
        for number, (cell, change) in enumerate(waiting.items()):
            row = _row(cell, level)
            pool = pools.setdefault(row, Step(row, {}, {}))
            pool.changes[cell] = change
            add(pool.total, change)
            tokens[row] = tokens.get(row, 0) + tokens_in(change, now.get(cell, {}))
            if number % CELLS_AT_ONCE == 0:
                yield None
        for row, step in pools.items():
            if tokens[row] >= k:
                for cell in step.changes:
                    del waiting[cell]
                yield step


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
