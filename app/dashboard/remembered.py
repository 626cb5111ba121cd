"""What many pages show alike is looked up once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

MOST: Final = 200

Looked = TypeVar("Looked")


class Remembered:
    """Keeps what was looked up for as long as its mark is the same."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[Hashable, asyncio.Future[Any]]] = OrderedDict()

    async def get(self, key: Hashable, mark: Hashable, look: Callable[[], Awaitable[Looked]]) -> Looked:
        """What `look` returns, looked up again only if the mark is another one; pages that wait wait together."""
        known = self._known.get(key)
        if known is None or known[0] != mark or _failed(known[1]):
            known = mark, asyncio.ensure_future(look())
            self._known[key] = known
            self._known.move_to_end(key)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        # A page that is closed must not end the look of the others.
        found: Looked = await asyncio.shield(known[1])
        return found

    def forget(self, key: Hashable) -> None:
        """Look it up again the next time."""
        self._known.pop(key, None)


def _failed(look: asyncio.Future[Any]) -> bool:
    return look.done() and (look.cancelled() or look.exception() is not None)
