"""`redcat rebuild` on real servers: beside workers or without them, interrupted, and of damaged or emptied data."""

import asyncio
import dataclasses
import json
import signal
from collections.abc import AsyncIterator
from contextlib import contextmanager
from itertools import cycle, takewhile
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from redis.asyncio import Redis
from typer.testing import CliRunner

from app.auditing.audit import audit
from app.auditing.options import Options
from app.bootstrap import now_ms, publisher_of
from app.cli import build
from app.connections import redis_address
from app.draining import drained
from app.explaining.explanation import explained
from app.forgetting.forget import forget
from app.kafka_sender import Sending, kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.reading import reading
from app.rebuilding.rebuild import rebuild
from app.rebuilding.wishes import Found, Step, Wishes
from app.redis_store.generations import Generations
from app.redis_store.journey_reader import JourneyReader
from app.redis_store.link import dialler
from app.redis_store.reader import LaneOverview, open_reader
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from streams.core.results import Result
from streams.errors import Misconfigured, RedcatError
from streams.murmur2 import partition_of
from streams.topics import CLICK_OUT, CONVERSION, markers, physical
from tests.conftest import Namespace
from tests.integration.simulated import assert_as_simulated
from tests.integration.workers import committed, environment, start, working
from tests.waiting import until

PARTITIONS = 2
NOT_YET = (RedcatError,)
EVENTS = 3_000


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Settings]:
    """A namespace of this test with its topics."""
    made = Settings(
        kafka=kafka_server.address, redis=valkey_url, topic_prefix=namespace.prefix, group=namespace.group,
        partitions=PARTITIONS, keep_minutes="1h", keep_hours="2d",
    )  # fmt: skip
    await create_topics(made)
    yield made


@contextmanager
def silent(_step: Step, _total: int | None) -> Any:
    def done(_count: int) -> None: ...

    yield done


class Asked:
    """Somebody who is asked before what differs is put into force, and says yes or no."""

    def __init__(self, *, says: bool = True) -> None:
        self.found: list[Found] = []
        self._says = says

    async def __call__(self, found: Found) -> bool:
        self.found.append(found)
        return self._says


async def rebuilt(settings: Settings, asked: Asked | None = None, **wishes: Any) -> Found:
    return await rebuild(Wishes(settings, silent, asked or Asked(says=False), **wishes))


def simulated(seed: int, events: int = EVENTS) -> tuple[list[Outgoing], Tallies]:
    tallies = Tallies(full_results=True)
    config = SimulatorConfig(events=events, seed=seed, partitions=PARTITIONS, notes=200, full_results=True)
    return list(simulate(config, tallies)), tallies


async def send(settings: Settings, records: list[Outgoing]) -> None:
    async with kafka_sender(settings) as sender:
        await sender.send(records)


async def drain(settings: Settings) -> None:
    """Until a worker has taken all in, told everything, and said that it did."""
    async with working(settings) as worker, asyncio.timeout(120):
        await until(lambda: lanes(settings), not_yet=NOT_YET)
        for _ in range(2):  # what was forwarded is input as well
            await drained(settings)
        await until(
            lambda: lanes(settings),
            lambda found: not any(lane.restating for lane in found),
            not_yet=NOT_YET,
        )
        worker.terminate()  # it hands over: nothing waits in outboxes, and nobody for its session to time out
        await worker.communicate()
    assert not any(lane.outbox for lane in await lanes(settings))


async def lanes(settings: Settings) -> list[LaneOverview]:
    async with reading(settings) as reader:
        return await reader.lanes()


async def assert_balanced(settings: Settings) -> None:
    report = await audit(Options(settings, now_ms(), lambda _what, total: silent("results", total)))
    assert (list(report.problems), report.unchecked) == ([], {})


async def published(settings: Settings) -> int:
    return len(await committed(settings, CONVERSION))


