"""Where generators take their decisions from: a seed, for volume, or hypothesis, for examples that shrink."""

import random
from collections.abc import Sequence
from functools import cache
from typing import Protocol, TypeVar

from hypothesis import strategies as st

Item = TypeVar("Item")


class Choices(Protocol):
    """A source of decisions; 0 is always the simplest one."""

    def below(self, limit: int) -> int:
        """A whole number from 0 up to but not including `limit`."""
        ...


class Seeded:
    """Decisions that follow from a seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def below(self, limit: int) -> int:
        """A whole number from 0 up to but not including `limit`."""
        return int(self._random() * limit)


class Drawn:
    """Decisions that hypothesis takes, remembers and makes simpler when an example fails."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def below(self, limit: int) -> int:
        """A whole number from 0 up to but not including `limit`."""
        return self._draw(_below(limit)) if limit > 1 else 0


@cache
def _below(limit: int) -> st.SearchStrategy[int]:
    return st.integers(0, limit - 1)


def pick(choices: Choices, items: Sequence[Item]) -> Item:
    """One of `items`; the first one is the simplest."""
    return items[choices.below(len(items))]


def seldom(choices: Choices, one_in: int) -> bool:
    """True once in so many times; False is the simplest."""
    return choices.below(one_in) == one_in - 1


def shuffled(choices: Choices, items: Sequence[Item]) -> list[Item]:
    """The items in any order, once in four times as they are: that is the simplest."""
    rest, order = list(items), list[Item]()
    if choices.below(4) == 0:
        return rest
    while rest:
        order.append(rest.pop(choices.below(len(rest))))
    return order
