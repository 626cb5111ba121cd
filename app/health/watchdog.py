"""The stall watchdog: a thread that ends a worker which does nothing although it should.

A worker whose event loop is stuck, or a lane of which nothing is heard, would else look alive and keep its lanes.  One
that is stuck in C code, so that no other thread runs either, is ended by the interpreter's own timer, somewhat later.
"""

import faulthandler
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Final

from app.health.stalls import Stall, Stalls
from app.health.view import WorkerView

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
GRACE_S: Final = 5.0  # at most, from the first failing /live to the end: time for a last look from outside
LOG_S: Final = 1.0
EXIT_STATUS: Final = 1


class Watchdog:
    """Looks about every second while it is started; `stalls` is what it found last."""

    def __init__(self, view: Callable[[], WorkerView], stall_s: float, end: Callable[[], None] | None = None) -> None:
        self.stalls: Sequence[Stall] = ()
        self._view = view
        self._judge = Stalls(stall_s)
        self._grace_s = min(GRACE_S, stall_s)
        self._last_resort_s = 2 * stall_s + self._grace_s
        self._end = end or end_process
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch; the view must be kept up to date from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            self._watch()
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        since_s: float | None = None
        while not self._stopped.wait(LOOK_EVERY_S):
            faulthandler.dump_traceback_later(self._last_resort_s, exit=True)
            now_s = time.monotonic()
            self.stalls = self._judge.look(now_s, self._view())
            if not self.stalls:
                if since_s is not None:
                    _say(logging.WARNING, "the stall is over", {})
                since_s = None
            elif since_s is None:
                since_s = now_s
                _say(logging.ERROR, "stalled: /live fails from now on", _told(self.stalls) | {"stack": main_stack()})
            elif now_s - since_s >= self._grace_s:
                _say(logging.CRITICAL, "stalled: the process ends itself", _told(self.stalls))
                self._end()
                return


def end_process() -> None:
    """End at once: what is stuck cannot be asked to stop, and the next owners go on from what is committed."""
    os._exit(EXIT_STATUS)


def main_stack() -> list[str]:
    """Where the main thread is."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001  # made for debuggers
    return [line.rstrip() for line in traceback.format_stack(frame)] if frame else []


def _told(stalls: Sequence[Stall]) -> dict[str, object]:
    return {"stalls": [{"what": stall.what, "lane": stall.lane, "for_s": round(stall.for_s, 1)} for stall in stalls]}


def _say(level: int, message: str, fields: dict[str, object]) -> None:
    """Log from a thread of its own: if it is the log that is stuck, the watchdog must not be."""
    saying = threading.Thread(target=lambda: log.log(level, message, extra=fields), daemon=True)
    saying.start()
    saying.join(LOG_S)
