"""`redcat serve` with a probe on its event loop: python -m bench.probed_server FILE, settings as for `redcat serve`.

A *hold* is a callback: as long as it runs, nobody is answered.  Holds are measured in processor time of the loop's
thread, which does not depend on what else the machine does.  Meanwhile a thread looks where the loop is, so that long
holds come with their place.  FILE gets both as JSON in the end; SIGUSR1 forgets what was measured before.

The loop is asyncio's own instead of uvloop, whose callbacks cannot be measured one by one; what they do is the same.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from asyncio.events import Handle
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

from app.logs import set_up_logs
from app.serving import serve
from app.settings import TOML_FILE, Settings

LONG_S: Final = 0.004
LOOK_S: Final = 0.001
MOST_HOLDS: Final = 40
FRAMES: Final = 6


class Hold(NamedTuple):
    """How long a callback held the loop, and where it was seen most often."""

    ms: float
    place: str


class Probe:
    """Measures the callbacks of the loop in whose thread it is made."""

    def __init__(self) -> None:
        self._run = Handle._run  # noqa: SLF001  # the one place through which every callback goes
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._began_s: float | None = None
        self._seen: Counter[str] = Counter()
        self._collecting_s = 0.0
        self._collected_s = 0.0
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._callbacks = 0
        self._long: list[Hold] = []

    def start(self) -> None:
        """Measure every callback from now on."""
        run = self._run

        def timed(handle: Any) -> None:
            self._began_s = began_s = time.thread_time()
            run(handle)
            self._take(time.thread_time() - began_s)

        Handle._run = timed  # type: ignore[assignment,method-assign]  # noqa: SLF001
        gc.callbacks.append(self._collector)
        threading.Thread(target=self._watch, daemon=True).start()

    def report(self) -> dict[str, object]:
        """The longest holds, and how many callbacks there were."""
        longest = sorted(self._long, reverse=True)
        return {
            "callbacks": self._callbacks,
            "over_10_ms": sum(hold.ms > 10 for hold in longest),
            "longest": [{"ms": round(hold.ms, 2), "place": hold.place} for hold in longest[:MOST_HOLDS]],
        }

    def _take(self, held_s: float) -> None:
        self._began_s = None
        self._callbacks += 1
        if held_s > LONG_S:
            seen = self._seen.most_common(1)
            place = "garbage collection" if self._collected_s > held_s / 2 else seen[0][0] if seen else ""
            self._long.append(Hold(held_s * 1e3, place))
        self._collected_s = 0.0
        if self._seen:
            self._seen = Counter()

    def _collector(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_s = time.thread_time()
        else:
            self._collected_s += time.thread_time() - self._collecting_s

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_S)
            began_s = self._began_s
            if began_s is not None and time.clock_gettime(self._clock) - began_s > LONG_S:
                self._seen[_where(sys._current_frames().get(self._thread))] += 1  # noqa: SLF001  # made for this


def _where(frame: FrameType | None) -> str:
    stack = traceback.extract_stack(frame)
    return " < ".join(f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in reversed(stack[-FRAMES:]))


def main() -> None:
    """Serve until SIGTERM."""
    set_up_logs()
    probe = Probe()

    def tell(*_: object) -> None:
        Path(sys.argv[1]).write_text(json.dumps(probe.report(), indent=1) + "\n")
        probe.forget()

    signal.signal(signal.SIGUSR1, tell)
    probe.start()
    asyncio.run(serve(Settings.from_env(os.environ, TOML_FILE)))


if __name__ == "__main__":
    main()
