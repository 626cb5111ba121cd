"""A pulse: in every lane a click a few times a second, each under a note of its own, and how long its counter takes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from app.redis_store.keys import ShardKeys
from app.settings import Settings
from app.simulator.facts import TOPIC_OF, Click, Shop, key_of, make_link, value_of
from streams.murmur2 import partitions_of
from streams.topics import physical

AT_MS = 1_772_400_000_000
POLL_S = 0.005


@dataclass(frozen=True)
class Beat:
    """One click: its lane, when it was sent (loop time), and how long its counter took."""

    lane: int
    sent_s: float
    took_s: float


class Pulse:
    """Beats in every token lane until it is stopped."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, redis: Redis, *, per_s: float) -> None:
        self.beats: list[Beat] = []
        self._settings = settings
        self._producer = producer
        self._redis = redis
        self._per_s = per_s
        self._keys = ShardKeys(settings.group, 0)
        self._random = Random("pulse")
        self._open: dict[bytes, tuple[int, float]] = {}  # key of the note -> its lane, when its click was sent
        self._tokens = self._tokens_by_lane()

    async def run(self) -> None:
        """Beat until cancelled; beats that have not shown by then are lost."""
        await asyncio.gather(self._beat(), self._watch())

    async def caught_up(self, patience_s: float) -> bool:
        """Wait until every beat so far has shown; False if that takes too long."""
        wanted = set(self._open)
        until_s = time.monotonic() + patience_s
        while wanted & self._open.keys():
            if time.monotonic() > until_s:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def took_s(self, since_s: float, until_s: float, *, but_lane: int | None = None) -> list[float]:
        """How long those took that were sent within some time."""
        return [beat.took_s for beat in self.beats if since_s <= beat.sent_s < until_s and beat.lane != but_lane]

    async def _beat(self) -> None:
        topic = physical(self._settings.topic_prefix, TOPIC_OF[Click])
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            for lane, token in self._tokens.items():
                note_id = f"{self._random.getrandbits(96):024x}"
                link = make_link(
                    note_id=note_id, note_kind="ad", link="note", shop=Shop("taobao", "pulse"), category="fmcg.snacks"
                )
                click = Click(f"{self._random.getrandbits(96):024x}", token, AT_MS, link, None)
                self._open[self._keys.note(note_id)] = lane, loop.time()
                await self._producer.send(topic, value_of(click), key=key_of(click), partition=lane)
            await asyncio.sleep(max(0.0, began + 1 / self._per_s - loop.time()))
            self._tokens = self._tokens_by_lane()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            notes = list(self._open)[:500]
            if notes:
                shown = await self._exist(notes)
                now = loop.time()
                for note, there in zip(notes, shown, strict=True):
                    if there:
                        lane, sent_s = self._open.pop(note)
                        self.beats.append(Beat(lane, sent_s, now - sent_s))
            await asyncio.sleep(POLL_S)

    async def _exist(self, notes: Sequence[bytes]) -> list[int]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for note in notes:
                pipeline.exists(note)
            return list(await pipeline.execute())

    def _tokens_by_lane(self) -> dict[int, str]:
        tokens: dict[int, str] = {}
        while len(tokens) < self._settings.partitions:
            some = [f"{self._random.getrandbits(128):032x}" for _ in range(64)]
            lanes = partitions_of([token.encode() for token in some], self._settings.partitions)
            tokens |= dict(zip(lanes, some, strict=True))
        return dict(sorted(tokens.items()))
