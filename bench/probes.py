"""Probes: records whose way to the counter and to the result is timed."""

import asyncio
import time
from random import Random

from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from app.connections import kafka_options
from app.redis_store.keys import ShardKeys
from app.settings import Settings
from app.simulator.facts import TOPIC_OF, Click, Entry, Fact, Outgoing, Shop, key_of, make_link, value_of
from bench.light import LightTraffic
from streams.topics import CONVERSION, physical

AT_MS = 1_772_400_000_000
POLL_S = 0.001
PATIENCE_S = 30.0


class Probes:
    """Each probe is a click under a note of its own and an entry: the note's counters and the result are watched for.

    Counters are polled for every POLL_S, which is part of what is measured.
    """

    def __init__(self, settings: Settings, traffic: LightTraffic, *, seed: int) -> None:
        self.to_counter_s: list[float] = []
        self.to_result_s: list[float] = []
        self._settings = settings
        self._traffic = traffic
        self._random = Random(f"probes {seed}")
        self._uncounted: dict[bytes, float] = {}  # key of the note -> when the click was produced
        self._unread: dict[bytes, float] = {}  # token -> when the entry was produced
        self._keys = ShardKeys(settings.group, 0)

    async def run(self, redis: Redis, *, per_s: float, seconds: float) -> None:
        """Send probes at random moments and wait for the last of them."""
        loop = asyncio.get_running_loop()
        async with AIOKafkaConsumer(
            **kafka_options(self._settings), isolation_level="read_committed", enable_auto_commit=False
        ) as results:
            watching = [asyncio.create_task(self._watch_counters(redis)), asyncio.create_task(self._watch(results))]
            end = loop.time() + seconds
            try:
                while loop.time() < end:
                    await self._send()
                    await asyncio.sleep(self._random.expovariate(per_s))
                async with asyncio.timeout(PATIENCE_S):
                    while self._uncounted or self._unread:
                        await asyncio.sleep(POLL_S)
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)

    async def _send(self) -> None:
        random = self._random
        shop = Shop("taobao", "probe")
        note_id, token = f"{random.getrandbits(96):024x}", f"{random.getrandbits(128):032x}"
        link = make_link(note_id=note_id, note_kind="ad", link="note", shop=shop, category="fmcg.snacks")
        click = Click(f"{random.getrandbits(96):024x}", token, AT_MS, link, None)
        entry = Entry(f"{random.getrandbits(96):024x}", token, AT_MS + 1, shop)
        self._traffic.tallies.tell([click, entry])
        self._uncounted[self._keys.note(note_id)] = time.perf_counter()
        await self._traffic.send(_record(click))
        self._unread[token.encode()] = time.perf_counter()
        await self._traffic.send(_record(entry))

    async def _watch_counters(self, redis: Redis) -> None:
        while True:
            notes = list(self._uncounted)
            if notes:
                async with redis.pipeline(transaction=False) as pipeline:
                    for note in notes:
                        pipeline.hgetall(note)
                    shown = await pipeline.execute()
                now = time.perf_counter()
                self.to_counter_s += [
                    now - self._uncounted.pop(note) for note, counters in zip(notes, shown, strict=True) if counters
                ]
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
                    self.to_result_s.append(now - produced)


def _record(fact: Fact) -> Outgoing:
    return Outgoing(TOPIC_OF[type(fact)], None, key_of(fact), value_of(fact), fact.at_ms)
