"""Long work in short parts, so that whoever else runs in the loop is answered meanwhile."""

import asyncio
import time
from typing import Final

TURN_S: Final = 0.003


class Turns:
    """Of one piece of work: `pause` between its parts, each of which is much shorter than a turn."""

    def __init__(self) -> None:
        self._began_s = time.perf_counter()

    async def pause(self) -> None:
        """Let others run if this turn has been long enough."""
        if time.perf_counter() - self._began_s >= TURN_S:
            await asyncio.sleep(0)
            self._began_s = time.perf_counter()
