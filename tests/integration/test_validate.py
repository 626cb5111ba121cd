"""`redcat validate` on real topics: committed records only, from where to where it is told, and pipes."""

import asyncio
import gzip
import json
import subprocess
import sys
from typing import Any, Final

import pytest_asyncio
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner, Result

from app import cli
from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from streams.errors import Misconfigured
from streams.murmur2 import partition_of
from tests.behaviour.builders import click, entry
from tests.conftest import Namespace
from tests.integration.kafka import make_topics, producing

PARTITIONS: Final = 3


async def validate(settings: Settings, *arguments: str) -> Result:
    """Run the command, in a thread because it has an event loop of its own."""
    variables = {"REDCAT_KAFKA": settings.kafka, "REDCAT_TOPIC_PREFIX": settings.topic_prefix}
    runner = CliRunner(env=variables)
    return await asyncio.to_thread(runner.invoke, cli.build(["validate"]), ["validate", *arguments])


async def told(settings: Settings, *arguments: str) -> Any:
    """What the command prints as JSON."""
    return json.loads((await validate(settings, *arguments, "--json")).stdout)


async def piped(*arguments: str, stdin: bytes) -> tuple[int, str]:
    """Exit status and output of the command as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from app.cli import main; main()", "validate", "-", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    stdout, _ = await process.communicate(stdin)
    return process.returncode or 0, stdout.decode()


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, namespace: Namespace) -> Settings:
    """Settings with one topic, shop-entry, that has other partitions than they say."""
    made = Settings(kafka=kafka_server.address, topic_prefix=namespace.prefix)
    await make_topics(kafka_server.address, [f"{namespace.prefix}shop-entry"], PARTITIONS)
    return made


def values(first: int, count: int) -> list[tuple[bytes, bytes]]:
    """Keys and values of entries, every tenth of them bad."""
    made = []
    for number in range(first, first + count):
        one = entry(f"e{number}", at=number, token=f"t{number}")
        made.append((one.key, (one if number % 10 else one.but(merchant_id=5)).value))
    return made


async def send(producer: AIOKafkaProducer, topic: str, records: list[tuple[bytes, bytes]]) -> None:
    """Records into the partitions of their keys."""
    for key, value in records:
        await producer.send(topic, value, key=key, partition=partition_of(key, PARTITIONS))
    await producer.flush()


async def test_a_topic_is_checked_as_far_as_it_is_committed(settings: Settings) -> None:
    topic = f"{settings.topic_prefix}shop-entry"
    async with producing(settings.kafka, transactional_id=settings.topic_prefix) as producer:
        async with producer.transaction():
            await send(producer, topic, values(0, 100))
        await producer.begin_transaction()
        await send(producer, topic, values(100, 50))
        await producer.abort_transaction()
        await producer.begin_transaction()
        await send(producer, topic, values(200, 20))
        ran = await validate(settings, "shop-entry", "--json")
        await producer.commit_transaction()
    before, after = json.loads(ran.stdout), await told(settings, topic)

    assert ran.exit_code == 1
    assert before["source"] == f"{topic} ({settings.kafka})"
    assert (before["records"], before["invalid"]) == (100, 10)
    assert (after["records"], after["invalid"]) == (120, 12)
    (error,) = before["errors"]
    assert (error["code"], error["field"], error["count"]) == ("bad_field", "merchant_id", 10)
    assert all(example.keys() == {"partition", "offset", "key", "value", "message"} for example in error["examples"])
    assert before["warnings"] == []


async def test_records_in_a_wrong_partition_are_told_by_what_kafka_has(settings: Settings) -> None:
    topic = f"{settings.topic_prefix}shop-entry"
    one = entry(at=1)
    right = partition_of(one.key, PARTITIONS)
    async with producing(settings.kafka) as producer:
        await producer.send_and_wait(topic, one.value, key=one.key, partition=right)
        await producer.send_and_wait(topic, one.value, key=one.key, partition=(right + 1) % PARTITIONS)
        await producer.send_and_wait(topic, None, key=one.key, partition=right)

    ran = await validate(settings, "shop-entry", "--lang", "en")

    assert ran.exit_code == 1
    assert "shop-entry  not_json  1 (33.33%)" in ran.stdout
    assert "shop-entry  partition  1 (33.33%)" in ran.stdout
    assert f"    {(right + 1) % PARTITIONS}@0  t1  {{" in ran.stdout
    assert f"    {right}@1  t1  no value" in ran.stdout
    assert ran.stderr == ""


async def test_a_part_of_a_topic_can_be_checked(settings: Settings) -> None:
    topic = f"{settings.topic_prefix}shop-entry"
    async with producing(settings.kafka) as producer:
        await send(producer, topic, values(0, 300))

    assert (await told(settings, "shop-entry", "--limit", "7"))["records"] == 7
    assert (await told(settings, "shop-entry", "--last", "5"))["records"] == 5 * PARTITIONS
    assert (await told(settings, "shop-entry", "--last", "5", "--limit", "9"))["records"] == 9


async def test_a_topic_that_is_not_there_is_neither_read_nor_made(settings: Settings) -> None:
    for _ in range(2):
        ran = await validate(settings, "order")
        assert isinstance(ran.exception, Misconfigured)
        assert str(ran.exception) == f"no topic {settings.topic_prefix}order in Kafka"


async def test_a_pipe_is_checked_packed_or_not() -> None:
    line = json.dumps({"topic": "click-out", "value": click().fields}).encode() + b"\n"

    (status, text), (bad_status, bad) = await asyncio.gather(
        piped("--lang", "en", stdin=line * 2),
        piped("--topic", "shop-entry", "--json", stdin=gzip.compress(b"{}\n")),
    )

    assert (status, text.splitlines()[0]) == (0, "stdin: 2 records, 0 invalid (0.00%)")
    assert (bad_status, json.loads(bad)["errors"][0]["code"]) == (1, "missing_field")
