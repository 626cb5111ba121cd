"""How late an event loop is: what every request and every batch waits for beside its own work."""

import asyncio
import time
from typing import Final

from prometheus_client import Gauge

BEAT_S: Final = 1.0


async def show_loop_delay(gauge: Gauge) -> None:
    """Keep the gauge up to date until cancelled."""
    while True:
        due_s = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        gauge.set(max(0.0, time.monotonic() - due_s))
