"""The worker as people run it, on real servers: exact whatever comes and however it ends."""

import asyncio
import dataclasses
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest_asyncio
from redis.asyncio import Redis

from app.kafka_sender import Sending, kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.reading import reading
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from streams.errors import Misconfigured
from streams.topics import lane_count
from tests.comparison import assert_agrees
from tests.conftest import Namespace
from tests.generators.journeys import hard_journeys
from tests.generators.policies import DEFAULT_POLICY
from tests.generators.records import numbered
from tests.integration.simulated import assert_as_simulated
from tests.integration.workers import landed, run, working
from tests.oracle.evaluation import evaluate
from tests.oracle.intake import Record
from tests.oracle.placement import with_forwarded
from tests.waiting import until

PARTITIONS = 4
SEEDS = range(20)
SENDINGS = (
    Sending(),
    Sending(compression="gzip"),
    Sending(compression="snappy"),
    Sending(compression="lz4"),
    Sending(compression="zstd"),
    Sending(transactional_id="partner"),
    Sending(transactional_id="partner", compression="zstd"),
)


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Settings]:
    """A namespace of this test with its topics."""
    made = Settings(
        kafka=kafka_server.address,
        redis=valkey_url,
        topic_prefix=namespace.prefix,
        group=namespace.group,
        partitions=PARTITIONS,
    )
    await create_topics(made)
    yield made


async def send(settings: Settings, records: Iterable[Outgoing], sending: Sending | None = None) -> None:
    async with kafka_sender(settings, sending) as sender:
        await sender.send(records)


def hard_traffic() -> list[Record]:
    """Many hard scenarios one after the other, as records with their offsets."""
    return numbered([record for seed in SEEDS for record in hard_journeys(seed).records])


def outgoing(records: Iterable[Record]) -> list[Outgoing]:
    return [Outgoing(record.topic, record.partition, record.key, record.value, None) for record in records]


async def assert_exact(settings: Settings, records: Sequence[Record]) -> None:
    """Counters, ledger, results and dead letters equal the batch evaluation's."""
    assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
    # A forwarded record is input as well: what this worker forwarded last may be left.
    assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
    truth = evaluate(with_forwarded(records, PARTITIONS), [DEFAULT_POLICY], partitions=PARTITIONS)
    assert_agrees(await landed(settings), truth)


async def test_hard_traffic_in_every_compression_and_in_transactions_is_counted_exactly(settings: Settings) -> None:
    records = hard_traffic()
    share = len(records) // len(SENDINGS) + 1
    for number, sending in enumerate(SENDINGS):
        await send(settings, outgoing(records[number * share : (number + 1) * share]), sending)

    await assert_exact(settings, records)


async def test_hard_traffic_is_counted_exactly_on_redis_7(settings: Settings, redis7_url: str) -> None:
    records = hard_traffic()
    await send(settings, outgoing(records))

    await assert_exact(dataclasses.replace(settings, redis=redis7_url), records)


async def test_a_worker_killed_in_the_middle_of_a_run_leaves_nothing_wrong(settings: Settings) -> None:
    tallies = Tallies(full_results=True)
    records = list(simulate(SimulatorConfig(events=60_000, seed=7, partitions=PARTITIONS, full_results=True), tallies))
    await send(settings, records[:30_000])
    async with working(settings) as first:
        await some_commits(settings)
        first.send_signal(signal.SIGKILL)
        await send(settings, records[30_000:])

    # As above: forwarded records are input too.
    for _ in range(2):
        assert (await run(settings, "worker", "--drain", "--timeout", "60")).status == 0
    await assert_as_simulated(settings, tallies)


async def some_commits(settings: Settings) -> None:
    """Return when every token lane has committed, which is long before the backlog is done."""

    async def committed() -> set[int]:
        async with reading(settings) as reader:
            return {one.lane for one in await reader.lanes() if any(one.positions.values())}

    await until(committed, {*range(PARTITIONS)}.issubset, not_yet=(Misconfigured,))


async def test_sigterm_ends_a_worker_with_status_0_and_everything_published(settings: Settings) -> None:
    await send(settings, outgoing(hard_traffic()))
    async with working(settings) as worker:
        await some_commits(settings)
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await worker.wait() == 0
    async with reading(settings) as reader:
        assert [lane.outbox for lane in await reader.lanes()] == [[]] * lane_count(PARTITIONS)


async def test_a_drain_that_runs_out_of_time_says_so(settings: Settings) -> None:
    await send(settings, outgoing(hard_traffic()))

    status, said = await run(settings, "worker", "--drain", "--timeout", "0")

    assert status == 1
    assert "not everything was counted and published within 0 s" in said


async def test_a_worker_without_topics_says_how_to_make_them(settings: Settings) -> None:
    status, said = await run(dataclasses.replace(settings, topic_prefix="none."), "worker", "--drain")

    assert (status, said.count("redcat topics create"), said.count("\n")) == (2, 1, 1)


async def test_a_worker_that_fits_the_namespace_no_more_is_refused(settings: Settings, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 2\neffective_from_ms: 0\nwindows: {entry: 1d, favourite: 1d, cart: 1d, order: 1d}\n")
    assert (await run(settings, "worker", "--drain")).status == 0

    with_three = dataclasses.replace(settings, partitions=3, topic_prefix=f"three.{settings.topic_prefix}")
    await create_topics(with_three)
    fewer = await run(with_three, "worker", "--drain")
    other = await run(dataclasses.replace(settings, policy=policy), "worker", "--drain")

    assert (fewer.status, other.status) == (2, 2)
    assert "was made with 4 partitions, this worker has 3" in fewer.said
    assert "redcat policy publish" in other.said


async def test_a_redis_that_evicts_is_refused(settings: Settings, valkey_url: str) -> None:
    redis = Redis.from_url(valkey_url)
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        status, said = await run(settings, "worker", "--drain")
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.aclose()

    assert status == 2
    assert "CONFIG SET maxmemory-policy noeviction" in said
