"""What a check remembers of the records it has seen, so that memory stays bounded however many there are."""

from collections.abc import Collection, Iterator
from typing import Final, Generic, TypeVar

from app.validating.kinds import Page, Place
from streams.records import Record

REMEMBERED: Final = 200_000
"""So many entries of each kind are remembered at least."""

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """What was said first about each key, for at least the last `size` keys and at most twice as many."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self.forgetful = False
        self._size = size
        self._young: dict[int, Value] = {}
        self._old: dict[int, Value] = {}

    def before(self, key: int, value: Value) -> Value | None:
        """What was said about a key first; None if nothing was, then it is `value` from now on."""
        known = self._young.get(key)
        if known is None:
            known = self._old.get(key)
        if known is None:
            if len(self._young) >= self._size:
                self.forgetful = self.forgetful or bool(self._old)
                self._old, self._young = self._young, {}
            self._young[key] = value
        return known


class Awaited:
    """Tokens that have orders and no click; in doubt, where it could not remember all, it says nothing of a token."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self.clicks = 0
        self.forgetful = False
        self._size = size
        self._clicked: set[int] = set()
        self._waiting: dict[int, tuple[str, Place]] = {}

    def clicked(self, tokens: Collection[str]) -> None:
        """These tokens have clicks."""
        self.clicks += len(tokens)
        keys = set(map(hash, tokens))
        for key in keys & self._waiting.keys():
            del self._waiting[key]
        if len(self._clicked) < self._size:
            self._clicked |= keys

    def ordered(self, token: str, page: Page, record: Record) -> None:
        """A token has an order in that record."""
        key = hash(token)
        if key in self._clicked or key in self._waiting:
            return
        if max(len(self._clicked), len(self._waiting)) < self._size:
            self._waiting[key] = (token, page.place(record))
        else:
            self.forgetful = True

    def without_click(self) -> Iterator[tuple[str, Place]]:
        """Tokens and their first orders; none if there were no clicks at all, which then are elsewhere."""
        yield from self._waiting.values() if self.clicks else ()
