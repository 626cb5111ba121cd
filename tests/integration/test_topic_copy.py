"""Records copied into another number of partitions, on a real Kafka: each once, as it was, also if runs are killed."""

import asyncio
import dataclasses
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count, takewhile
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete
from typer.testing import CliRunner

from app.cli import build
from app.kafka_sender import Sending, kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from app.topic_copy.copier import Copier, Wishes
from app.topic_copy.making import make_target
from app.topic_copy.route import COPIED, Route, route
from streams.errors import Misconfigured, Refused
from streams.murmur2 import partition_of
from streams.topics import CLICK_OUT, ORDER, POLICY, physical
from tests.conftest import Namespace
from tests.integration.kafka import AT_MS, admin, producing, read_decided
from tests.integration.simulated import assert_as_simulated
from tests.integration.workers import environment, run, start
from tests.waiting import until

TOKENS = 50


@pytest_asyncio.fixture
async def way(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Route]:
    """From two partitions to three, all topics made."""
    yield await between(kafka_server, valkey_url, namespace, 2, 3)


async def between(kafka: KafkaServer, redis: str, namespace: Namespace, count: int, new_count: int) -> Route:
    source = Settings(
        kafka=kafka.address, redis=redis, topic_prefix=namespace.prefix, group=namespace.group, partitions=count,
        keep_minutes="1h", keep_hours="2h", metrics="127.0.0.1:0",
    )  # fmt: skip
    made = route(source, prefix=f"{namespace.prefix}v2.", group=f"{namespace.group}-v2", partitions=new_count)
    await create_topics(made.source)
    await make_target(made)
    return made


