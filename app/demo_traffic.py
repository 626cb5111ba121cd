"""Traffic that goes on: what the simulator makes of the present, sent at its own times."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from app.kafka_sender import kafka_sender
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies

RECORDS_A_DAY: Final = 10_000_000  # some hundred a second
TICK_S: Final = 0.2


async def keep_flowing(settings: Settings, config: SimulatorConfig, records_a_day: int = RECORDS_A_DAY) -> None:
    """Send other traffic of the same notes from now on, each record when it is due; returns when a day is over."""
    start_ms = time.time_ns() // 1_000_000
    # A note's own figures would begin at 0 again.
    mix = replace(config.mix, metric=0.0)
    present = replace(config, start_ms=start_ms, days=1.0, events=records_a_day, mix=mix, incidents=())
    going_on = replace(present, seed=config.seed + 1, world=config.world_seed)
    records = Due(simulate(going_on, Tallies()))
    async with kafka_sender(settings) as sender:
        while not records.over:
            await sender.send(records.until(time.time_ns() // 1_000_000))
            await asyncio.sleep(TICK_S)


class Due:
    """Records in the order of their times, taken as they become due."""

    def __init__(self, records: Iterable[Outgoing]) -> None:
        self._records = iter(records)
        self._next = next(self._records, None)

    @property
    def over(self) -> bool:
        """Whether none is left."""
        return self._next is None

    def until(self, now_ms: int) -> Iterator[Outgoing]:
        """All that are due at that moment."""
        while self._next is not None and (self._next.timestamp_ms or 0) <= now_ms:
            yield self._next
            self._next = next(self._records, None)
