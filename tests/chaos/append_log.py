"""Valkey's append-only file, and what is left of it when the power fails: all but the last moment."""

import asyncio
import re
import time
from collections import deque
from pathlib import Path
from typing import Final, NamedTuple

LOOK_EVERY_S: Final = 0.05
REMEMBERED: Final = 40  # looks, that is two seconds


class _Look(NamedTuple):
    at_s: float
    path: Path
    size: int


class AppendLog:
    """The append-only file of a Valkey whose data are in `folder`; knows how long it was a moment ago."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "appendonlydir"
        self._looks: deque[_Look] = deque(maxlen=REMEMBERED)

    async def watch(self) -> None:
        """Look how long it is, again and again, until cancelled."""
        while True:
            # A rewrite may remove the file between the two looks.
            if (path := self._latest()) is not None and path.exists():
                self._looks.append(_Look(time.monotonic(), path, path.stat().st_size))
            await asyncio.sleep(LOOK_EVERY_S)

    def cut(self, age_s: float) -> int:
        """Cut off what was written in the last `age_s`, as if the disk had not seen it; returns how many bytes.

        The server must have ended.  Of its files only the newest is cut: the others were made durable before it.
        """
        path = self._latest()
        if path is None:
            return 0
        size, kept = path.stat().st_size, self.size(age_s)
        with path.open("r+b") as file:
            file.truncate(min(size, kept))
        return max(0, size - kept)

    def size(self, age_s: float) -> int:
        """How long the newest file was `age_s` ago; 0 if it was not there."""
        path, until_s = self._latest(), time.monotonic() - age_s
        sizes = [look.size for look in self._looks if look.path == path and look.at_s <= until_s]
        return sizes[-1] if sizes else 0

    def _latest(self) -> Path | None:
        """The file that is appended to."""
        numbered = {
            int(match[1]): path
            for path in self._folder.glob("*.incr.aof")
            if (match := re.search(r"\.(\d+)\.incr\.aof$", path.name))
        }
        return numbered[max(numbered)] if numbered else None
