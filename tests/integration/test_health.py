"""A worker that serves says so; one that stalls says so, and ends itself."""

import asyncio
import dataclasses
import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.bootstrap import now_ms
from app.kafka_sender import Sending, kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from streams.topics import TOKEN_TOPICS, lane_count, physical
from tests.conftest import Namespace
from tests.integration.workers import run, start
from tests.waiting import until

PARTITIONS = 1
EVERY_LANE = lane_count(PARTITIONS)
STALL_S = 3
DAY_MS = 86_400_000
PATIENCE_S = 40
STOP_S = 10


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Settings]:
    """A namespace of this test with its topics."""
    made = Settings(
        kafka=kafka_server.address,
        redis=valkey_url,
        topic_prefix=namespace.prefix,
        group=namespace.group,
        partitions=PARTITIONS,
        stall_s=STALL_S,
    )
    await create_topics(made)
    yield made


class Observed:
    """A worker process and what can be learnt of it from outside."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said: list[dict[str, Any]] = []
        self.url = ""
        self.client = httpx.AsyncClient(verify=False, timeout=PATIENCE_S)  # noqa: S501  # plain HTTP: spare it the certificates

    async def hear(self) -> None:
        """Read its log to the end."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.said.append(json.loads(line))
            self.url = self.url or self.said[-1].get("url", "")

    async def has_begun(self) -> bool:
        return bool(self.url)

    async def answer(self, path: str) -> httpx.Response:
        return await self.client.get(self.url + path)

    async def until(self, path: str, status: int) -> dict[str, Any]:
        """What a page says when it has that status."""
        await until(self.has_begun, patience_s=PATIENCE_S)
        answer = await until(lambda: self.answer(path), lambda one: one.status_code == status, patience_s=PATIENCE_S)
        told: dict[str, Any] = answer.json()
        return told


@asynccontextmanager
async def observed(settings: Settings, *arguments: str, module: str = "app") -> AsyncIterator[Observed]:
    process = await start(settings, *arguments, module=module)
    worker = Observed(process)
    hearing = asyncio.create_task(worker.hear())
    try:
        yield worker
    finally:
        if process.returncode is None:
            process.terminate()  # so that the next owner need not wait for a session to time out
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        await hearing
        await worker.client.aclose()


def traffic(events: int, sent_ms: int | None = None) -> list[Outgoing]:
    records = simulate(SimulatorConfig(events=events, seed=7, partitions=PARTITIONS), Tallies())
    return [record._replace(timestamp_ms=sent_ms) for record in records]


async def send(settings: Settings, records: Iterable[Outgoing]) -> None:
    async with kafka_sender(settings, Sending(keep_timestamps=True)) as sender:
        await sender.send(records)


async def test_a_worker_is_ready_when_its_lanes_serve_and_one_beside_it_without_lanes_as_well(
    settings: Settings,
) -> None:
    settings = dataclasses.replace(settings, stall_s=60)
    await send(settings, traffic(2_000))
    async with observed(settings, "worker") as first, observed(settings, "worker") as second:
        async with asyncio.timeout(PATIENCE_S):
            # Until the second has joined, and the lanes are where they stay.
            while sorted([await lanes_shown(worker) for worker in (first, second)]) != [0, EVERY_LANE]:
                await asyncio.sleep(0.05)
        for worker in (first, second):
            assert (await worker.answer("/live")).json() == {"live": True}


async def lanes_shown(worker: Observed) -> int:
    """How many lanes a worker that is ready shows positions of."""
    await worker.until("/ready", 200)
    shown = (await worker.answer("/metrics")).text
    return sum(f'redcat_lane_position{{lane="{lane}"' in shown for lane in range(EVERY_LANE))


async def test_lanes_whose_records_waited_too_long_stop_until_somebody_accepts_that(settings: Settings) -> None:
    settings = dataclasses.replace(settings, stall_s=60)
    two_days_ago_ms = now_ms() - 2 * DAY_MS
    await note(settings, two_days_ago_ms)
    await send(settings, traffic(1_000))
    # Nobody was there for two days, but these records came just now.
    assert await run(settings, "worker", "--drain", "--timeout", "40") == (0, "")

    await note(settings, two_days_ago_ms)
    await send(settings, traffic(1_000, two_days_ago_ms))
    async with observed(settings, "worker") as worker:
        stopped: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE_S):
            while not stopped:
                reasons = (await worker.until("/ready", 503))["reasons"]
                stopped = [reason for reason in reasons if reason["reason"] == "lane_stopped"]
        assert [reason["lane"] for reason in stopped] == [0]
        assert "longer than retention_slack (86400 s)" in stopped[0]["detail"]
        assert (await worker.answer("/live")).status_code == 200
        assert "lane stopped" in [line["message"] for line in worker.said]

    assert (await run(settings, "worker", "--accept-lag", "--drain", "--timeout", "40")).status == 0


async def note(settings: Settings, caught_up_ms: int) -> None:
    """Let it look as if the lane of tokens was served until then."""
    places = [TopicPartition(physical(settings.topic_prefix, topic), 0) for topic in TOKEN_TOPICS]
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, group_id=settings.group, enable_auto_commit=False
    ) as consumer:
        consumer.assign(places)
        await consumer.commit({place: OffsetAndMetadata(0, str(caught_up_ms)) for place in places})


async def test_a_stuck_event_loop_and_stuck_lanes_fail_live_and_then_end_their_workers(settings: Settings) -> None:
    lanes = dataclasses.replace(settings, group=f"{settings.group}-lanes")
    await create_topics(lanes)

    await asyncio.gather(
        ends_itself(settings, signal.SIGUSR1, "the event loop does not turn"),
        ends_itself(lanes, signal.SIGUSR2, "records wait in Kafka"),
    )


async def ends_itself(settings: Settings, trigger: signal.Signals, what: str) -> None:
    """A worker that stalls on this signal says so, and ends."""
    async with observed(settings, module="tests.integration.stalling_worker") as worker:
        await worker.until("/ready", 200)
        await send(settings, traffic(1_000))
        worker.process.send_signal(trigger)
        await send(settings, traffic(1_000))

        told = await worker.until("/live", 503)
        assert {reason["reason"] for reason in told["reasons"]} == {"stalled"}
        assert told["reasons"][0]["detail"].startswith(what)
        assert (await worker.answer("/ready")).status_code == 503
        assert "redcat_stalled 1.0" in (await worker.answer("/metrics")).text
        assert await asyncio.wait_for(worker.process.wait(), PATIENCE_S) == 1

    ends = [line for line in worker.said if line["message"] == "stalled: the process ends itself"]
    assert [line["level"] for line in ends] == ["critical"]
    assert any("stalling_worker" in frame for line in worker.said for frame in line.get("stack", []))