async def test_a_copy_equals_what_is_in_force_takes_its_place_and_mends_what_was_damaged(settings: Settings) -> None:
    records, tallies = simulated(seed=5)
    cut = len(records) * 2 // 3
    await send(settings, records[:cut])
    await drain(settings)
    told = await published(settings)

    compared = await rebuilt(settings, compare_only=True)
    assert (compared.differences.counts, compared.behind, compared.in_force) == ({}, [], False)
    first = await rebuilt(settings)
    assert (first.differences.counts, first.in_force, first.retold) == ({}, True, [])

    token = await forget_one(settings, records[:cut], records[cut:])
    damaged = await damage(settings)
    asked, two = Asked(says=False), dataclasses.replace(settings, shards=2)
    declined = await rebuilt(two, asked)
    assert (declined.in_force, [one.forgotten for one in asked.found]) == (False, [1])
    assert {one.place.partition(" ")[0] for one in declined.differences.kept} == {damaged, "totals"} & {damaged}
    assert (await rebuilt(two, Asked())).in_force
    assert await published(settings) == told

    await send(settings, records[cut:])
    await drain(two)
    await assert_as_simulated(two, tallies)
    async with reading(two) as reader:
        assert reader.namespace.generation == 2
        assert await explained(JourneyReader(reader), token) is None
    assert await prefixes(settings) == {f"{settings.group}", f"{settings.group}~2"}


async def forget_one(settings: Settings, before: list[Outgoing], after: list[Outgoing]) -> str:
    """Forget a token of which nothing comes any more."""
    coming = {record.key for record in after}
    async with reading(settings) as reader:
        for record in before:
            token = (record.key or b"").decode(errors="replace")
            known = record.topic == CLICK_OUT and record.key not in coming and len(token) == 32
            if known and await forget(reader, settings.group, token, now_ms) is not None:
                return token
    raise AssertionError("no token to forget")


async def damage(settings: Settings) -> str:
    """Count a click too many by hand; returns the note."""
    async with Redis.from_url(settings.redis) as redis:
        async for key in redis.scan_iter(f"{settings.group}~1:{{0}}:note:*"):
            for field, value in (await redis.hgetall(key)).items():
                if field[6:] == b"\x01" and int(value) > 0:
                    await redis.hincrby(key, field, 1)
                    return str(key.decode().rpartition(":")[2])
    raise AssertionError("no counter to damage")


async def prefixes(settings: Settings) -> set[str]:
    async with Redis.from_url(settings.redis) as redis:
        return {key.partition(b"{")[0].rstrip(b":").decode() async for key in redis.scan_iter("*")}


async def test_a_rebuild_beside_a_worker_may_be_killed_and_the_next_one_goes_on(settings: Settings) -> None:
    records, tallies = simulated(seed=6, events=EVENTS)
    over = asyncio.Event()
    await send(settings, records)
    async with working(settings):
        async with kafka_sender(settings, Sending(rate=500)) as sender, asyncio.TaskGroup() as tasks:
            # The same records again and again: the truth stays what it is, and the lanes move all the while.
            tasks.create_task(sender.send(takewhile(lambda _: not over.is_set(), cycle(records))))
            async with asyncio.timeout(120):
                await until(lambda: sequences(settings), lambda found: len(found) == 2 * PARTITIONS, not_yet=NOT_YET)
                killed = await start(settings, "rebuild", "--yes")
                await until(lambda: copied_records(settings), lambda count: count > 0, not_yet=NOT_YET)
                killed.send_signal(signal.SIGKILL)
                await killed.communicate()
                found = await rebuilt(settings)
                assert (found.in_force, found.differences.counts, found.behind) == (True, {}, [])
                before = await sequences(settings)
                await until(
                    lambda: sequences(settings),
                    lambda now: all(now[lane] > before[lane] for lane in (0, 1)),
                    not_yet=NOT_YET,
                )
            over.set()
        await drained(settings)
        await drained(settings)
        await assert_as_simulated(settings, tallies)
        await assert_balanced(settings)


async def sequences(settings: Settings) -> dict[int, int]:
    return {lane.lane: lane.tip.sequence for lane in await lanes(settings)}


