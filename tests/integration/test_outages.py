"""Servers that are away: workers wait for them, say so, stay small, and go on within seconds."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import NamedTuple

import pytest
import pytest_asyncio

from app.kafka_sender import kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.reading import reading
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from bench.processes import rss_mib
from streams.errors import Unavailable
from streams.feed import KafkaFeed
from streams.topics import physical_kinds
from tests.chaos.proxy import Proxy
from tests.conftest import Namespace
from tests.integration.simulated import assert_as_simulated
from tests.integration.test_health import observed
from tests.integration.workers import run
from tests.waiting import until

PARTITIONS = 2
EVENTS = 8_000
FIRST = 2_000
AWAY_S = 4.0  # longer than any pause between two tries; an hour differs by more of them
GROWN_MIB = 30.0
FIRST_COMMIT_S = 15.0  # on a busy machine; `python -m bench --only outage` holds it to five
SEEN_S = 30.0


class Ways(NamedTuple):
    """The proxies between a worker and the servers, the worker's settings, and those that lead past the proxies."""

    kafka: Proxy
    redis: Proxy
    proxied: Settings
    direct: Settings


@pytest_asyncio.fixture
async def ways(
    kafka_server: KafkaServer, valkey_server: ValkeyServer, valkey_url: str, namespace: Namespace
) -> AsyncIterator[Ways]:
    """A namespace of this test with its topics, behind proxies."""
    direct = Settings(
        kafka_server.address,
        redis=valkey_url,
        topic_prefix=namespace.prefix,
        group=namespace.group,
        partitions=PARTITIONS,
    )
    await create_topics(direct)
    (listener,) = kafka_server.listeners
    assert listener.advertised_port is not None
    kafka, redis = Proxy(listener.advertised_port, listener.port), Proxy(free_port(), valkey_server.port)
    async with kafka, redis:
        database = valkey_url.rpartition("/")[2]
        to_redis = f"redis://127.0.0.1:{redis.port}/{database}"
        yield Ways(kafka, redis, dataclasses.replace(direct, kafka=f"127.0.0.1:{kafka.port}", redis=to_redis), direct)


async def send(settings: Settings, records: Iterator[Outgoing], count: int) -> None:
    async with kafka_sender(settings) as sender:
        await sender.send(islice(records, count))


async def moved(settings: Settings, before: dict[int, int]) -> dict[int, int]:
    """The numbers of the token lanes' last commits, once each is beyond the one before."""
    async with reading(settings) as reader:

        async def sequences() -> dict[int, int]:
            return {one.lane: one.tip.sequence for one in await reader.lanes() if one.lane < PARTITIONS}

        return await until(
            sequences, lambda now: len(now) == PARTITIONS and all(now[lane] > before.get(lane, 0) for lane in now)
        )


@pytest.mark.parametrize("server", ["kafka", "redis"])
async def test_a_worker_waits_for_a_server_that_is_away_and_goes_on_within_seconds(ways: Ways, server: str) -> None:
    tallies, loop = Tallies(full_results=True), asyncio.get_running_loop()
    config = SimulatorConfig(events=EVENTS, seed=5, partitions=PARTITIONS, full_results=True)
    records, way = simulate(config, tallies), getattr(ways, server)
    async with observed(ways.proxied, "worker") as worker:
        await worker.until("/ready", 200)
        await send(ways.direct, records, FIRST)
        before = await moved(ways.direct, {})
        small_mib = rss_mib(worker.process.pid)

        way.close()
        told = await worker.until("/ready", 503)
        async with asyncio.timeout(SEEN_S):
            while f"{server}_away" not in str(told):
                told = await worker.until("/ready", 503)
        await send(ways.direct, records, EVENTS - FIRST)
        await asyncio.sleep(AWAY_S)
        assert (await worker.answer("/live")).status_code == 200
        assert rss_mib(worker.process.pid) - small_mib < GROWN_MIB

        way.let_go()
        back_s = loop.time()
        await moved(ways.direct, before)
        assert loop.time() - back_s < FIRST_COMMIT_S
        # What the worker itself forwards is input, too.
        for _ in range(2):
            assert (await run(ways.direct, "worker", "--drain", "--timeout", "60")).status == 0
    await assert_as_simulated(ways.direct, tallies)


async def test_a_kafka_that_goes_while_a_worker_starts_is_not_taken_for_one_without_topics(
    kafka_server: KafkaServer, ways: Ways
) -> None:
    (listener,) = kafka_server.listeners
    feed = KafkaFeed(
        {"bootstrap_servers": f"127.0.0.1:{listener.port}"},  # from where it is sent to the address of the proxy
        "nobody",
        physical_kinds(ways.direct.topic_prefix),
        PARTITIONS,
        deliver=lambda _: asyncio.sleep(0),
        on_lanes=lambda _: None,
        on_stopped=lambda _, __: None,
    )
    ways.kafka.close()

    with pytest.raises(Unavailable, match="does not tell of its topics"):
        await feed.start()