@contextmanager
def silent(_total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


async def copied(way: Route, **wishes: Any) -> int:
    """How many records a run has copied."""
    copier = Copier(way, Wishes(**wishes), silent)
    await copier.copy(asyncio.Event())
    return copier.copied.total()


async def held(settings: Settings) -> list[ConsumerRecord]:
    """All committed input."""
    names = [physical(settings.topic_prefix, name) for name in COPIED]
    return await read_decided(
        settings.kafka, [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
    )


def told(records: list[ConsumerRecord], prefix: str) -> Counter[tuple[Any, ...]]:
    """What a record is, but for its place in Kafka."""
    return Counter(
        (one.topic.removeprefix(prefix), one.key, one.value, one.timestamp, tuple(one.headers)) for one in records
    )


def assert_copied(way: Route, source: list[ConsumerRecord], target: list[ConsumerRecord]) -> None:
    assert told(target, way.target.topic_prefix) == told(source, way.source.topic_prefix)
    for one in target:
        if one.topic.endswith(POLICY):
            assert one.partition == 0
        elif one.key is not None:
            assert one.partition == partition_of(one.key, way.target.partitions)
    assert in_order(target, way.target.topic_prefix) == in_order(
        sorted(source, key=lambda one: one.timestamp), way.source.topic_prefix
    )


def in_order(records: list[ConsumerRecord], prefix: str) -> dict[tuple[str, bytes], list[bytes]]:
    """What each topic holds of each key."""
    found: dict[tuple[str, bytes], list[bytes]] = {}
    for one in records:
        if one.key is not None:
            found.setdefault((one.topic.removeprefix(prefix), one.key), []).append(one.value)
    return found


async def send(producer: AIOKafkaProducer, topic: str, numbers: range, partition: int | None = None) -> None:
    sent = [
        await producer.send(
            topic, str(number).encode(), key=f"t{number % TOKENS}".encode(), timestamp_ms=AT_MS + number,
            partition=partition, headers=[("number", str(number).encode()), ("empty", b"")],
        )
        for number in numbers
    ]  # fmt: skip
    await asyncio.gather(*sent)


async def test_every_committed_record_arrives_once_as_it_was_in_the_partition_of_its_key(way: Route) -> None:
    click, order, policy = (physical(way.source.topic_prefix, name) for name in (CLICK_OUT, ORDER, POLICY))
    async with (
        producing(way.source.kafka, compression_type="lz4") as any_producer,
        producing(way.source.kafka, transactional_id=way.source.group, compression_type="zstd") as transactional,
    ):
        await send(any_producer, click, range(500))
        await any_producer.send_and_wait(order, None, key=b"t1", timestamp_ms=AT_MS)  # a tombstone
        await any_producer.send_and_wait(order, b"7", partition=1, timestamp_ms=AT_MS)
        await any_producer.send_and_wait(policy, b"3", key=b"3", partition=0)
        async with transactional.transaction():
            await send(transactional, click, range(500, 1_000))
        await transactional.begin_transaction()
        await send(transactional, click, range(5_000, 5_100))
        await transactional.abort_transaction()
        before = await held(way.source)
        await transactional.begin_transaction()
        await send(transactional, click, range(1_000, 1_010))

        assert await copied(way, most_records=150) == 1_003
        assert_copied(way, before, await held(way.target))
        assert await copied(way) == 0

        await transactional.commit_transaction()
        await send(any_producer, order, range(2_000, 2_002), partition=0)
        before = await held(way.source)
        assert await copied(way) == 12
        assert_copied(way, before, await held(way.target))

        await delete(way, TopicPartition(order, 0))
        assert await copied(way) == 0
        await send(any_producer, order, range(3_000, 3_002), partition=0)
        await delete(way, TopicPartition(order, 0))
        with pytest.raises(Misconfigured, match=f"partition 0 of topic {order} begin later.*--from earliest"):
            await copied(way)
        await send(any_producer, order, range(3_002, 3_003), partition=0)
        assert await copied(way, from_earliest=True) == 1

        async with admin(way.source.kafka) as client:
            await client.create_partitions({click: NewPartitions(total_count=4)})
            while len((await client.describe_topics([click]))[0]["partitions"]) < 4:
                await asyncio.sleep(0.01)
        await any_producer.client.force_metadata_update()
        await send(any_producer, click, range(4_000, 4_005), partition=3)
        assert await copied(way) == 5
        assert sum(one.topic.endswith(CLICK_OUT) for one in await held(way.target)) == 1_015

    other = way._replace(source=dataclasses.replace(way.source, topic_prefix=way.target.topic_prefix))
    with pytest.raises(Misconfigured, match="the target was filled from other topics"):
        await copied(other)
    wider = way._replace(target=dataclasses.replace(way.target, partitions=5))
    with pytest.raises(Misconfigured, match=r"the target does not fit --to-partitions 5: .* has 3 partitions, not 5"):
        await make_target(wider)


async def delete(way: Route, place: TopicPartition) -> None:
    """Delete all records of a partition."""
    async with admin(way.source.kafka) as client:
        await client.delete_records({place: RecordsToDelete(before_offset=-1)})


def options(way: Route) -> list[str]:
    prefix, group, partitions = way.target.topic_prefix, way.target.group, way.target.partitions
    return [f"--to-prefix={prefix}", f"--to-group={group}", f"--to-partitions={partitions}"]


async def test_a_copier_may_be_killed_and_the_next_one_shuts_out_the_one_before(way: Route) -> None:
    over, stop, command = asyncio.Event(), asyncio.Event(), ["topics", "copy", *options(way), "--follow"]
    async with (
        kafka_sender(way.source, Sending(rate=1_000, keep_timestamps=True)) as sender,
        asyncio.timeout(60),
        asyncio.TaskGroup() as tasks,
    ):
        sending = tasks.create_task(sender.send(takewhile(lambda _: not over.is_set(), map(numbered, count()))))
        killed = await start(way.source, *command)
        await until(lambda: held(way.target))
        killed.send_signal(signal.SIGKILL)
        await killed.communicate()

        second = asyncio.create_task(Copier(way, Wishes(follow=True, most_records=100), silent).copy(stop))
        third = await start(way.source, *command, "--json", stdout=asyncio.subprocess.PIPE)
        with pytest.raises(Refused, match="another `redcat topics copy` into the same topics goes on"):
            await second
        over.set()
        await sending
        source = await held(way.source)
        while len(target := await held(way.target)) < len(source):
            await asyncio.sleep(0.02)
        third.send_signal(signal.SIGTERM)
        said, _ = await third.communicate()
    assert third.returncode == 0
    assert json.loads(said)["copied"] + json.loads(said)["before"] == len(source)
    assert_copied(way, source, target)


def numbered(number: int) -> Outgoing:
    return Outgoing(CLICK_OUT, None, f"t{number % TOKENS}".encode(), str(number).encode(), AT_MS + number)


async def test_workers_count_the_same_in_twice_as_many_partitions(
    kafka_server: KafkaServer, valkey_url: str, namespace: Namespace
) -> None:
    way = await between(kafka_server, valkey_url, namespace, 4, 8)
    tallies = Tallies(full_results=True)
    config = SimulatorConfig(events=1_000, seed=11, partitions=4, notes=100, full_results=True)
    async with kafka_sender(way.source) as sender:
        await sender.send(simulate(config, tallies))

    assert await copied(way) >= config.events
    ended = await asyncio.gather(*(run(settings, "worker", "--drain") for settings in way))
    assert [one.status for one in ended] == [0, 0]

    await assert_as_simulated(way.target, tallies)
    command = ["topics", "compare", "--to-group", way.target.group, "--json"]
    compared = await asyncio.to_thread(CliRunner().invoke, build(["topics"]), command, env=environment(way.source))
    assert (compared.exit_code, json.loads(compared.stdout)["differences"]) == (0, [])
