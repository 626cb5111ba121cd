"""Journeys go when their time is over and memory with them; what they counted stays."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest_asyncio
from redis.asyncio import Redis

from app.counters import Selection, counters_of
from app.reading import reading
from app.settings import Settings
from app.simulator.config import Mix, SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from streams.topics import TOKEN_TOPICS
from tests.integration.absorbed import absorb
from tests.integration.audited import audited

GROUP, PARTITIONS = "retained", 2
PATIENCE_S = 20
POLICY = """
version: 1
effective_from_ms: 0
windows: {entry: 1s, favourite: 1s, cart: 1s, order: 2s}
retention_slack: 1s
order_life: 3s
industries: {"*": open}
platforms: {taobao: {}, tmall: {}, jd: {}, xhs: {}}
links: [{link: note, kinds: ["*"], platforms: ["*"]}, {link: comment, kinds: [ugc], platforms: ["*"]}]
"""
CONFIG = SimulatorConfig(events=6_000, notes=50, partitions=PARTITIONS, mix=Mix(invalid=0.0, misplaced=0.0))


class Held(NamedTuple):
    """What Redis holds for single tokens, and how much memory all data take."""

    journeys: int
    orders: int
    bytes: int


@pytest_asyncio.fixture
async def settings(valkey_url: str, tmp_path: Path) -> Settings:
    """A namespace whose journeys live for seconds."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    return Settings(redis=valkey_url, group=GROUP, partitions=PARTITIONS, policy=policy)


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """The back door."""
    async with Redis.from_url(valkey_url) as redis:
        yield redis


async def held(redis: Redis) -> Held:
    keys = [key async for key in redis.scan_iter(f"{GROUP}{{0}}*", count=1_000)]
    orders = [key async for key in redis.scan_iter(f"{GROUP}:{{0}}:order:*", count=1_000)]
    journeys = [key for key in keys if not key.startswith(f"{GROUP}{{0}}s/".encode())]
    return Held(len(journeys), len(orders), (await redis.info("memory"))["used_memory_dataset"])


async def all_expired(redis: Redis, most_bytes: float) -> Held:
    """What is held when no journey is any more and memory is down to so much."""
    async with asyncio.timeout(PATIENCE_S):
        while (now := await held(redis)).journeys or now.orders or now.bytes > most_bytes:
            await asyncio.sleep(0.05)
    return now


def under_other_tokens(records: Iterable[Outgoing]) -> list[Outgoing]:
    """The same facts under tokens that are the old ones read backwards."""
    return [
        record._replace(key=record.key[::-1], value=record.value.replace(record.key, record.key[::-1]))
        if record.topic in TOKEN_TOPICS and record.key and record.value
        else record
        for record in records
    ]


async def counters(settings: Settings) -> dict[str, int]:
    """All that clicks brought, over all notes."""
    sums: dict[str, int] = {}
    async with reading(settings) as reader:
        async for _, cells in reader.notes():
            for name, count in counters_of(cells, Selection()).items():
                sums[name] = sums.get(name, 0) + count
    return {
        name: count for name, count in sums.items() if name not in ("reads", "likes", "saves", "comments", "shares")
    }


async def test_memory_returns_to_its_level_and_the_counters_stay(settings: Settings, redis: Redis) -> None:
    traffic = list(simulate(CONFIG, Tallies()))
    await absorb(settings, traffic)
    first = await counters(settings)
    level = await all_expired(redis, most_bytes=float("inf"))
    assert await counters(settings) == first

    # The second time there is nothing new but tokens: what is still there in the end was there before.
    await absorb(settings, under_other_tokens(traffic))
    full = await held(redis)
    assert full.journeys > 1_000
    assert full.orders > 100
    assert full.bytes > level.bytes + 100_000
    await all_expired(redis, most_bytes=level.bytes + (full.bytes - level.bytes) / 10)
    assert await counters(settings) == {name: 2 * count for name, count in first.items()}

    status, report = await asyncio.to_thread(audited, settings, "--no-results")
    assert (status, report["problems"], report["compared"]["complete"]) == (0, [], False)
