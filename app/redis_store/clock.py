"""The one clock that all workers of a namespace share, whatever their own say."""

import time

from app.redis_store.link import Dial, require
from app.redis_store.resp import command


class SharedClock:
    """Redis's wall clock: asked once, and kept by the steady clock of this process.

    What workers note for each other by it stays true when the clock of one of them is hours off.
    """

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._ahead_ms = time.time_ns() // 1_000_000 - _steady_ms()  # until Redis was asked

    async def start(self) -> None:
        """Ask Redis; Unavailable when it does not answer."""
        link = await self._dial(0)
        try:
            (reply,) = await link.ask(command("TIME"))
        finally:
            link.close()
        seconds, microseconds = map(int, require(reply, "TIME"))
        self._ahead_ms = seconds * 1_000 + microseconds // 1_000 - _steady_ms()

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return self._ahead_ms + _steady_ms()


def _steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000
