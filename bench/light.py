"""Light traffic: the simulator's records at a fixed rate, one by one and evenly, as many independent producers send.

As `python -m bench.light RATE SECONDS SEED` it is a process of its own: who measures should not make traffic meanwhile.
"""

import asyncio
import math
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice

from aiokafka import AIOKafkaProducer

from app.connections import kafka_options
from app.kafka_sender import kafka_sender
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from streams.topics import physical

PAUSE_S = 0.002


class LightTraffic:
    """A simulation on its way into Kafka; `tallies` hold its truth once it is all sent."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, *, rate: float, events: int, seed: int) -> None:
        self.sent = 0
        self.tallies = Tallies()
        self._settings = settings
        self._producer = producer
        self._rate = rate
        config = SimulatorConfig(events=events, seed=seed, partitions=settings.partitions)
        self._records = simulate(config, self.tallies)
        self._sending: asyncio.Task[None] | None = None

    async def send_at_once(self, count: int) -> None:
        """Send so many records as fast as Kafka takes them, before the others are begun."""
        async with kafka_sender(self._settings) as sender:
            await sender.send(islice(self._records, count))

    def begin(self) -> None:
        """Send everything at the rate, from now on."""
        self._sending = asyncio.create_task(self._send_all())

    async def all_sent(self) -> None:
        """Wait for the end of what was begun."""
        if self._sending is not None:
            await self._sending

    def hurry(self) -> None:
        """Send what is left without pauses."""
        self._rate = math.inf

    def stop(self) -> None:
        """Send no more."""
        if self._sending is not None:
            self._sending.cancel()

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for record in self._records:
            while self.sent >= (loop.time() - began) * self._rate:
                await asyncio.sleep(PAUSE_S)
            await self.send(record)
            self.sent += 1
        await self._producer.flush()

    async def send(self, record: Outgoing) -> None:
        """Send one record; the producer does not wait for others to fill a request."""
        await self._producer.send(
            physical(self._settings.topic_prefix, record.topic),
            record.value,
            key=record.key,
            partition=record.partition,
        )


@asynccontextmanager
async def light_traffic(
    settings: Settings, *, rate: int, seconds: float, seed: int, at_once: int = 0
) -> AsyncIterator[LightTraffic]:
    """Traffic for so many seconds once it is begun, beside what is sent at once; it stops with the context."""
    async with prompt_producer(settings) as producer:
        traffic = LightTraffic(settings, producer, rate=rate, events=int(rate * seconds) + at_once, seed=seed)
        try:
            yield traffic
        finally:
            traffic.stop()


@asynccontextmanager
async def prompt_producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that sends at once and does not wait for others to fill a request."""
    producer = AIOKafkaProducer(**kafka_options(settings), enable_idempotence=True, linger_ms=0)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _send(rate: int, seconds: float, seed: int) -> None:
    async with light_traffic(Settings.from_env(os.environ), rate=rate, seconds=seconds, seed=seed) as traffic:
        traffic.begin()
        await traffic.all_sent()


if __name__ == "__main__":
    asyncio.run(_send(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
