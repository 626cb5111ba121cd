"""Quick starts: a server imports nothing that it never uses, and the garbage collector stays out of it."""

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
    """Imports within it take half of the time."""
    absent = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: as if it were not installed
    gc.disable()
    try:
        yield
    finally:
        # What is imported stays: the collector need not look through it again and again.
        gc.freeze()
        gc.enable()
        for name in absent:
            del sys.modules[name]
