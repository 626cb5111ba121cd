"""How late an event loop is: what every request and every batch waits for beside its own work."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from prometheus_client import Gauge

BEAT_S: Final = 1.0


async def loop_delays() -> AsyncIterator[float]:
    """By how many seconds the event loop was late, beat by beat."""
    while True:
        due_s = time.monotonic() + BEAT_S
        await asyncio.sleep(BEAT_S)
        yield max(0.0, time.monotonic() - due_s)


async def show_loop_delay(gauge: Gauge) -> None:
    """Keep the gauge up to date until cancelled."""
    async for late_s in loop_delays():
        gauge.set(late_s)