async def copied_records(settings: Settings) -> int:
    """How far the copy is that is being made."""
    dial = dialler(redis_address(settings))
    link = await dial(0)
    left = await Generations(link, settings.group, "test").left()
    link.close()
    if left is None:
        return 0
    async with reading(settings) as stands:
        copy = msgspec.structs.replace(stands.namespace, generation=left.generation, shards=left.shards)
    reader = await open_reader(dial, settings.group, copy)
    found = await reader.lanes()
    await reader.close()
    return sum(sum(lane.positions.values()) for lane in found)


async def test_an_emptied_namespace_is_rebuilt_what_was_published_otherwise_told_and_lost_markers_written_again(
    settings: Settings,
) -> None:
    records, tallies = simulated(seed=7)
    cut = len(records) * 2 // 3
    await send(settings, records[:cut])
    await drain(settings)
    wrong = await publish_otherwise(settings)
    async with Redis.from_url(settings.redis) as redis:
        await redis.flushdb()

    asked = Asked()
    found = await rebuilt(settings, asked)
    lane = partition_of(wrong.token.encode(), PARTITIONS)
    assert found.behind == [0, 1, 2, 3]
    assert [one.place for one in asked.found[0].differences.kept] == [f"{wrong.token} {wrong.result_id}"]
    assert (found.in_force, found.retold) == (True, [lane])

    await lose_markers(settings)
    with pytest.raises(Misconfigured, match="--restore-markers"):
        await rebuilt(settings)
    assert (await rebuilt(settings, restore_markers=True)).restored == (0, 1, 2, 3)
    assert (await rebuilt(settings, restore_markers=True)).restored == ()

    await send(settings, records[cut:])
    await drain(settings)
    await assert_as_simulated(settings, tallies)
    await assert_balanced(settings)


async def lose_markers(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    await admin.delete_topics([physical(settings.topic_prefix, name) for name in markers(settings.group)])
    await admin.close()
    await until(lambda: create_topics(settings))


async def publish_otherwise(settings: Settings) -> Result:
    """Publish a result once more, with other money and a greater revision than any of its lane."""
    results = [msgspec.json.decode(one.value or b"", type=Result) for one in await committed(settings, CONVERSION)]
    order = next(result for result in results if result.kind == "order" and result.outcome == "credited")
    publisher = publisher_of(settings)
    await publisher.start()
    partition = partition_of(order.token.encode(), PARTITIONS)
    marker = await publisher.read_marker(partition)
    await publisher.stop()
    assert marker is not None
    wrong = msgspec.structs.replace(order, gross_minor=1, net_minor=1, revision=marker.tip.sequence)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka)
    await producer.start()
    topic = physical(settings.topic_prefix, CONVERSION)
    await producer.send_and_wait(topic, msgspec.json.encode(wrong), key=wrong.token.encode(), partition=partition)
    await producer.stop()
    return wrong


async def test_what_kafka_no_longer_holds_is_only_left_out_when_told_so(settings: Settings) -> None:
    records, _ = simulated(seed=8, events=1_500)
    await send(settings, records)
    await drain(settings)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    clicks = physical(settings.topic_prefix, CLICK_OUT)
    await admin.delete_records({TopicPartition(clicks, 0): RecordsToDelete(before_offset=50)})
    await admin.close()

    with pytest.raises(Misconfigured, match=f"{clicks} 0 from offset 50.*--from"):
        await rebuilt(settings)
    command = ["rebuild", "--from", "earliest", "--json"]
    ran = await asyncio.to_thread(CliRunner(env=environment(settings)).invoke, build(command), command)
    told = json.loads(ran.stdout)
    assert (ran.exit_code, told["in_force"]) == (1, False)
    assert {"counter", "ledger", "journey"} <= told["differences_by_part"].keys()
    found = await rebuilt(settings, Asked(), since_ms=0)
    assert found.in_force
    await drain(settings)
    async with reading(settings) as reader:
        assert (await reader.lanes())[0].positions[CLICK_OUT] > 50
    await assert_balanced(settings)
