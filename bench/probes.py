"""Probes: records whose way to the counter and to the result is timed.

`python -m bench.probes SEED PER_S SECONDS` is a process of its own, so that nothing else delays what it looks at, and
writes what it has timed to its output as JSON.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from random import Random

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from redis.asyncio import Redis

from app.connections import kafka_options
from app.redis_store.keys import ShardKeys
from app.settings import Settings
from app.simulator.facts import TOPIC_OF, Click, Entry, Shop, key_of, make_link, value_of
from bench.light import prompt_producer
from streams.topics import CONVERSION, physical

AT_MS = 1_772_400_000_000
POLL_S = 0.001
PATIENCE_S = 30.0


class Timed(msgspec.Struct, frozen=True):
    """From the call that produces a record, for each probe."""

    to_counter_s: list[float]
    to_result_s: list[float]


def probes(seed: int) -> Iterator[tuple[Click, Entry]]:
    """A click under a note of its own and an entry, again and again."""
    random = Random(f"probes {seed}")
    shop = Shop("taobao", "probe")
    while True:
        note_id, token = f"{random.getrandbits(96):024x}", f"{random.getrandbits(128):032x}"
        link = make_link(note_id=note_id, note_kind="ad", link="note", shop=shop, category="fmcg.snacks")
        click = Click(f"{random.getrandbits(96):024x}", token, AT_MS, link, None)
        yield click, Entry(f"{random.getrandbits(96):024x}", token, AT_MS + 1, shop)


class Prober:
    """Sends probes and watches for their counters, which are polled for every POLL_S, and for their results."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, redis: Redis) -> None:
        self.timed = Timed([], [])
        self._settings = settings
        self._producer = producer
        self._redis = redis
        self._uncounted: dict[bytes, float] = {}  # key of the note -> when the click was produced
        self._unread: dict[bytes, float] = {}  # token -> when the entry was produced
        self._keys = ShardKeys(settings.group, 0)

    async def run(self, seed: int, *, per_s: float, seconds: float) -> None:
        """Send probes at random moments and wait for the last of them."""
        loop, pauses = asyncio.get_running_loop(), Random(f"pauses {seed}")
        async with AIOKafkaConsumer(
            **kafka_options(self._settings), isolation_level="read_committed", enable_auto_commit=False
        ) as results:
            watching = [asyncio.create_task(self._watch_counters()), asyncio.create_task(self._watch(results))]
            end = loop.time() + seconds
            try:
                for click, entry in probes(seed):
                    self._uncounted[self._keys.note(click.to.note_id)] = time.perf_counter()
                    await self._send(click)
                    self._unread[entry.token.encode()] = time.perf_counter()
                    await self._send(entry)
                    await asyncio.sleep(pauses.expovariate(per_s))
                    if loop.time() > end:
                        break
                async with asyncio.timeout(PATIENCE_S):
                    while self._uncounted or self._unread:
                        await asyncio.sleep(POLL_S)
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    async def _send(self, fact: Click | Entry) -> None:
        topic = physical(self._settings.topic_prefix, TOPIC_OF[type(fact)])
        await self._producer.send(topic, value_of(fact), key=key_of(fact))

    async def _watch_counters(self) -> None:
        while True:
            notes = list(self._uncounted)
            if notes:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for note in notes:
                        pipeline.hgetall(note)
                    shown = await pipeline.execute()
                now = time.perf_counter()
                self.timed.to_counter_s.extend(
                    now - self._uncounted.pop(note) for note, counters in zip(notes, shown, strict=True) if counters
                )
            await asyncio.sleep(POLL_S)

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        topic = physical(self._settings.topic_prefix, CONVERSION)
        partitions = [TopicPartition(topic, number) for number in range(self._settings.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        while True:
            fetched = await consumer.getmany(timeout_ms=1_000)
            now = time.perf_counter()
            for record in (record for records in fetched.values() for record in records):
                produced = self._unread.pop(record.key, None)
                if produced is not None:
                    self.timed.to_result_s.append(now - produced)


async def _probe(seed: int, per_s: float, seconds: float) -> Timed:
    settings = Settings.from_env(os.environ)
    async with prompt_producer(settings) as producer, Redis.from_url(settings.redis) as redis:
        prober = Prober(settings, producer, redis)
        await prober.run(seed, per_s=per_s, seconds=seconds)
    return prober.timed


if __name__ == "__main__":
    timed = asyncio.run(_probe(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
    sys.stdout.buffer.write(msgspec.json.encode(timed))
