"""Simulated and recorded traffic reaches Kafka complete, in order, in the right partitions."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from aiokafka import ConsumerRecord, TopicPartition

from app.kafka_sender import Sending, kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.local_stack.server_process import free_port
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import TOPICS, Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.simulator.truth_file import read_truth
from app.topic_admin import create_topics
from streams.errors import Misconfigured, Refused, Unavailable
from streams.murmur2 import partition_of
from streams.topics import physical
from tests.conftest import Namespace
from tests.integration.kafka import read_decided

PARTITIONS = 3
CONFIG = SimulatorConfig(events=5_000, notes=50, partitions=PARTITIONS)


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, namespace: Namespace) -> Settings:
    """Settings with topics that exist."""
    made = Settings(
        kafka=kafka_server.address, topic_prefix=namespace.prefix, group=namespace.group, partitions=PARTITIONS
    )
    await create_topics(made)
    return made


async def read_all(settings: Settings) -> dict[tuple[str, int], list[ConsumerRecord]]:
    """What committed records every partition of the input topics holds, in their order."""
    partitions = [
        TopicPartition(physical(settings.topic_prefix, name), p) for name in TOPICS for p in range(PARTITIONS)
    ]
    found: dict[tuple[str, int], list[ConsumerRecord]] = defaultdict(list)
    for record in await read_decided(settings.kafka, partitions):
        found[record.topic.removeprefix(settings.topic_prefix), record.partition].append(record)
    return found


def expected(records: Sequence[Outgoing]) -> dict[tuple[str, int], list[tuple[bytes | None, bytes | None]]]:
    """Keys and values by the partition where they must be, in their order."""
    places: dict[tuple[str, int], list[tuple[bytes | None, bytes | None]]] = defaultdict(list)
    for one in records:
        partition = partition_of(one.key or b"", PARTITIONS) if one.partition is None else one.partition
        places[one.topic, partition].append((one.key, one.value))
    return places


def contents(found: Mapping[tuple[str, int], list[ConsumerRecord]]) -> dict[tuple[str, int], list[tuple[Any, Any]]]:
    return {place: [(record.key, record.value) for record in records] for place, records in found.items()}


async def redcat(settings: Settings, *arguments: str, stdin: bytes = b"") -> Ran:
    """Run a command as a user would."""
    variables = {
        "REDCAT_KAFKA": settings.kafka, "REDCAT_TOPIC_PREFIX": settings.topic_prefix, "REDCAT_GROUP": settings.group,
        "REDCAT_PARTITIONS": str(settings.partitions), "REDCAT_POLICY": str(settings.policy or ""),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from app.cli import main; main()", *arguments,
        env=os.environ | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    stdout, stderr = await process.communicate(stdin)
    return Ran(process.returncode or 0, stdout.decode(), stderr.decode())


@pytest.mark.parametrize(
    "sending",
    [
        Sending(),
        Sending(compression="gzip"),
        Sending(compression="snappy"),
        Sending(compression="lz4"),
        Sending(compression="zstd", transactional_id="sender"),
    ],
    ids=["plain", "gzip", "snappy", "lz4", "zstd in transactions"],
)
async def test_everything_arrives_once_and_in_order(settings: Settings, sending: Sending) -> None:
    records = list(simulate(CONFIG, Tallies()))
    heard: list[int] = []
    before_ms = int(time.time() * 1_000)

    async with kafka_sender(settings, sending) as sender:
        await sender.send(iter(records), heard.append)

    found = await read_all(settings)
    assert contents(found) == expected(records)
    assert (heard[-1], sender.sent) == (len(records), len(records))
    stamps = [record.timestamp for of_place in found.values() for record in of_place]
    assert before_ms <= min(stamps) <= max(stamps) <= int(time.time() * 1_000)


async def test_records_can_keep_their_timestamps(settings: Settings) -> None:
    records = list(simulate(CONFIG, Tallies()))[:100]

    async with kafka_sender(settings, Sending(keep_timestamps=True)) as sender:
        await sender.send(records)

    stamps = [record.timestamp for of_place in (await read_all(settings)).values() for record in of_place]
    assert sorted(stamps) == [record.timestamp_ms for record in records]


@pytest.mark.parametrize(("rate", "count"), [(20, 11), (1_000, 1_501)])  # long enough to have steps in spite of a stall
async def test_a_rate_is_kept_from_the_first_record_on(settings: Settings, rate: float, count: int) -> None:
    heard: list[int] = []

    began = time.monotonic()
    async with kafka_sender(settings, Sending(rate=rate)) as sender:
        started = time.monotonic()
        await sender.send(list(simulate(CONFIG, Tallies()))[:count], heard.append)

    assert time.monotonic() - began >= (count - 1) / rate
    assert heard[0] <= 1 + rate * (time.monotonic() - started) / 2
    assert heard[-1] == count
    assert len(heard) > 5


async def test_a_topic_that_does_not_exist_is_named(settings: Settings) -> None:
    async with kafka_sender(settings) as sender:
        with pytest.raises(Misconfigured, match=f"no topic {settings.topic_prefix}nowhere in Kafka"):
            await sender.send([Outgoing("nowhere", None, b"n", b"{}", None)])


async def test_sending_ends_when_kafka_goes_away(tmp_path: Path) -> None:
    kafka = KafkaServer(free_port(), tmp_path)
    await kafka.start()
    settings = Settings(kafka=kafka.address, partitions=PARTITIONS)
    await create_topics(settings)
    async with kafka_sender(settings, Sending(rate=1_000, patience_s=1)) as sender:
        await sender.send(simulate(dataclasses.replace(CONFIG, events=100), Tallies()))
        await kafka.kill()
        with pytest.raises(Unavailable, match="Kafka stopped taking records after about"):
            await sender.send(simulate(CONFIG, Tallies()))

    with pytest.raises(Unavailable, match="did not answer for 1 s"):
        async with kafka_sender(settings, Sending(patience_s=1)):
            pass


async def test_a_newer_sender_with_the_same_transactional_id_stops_the_older(settings: Settings) -> None:
    record = Outgoing("order", None, b"t", b"{}", None)
    async with kafka_sender(settings, Sending(transactional_id=settings.group)) as older:
        await older.send([record])
        async with kafka_sender(settings, Sending(transactional_id=settings.group)) as newer:
            with pytest.raises(Refused, match=settings.group):
                await older.send([record])
            await newer.send([record])

    assert sum(map(len, (await read_all(settings)).values())) == 2


async def test_simulate_sends_and_tells_the_truth(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    arguments = ("simulate", "--events", "3000", "--seed", "5", "--notes", "40", "--truth", str(path), "--json")

    ran = await redcat(settings, *arguments)

    config = SimulatorConfig(events=3_000, seed=5, notes=40, partitions=PARTITIONS)
    records = list(simulate(config, Tallies()))
    assert (ran.status, ran.stderr) == (0, "")
    summary = json.loads(ran.stdout)
    assert (summary["sent"], sum(summary["topics"].values())) == (3_000, 3_000)
    assert contents(await read_all(settings)) == expected(records)
    truth = read_truth(path)
    assert sum(topic["consumed"] - topic["forwarded"] for topic in truth.topics.values()) == 3_000
    assert truth.results


async def test_simulate_heeds_the_policy_of_the_settings(settings: Settings, tmp_path: Path) -> None:
    policy, path = tmp_path / "policy.yaml", tmp_path / "truth.json"
    policy.write_text(
        "version: 1\neffective_from_ms: 0\nwindows: {entry: 1s, favourite: 1s, cart: 1s, order: 1s}\n"
        "platforms: {tmall: {}}\nindustries: {'*': open}\nlinks: [{link: note, kinds: [ad], platforms: [tmall]}]\n"
    )

    ran = await redcat(
        dataclasses.replace(settings, policy=policy), "simulate", "--events", "500", "--truth", str(path)
    )

    entries = read_truth(path).outcomes["entry"]
    assert (ran.status, ran.stdout) == (0, "")
    assert entries["refused/window_passed"] > sum(entries.values()) / 2


async def test_topics_must_be_there_before_anything_is_sent(kafka_server: KafkaServer, namespace: Namespace) -> None:
    missing = Settings(kafka=kafka_server.address, topic_prefix=namespace.prefix, group=namespace.group)

    ran = await redcat(missing, "simulate", "--events", "10")

    assert ran.status == 2
    assert "redcat topics create" in ran.stderr


def lines(*records: Mapping[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def order(token: str, at_ms: int, number: int = 0) -> dict[str, Any]:
    return {"topic": "order", "value": {"token": token, "at_ms": at_ms, "number": number}}


async def test_replay_keeps_the_order_of_the_lines(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "traffic.ndjson"
    recorded = [order(f"t{number % 7}", 10**12, number) for number in range(5_000)]
    file.write_bytes(lines(*recorded, {"topic": "shop-entry", "value": "garbage", "key": "t1", "partition": 2}))

    ran = await redcat(settings, "replay", str(file), "--json")

    found = await read_all(settings)
    assert (ran.status, json.loads(ran.stdout)["topics"]) == (0, {"order": 5_000, "shop-entry": 1})
    assert contents(found)["shop-entry", 2] == [(b"t1", b"garbage")]
    for partition in range(PARTITIONS):
        numbers = [json.loads(record.value)["number"] for record in found["order", partition]]
        assert numbers == sorted(numbers)
    assert sum(len(found["order", partition]) for partition in range(PARTITIONS)) == 5_000


async def test_replay_reads_a_pipe_and_tells_how_far_it_came(settings: Settings) -> None:
    good = lines(order("t1", 10**12)) * 2_500

    whole = await redcat(settings, "replay", "-", stdin=good)
    broken = await redcat(settings, "replay", "-", stdin=good + b"nonsense\n" + good)

    assert (whole.status, whole.stdout) == (0, "")
    assert broken.status == 1
    assert "stdin, line 2501: JSON is malformed" in broken.stderr
    assert "; 2000 records were sent before" in broken.stderr
    assert sum(map(len, (await read_all(settings)).values())) == 4_500


async def test_replay_paces_by_event_time(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "traffic.ndjson"
    times = (10**12, 10**12 + 200_000, 10**12 + 100_000, 10**12 + 600_000)
    file.write_bytes(lines(*(order("t1", at_ms, number) for number, at_ms in enumerate(times))))

    ran = await redcat(settings, "replay", str(file), "--speed", "1000")

    assert ran.status == 0
    (found,) = (await read_all(settings)).values()
    assert [json.loads(record.value)["number"] for record in found] == [0, 1, 2, 3]
    waits_ms = [record.timestamp - found[0].timestamp for record in found]
    assert waits_ms[1] >= 180
    assert waits_ms[2] - waits_ms[1] < 100
    assert waits_ms[3] >= 540
