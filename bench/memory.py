"""What a live token costs in Redis, its share of counters, ledger and lane states included."""

import asyncio
from dataclasses import dataclass
from typing import cast

from app.redis_store.keys import LaneKeys, ShardKeys
from app.settings import Settings
from bench.exactness import Exactness, check
from bench.traffic import send
from bench.world import World, progress
from streams.topics import lane_count

STEADY_S = 1.0
SCAN_KEYS = 10_000


@dataclass(frozen=True)
class Memory:
    """Redis after a worker has drained its topics and gone."""

    live_tokens: int
    redis_bytes: int  # over those of an empty Redis
    bytes_per_token: float
    outbox_entries_left: int
    exactness: Exactness


async def measure(world: World) -> list[Memory]:
    """One number of tokens, and four times as many."""
    return [await _measure(world, events) for events in world.plan.memory_events]


async def _measure(world: World, events: int) -> Memory:
    """Memory that `events` records leave behind, over that of an empty Redis, per token that is held."""
    await world.restart_redis()
    # Every key begins with the group's name: under a longer one than the default each token would cost more.
    settings = await world.namespace(f"memory-{events}", group=Settings.group)
    empty_bytes = await _used_bytes(world)
    truth = await send(settings, events=events, seed=world.plan.seed)
    progress.print(f"memory: {events:,} records")
    for _ in range(2):  # the second one takes what the first one forwarded
        await world.drain(settings)
    used_bytes = await _used_bytes(world) - empty_bytes
    tokens = await _live_tokens(world, settings)
    return Memory(
        live_tokens=tokens,
        redis_bytes=used_bytes,
        bytes_per_token=used_bytes / tokens,
        outbox_entries_left=await _outbox_entries(world, settings),
        exactness=await check(world, settings, truth),
    )


async def _used_bytes(world: World) -> int:
    """Used memory once it is steady: hash tables that have grown are moved in the background."""
    before, now = 0, await _bytes_now(world)
    while abs(now - before) > now // 1_000:
        await asyncio.sleep(STEADY_S)
        before, now = now, await _bytes_now(world)
    return now


async def _bytes_now(world: World) -> int:
    return int((await world.redis.info("memory"))["used_memory"])


async def _live_tokens(world: World, settings: Settings) -> int:
    prefix = ShardKeys(settings.group, 0).journey_prefix
    figures = prefix + b"s/"  # of notes, which are no tokens
    keys = world.redis.scan_iter(match=prefix + b"*", count=SCAN_KEYS)
    return sum([1 async for key in keys if not cast("bytes", key).startswith(figures)])


async def _outbox_entries(world: World, settings: Settings) -> int:
    shard = ShardKeys(settings.group, 0)
    return sum(
        [await world.redis.hlen(LaneKeys(shard, lane).outbox) for lane in range(lane_count(settings.partitions))]
    )
