"""The Faust yardstick, measured: what its worker spends on a record once it is warm."""

import asyncio
import sys
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from app.connections import kafka_options
from app.local_stack.server_process import ServerProcess, free_port
from app.settings import Settings
from app.simulator.compare import compare_counters
from app.simulator.config import Mix
from app.simulator.truth import Tallies
from app.simulator.truth_file import truth_of
from bench.processes import redis_processor_s
from bench.traffic import send_records, valid_records
from bench.world import World, progress
from streams.errors import Unavailable
from streams.topics import CLICK_OUT, ORDER, SHOP_ENTRY, physical

TOPICS = (CLICK_OUT, SHOP_ENTRY, ORDER)  # what the application knows
MIX = Mix(action=0, metric=0)
WARM_UP_EVENTS = 500
CONSUMED_S = 600.0
POLL_S = 0.5


@dataclass(frozen=True)
class Baseline:
    """What the worker spends from the first record sent until all are consumed; it is up and warm before."""

    events: int
    worker_us_per_event: float
    redis_us_per_event: float
    notes: int
    notes_with_wrong_counters: int


async def measure(world: World) -> Baseline:
    """One run of `bench/faust_baseline.py` over the plan's `faust_events`: clicks, entries and orders, all valid."""
    settings, plan, tallies = await world.namespace("baseline"), world.plan, Tallies()
    progress.print(f"Faust: {plan.faust_events:,} records")
    records = valid_records(settings, tallies, events=plan.faust_events, seed=plan.seed, mix=MIX)
    command = (sys.executable, "-m", "faust", "-A", "bench.faust_baseline", "worker", "-l", "warn")
    async with world.running(settings, *command, "--web-port", str(free_port())) as worker:
        await send_records(settings, islice(records, WARM_UP_EVENTS))
        await _until_consumed(worker, settings)
        worker_s, redis_s = await world.worker_processor_s(worker), await redis_processor_s(world.redis)
        events = await send_records(settings, records)
        await _until_consumed(worker, settings)
        worker_s = await world.worker_processor_s(worker) - worker_s
        redis_s = await redis_processor_s(world.redis) - redis_s
        await worker.stop()
    truth = truth_of(tallies)
    wrong = {difference.partition(":")[0] for difference in compare_counters(truth, await _counters(world))}
    return Baseline(events, worker_s / events * 1e6, redis_s / events * 1e6, len(truth.notes), len(wrong))


async def _counters(world: World) -> dict[str, dict[str, Any]]:
    """The counters of all notes as the Faust application wrote them, in the shape of `redcat counters --json`."""
    notes: dict[str, dict[str, Any]] = {}
    async for key in world.redis.scan_iter(match="note:*"):
        counters = notes.setdefault(cast("bytes", key).decode().partition(":")[2], {})
        fields = cast("dict[bytes, bytes]", await world.redis.hgetall(key))
        for field, value in fields.items():
            name, _, currency = field.decode().rpartition("|")[2].partition(":")
            if currency:
                money = counters.setdefault(name, {})
                money[currency] = money.get(currency, 0) + int(value)
            else:
                counters[name] = counters.get(name, 0) + int(value)
    return notes


async def _until_consumed(worker: ServerProcess, settings: Settings) -> None:
    """Return when Faust has committed that all records are done with; it does so every few seconds."""
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    await admin.start()
    try:
        async with asyncio.timeout(CONSUMED_S), AIOKafkaConsumer(**kafka_options(settings)) as consumer:
            partitions = [
                TopicPartition(physical(settings.topic_prefix, topic), number)
                for topic in TOPICS
                for number in range(settings.partitions)
            ]
            ends = await consumer.end_offsets(partitions)
            while worker.running:
                committed = await _committed(admin, f"{settings.topic_prefix}faust")
                if all(committed.get(partition, 0) >= end for partition, end in ends.items()):
                    return
                await asyncio.sleep(POLL_S)
    finally:
        await admin.close()
    raise Unavailable(f"Faust ended; the end of its log:\n{worker.last_lines()}")


async def _committed(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, int]:
    """What a consumer group has committed, which is nothing as long as the servers know no such group."""
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except GroupCoordinatorNotAvailableError:
        return {}
    return {partition: found.offset for partition, found in offsets.items()}
