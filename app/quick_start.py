"""Quick starts: nothing is imported that is never used, and the garbage collector stays out of it."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

UNUSED: Final = ("aiohttp", "requests", "websocket", "redis", "valkey", "watchfiles")
"""Taken where they are there: by Socket.IO's package for its clients and for servers that share their sessions, by
uvicorn to look whether its own files change."""


@contextmanager
def quick_start() -> Iterator[None]:
    """What a server is made of takes half of the time to import within it."""
    gc.disable()
    try:
        with absent(*UNUSED):
            yield
    finally:
        # What is imported stays: the collector need not look through it again and again.
        gc.freeze()
        gc.enable()


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Packages that others take where they are there are as if they were not, unless they were imported already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is how Python itself says it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
