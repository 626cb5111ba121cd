"""Which of many cells differ, told in as few groups as say it exactly."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple, TypeAlias, TypeVar

Name: TypeAlias = str | None
V = TypeVar("V", bound=Hashable)

OTHER: Final = None
"""On an axis: whatever no policy names."""


class Scope(NamedTuple):
    """Some of the platforms, categories or campaigns: these, or all but these."""

    names: tuple[str, ...]
    all_but: bool = False
    exceptions: tuple[str, ...] = ()
    """Categories below `names` for which the contrary holds."""


ALL: Final = Scope((), all_but=True)


def boxes(
    axes: Sequence[Sequence[Name]], values: Callable[[tuple[Name, ...]], tuple[V, V]]
) -> Iterator[tuple[list[tuple[Name, ...]], tuple[V, V]]]:
    """The cells whose two values differ, as few groups that have the same two values and are full along each axis."""
    cells = {cell: pair for cell in product(*axes) if (pair := values(cell))[0] != pair[1]}
    yield from _grouped(cells, len(axes))


def _grouped(
    cells: Mapping[tuple[Name, ...], tuple[V, V]], axes: int
) -> Iterator[tuple[list[tuple[Name, ...]], tuple[V, V]]]:
    if axes == 0:
        yield from (([], pair) for pair in cells.values())
        return
    below: dict[Name, dict[tuple[Name, ...], tuple[V, V]]] = {}
    for cell, pair in cells.items():
        below.setdefault(cell[0], {})[cell[1:]] = pair
    alike: dict[frozenset[tuple[tuple[Name, ...], tuple[V, V]]], list[Name]] = {}
    for name, rest in below.items():
        # At the last axis each name has one pair of values, so that names with the same pair meet here too.
        alike.setdefault(frozenset(rest.items()), []).append(name)
    for names in alike.values():
        for group, pair in _grouped(below[names[0]], axes - 1):
            yield [tuple(names), *group], pair


def scope_of(names: Sequence[Name], axis: Sequence[Name]) -> Scope:
    """What some of the names of an axis stand for."""
    if len(names) == len(axis):
        return ALL
    all_but = OTHER in names
    within = [name for name in axis if name is not None and (name in names) != all_but]
    without = [name for name in axis if name is not None and (name in names) == all_but]
    return Scope(tuple(within), all_but, tuple(name for name in without if _below(name, within)))


def _below(name: str, others: Sequence[str]) -> bool:
    return any(name.startswith(f"{other}.") for other in others)
