"""Waiting for what nobody tells of: servers, commits and other processes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

T = TypeVar("T")
PATIENCE_S: Final = 60.0
PAUSE_S: Final = 0.02


async def until(
    look: Callable[[], Awaitable[T]],
    holds: Callable[[T], object] = bool,
    *,
    patience_s: float = PATIENCE_S,
    not_yet: tuple[type[Exception], ...] = (),
) -> T:
    """What `look` finds as soon as that `holds`; errors of `not_yet` are such that pass.

    Raises TimeoutError when it has taken `patience_s`.
    """
    async with asyncio.timeout(patience_s):
        while True:
            with suppress(*not_yet):
                if holds(found := await look()):
                    return found
            await asyncio.sleep(PAUSE_S)
