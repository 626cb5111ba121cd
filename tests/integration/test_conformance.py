"""Consumers of others are told right from wrong by a recorded topic, which is read as the kit reads."""

import json
import sqlite3
import subprocess
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError, UnknownTopicOrPartitionError
from typer.testing import CliRunner, Result

from app.cli import build
from app.consumer_kit.billing import Bills, bill
from app.consumer_kit.conformance import differences
from app.consumer_kit.conversions import Batch, Reader, reading
from app.consumer_kit.published import Amounts
from app.consumer_kit.recording import Recording
from app.local_stack.kafka_server import KafkaServer
from streams.errors import Misconfigured
from tests.integration.kafka import read_decided

PARTITIONS = 2


class RecordedTopic(NamedTuple):
    """A topic that `redcat conformance write` has written."""

    kafka: str
    name: str


@pytest.fixture(scope="module")
def recorded(kafka_server: KafkaServer) -> RecordedTopic:
    """Written once for all tests here."""
    topic = RecordedTopic(kafka_server.address, f"recorded-{uuid.uuid4().hex}")
    assert conformance(topic, "write", topic.name).exit_code == 0
    return topic


def conformance(topic: RecordedTopic, *arguments: str, stdin: bytes | None = None) -> Result:
    """`redcat conformance ARGUMENTS`."""
    settings = {"REDCAT_KAFKA": topic.kafka, "REDCAT_PARTITIONS": str(PARTITIONS)}
    return CliRunner(env=settings).invoke(build(["conformance"]), ["conformance", *arguments], input=stdin)


def test_our_billing_passes_the_conformance_test(recorded: RecordedTopic, tmp_path: Path) -> None:
    arguments = [str(tmp_path / "bills.sqlite"), "--kafka", recorded.kafka, "--topic", recorded.name]
    report = subprocess.run(
        [sys.executable, "-m", "app.consumer_kit.billing", *arguments, "--until-end", "--json"],
        check=True, capture_output=True, cwd=Path(__file__).parents[2],
    ).stdout  # fmt: skip

    checked = conformance(recorded, "check", "-", stdin=report)
    assert (checked.exit_code, checked.stdout) == (0, f"{len(Recording().totals)} notes compared, wrong numbers: 0\n")


def test_a_wrong_report_fails_with_a_line_for_each_number(recorded: RecordedTopic, tmp_path: Path) -> None:
    totals = Recording().totals
    totals["void"] = {"CNY": Amounts(1, 5_000, 0)}
    del totals["moved-to"]
    report = tmp_path / "report.json"
    report.write_bytes(msgspec.json.encode(totals))

    checked, as_json = (
        conformance(recorded, "check", str(report)),
        conformance(recorded, "check", str(report), "--json"),
    )
    assert (checked.exit_code, as_json.exit_code) == (1, 1)
    assert [line.partition(" (")[0] for line in checked.stdout.splitlines()] == [
        "moved-to, CNY: orders is 0, should be 1",
        "moved-to, CNY: gross_minor is 0, should be 5000",
        "moved-to, CNY: refunded_minor is 0, should be 300",
        "void, CNY: orders is 1, should be 0",
        "void, CNY: gross_minor is 5000, should be 0",
        f"{len(totals) + 1} notes compared, wrong numbers: 5",
    ]
    assert json.loads(as_json.stdout)["wrong"][3] == {
        "note_id": "void", "currency": "CNY", "name": "orders", "reported": 1, "right": 0,
        "point": "a void result takes everything back",
    }  # fmt: skip


def test_a_topic_that_has_records_is_not_written_into(recorded: RecordedTopic) -> None:
    again = conformance(recorded, "write", recorded.name)
    assert isinstance(again.exception, Misconfigured)
    assert "has or had records" in str(again.exception)


def test_a_topic_that_kafka_refuses_to_make_is_named(recorded: RecordedTopic) -> None:
    refused = conformance(recorded, "write", "no/such/name")
    assert isinstance(refused.exception, Misconfigured)
    assert "refuses to make the topic no/such/name" in str(refused.exception)


def test_a_report_that_is_not_there_is_named(recorded: RecordedTopic) -> None:
    missing = conformance(recorded, "check", "no-such-file")
    assert isinstance(missing.exception, Misconfigured)
    assert "cannot read no-such-file" in str(missing.exception)


async def read_all(recorded: RecordedTopic, isolation_level: str) -> list[dict[str, Any]]:
    """All results of the recorded topic, as any consumer may read them."""
    places = [TopicPartition(recorded.name, number) for number in range(PARTITIONS)]
    return [json.loads(record.value) for record in await read_decided(recorded.kafka, places, isolation_level)]


def report_of(results: Iterable[dict[str, Any]]) -> bytes:
    """The sums of these results."""
    totals: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for one in results:
        if one["kind"] == "order" and one["outcome"] == "credited":
            amounts = {"orders": 1, "gross_minor": one["gross_minor"], "refunded_minor": one["refunded_minor"]}
            totals[one["note_id"]][one["currency"]].update(amounts)
    return json.dumps(totals).encode()


def last_told(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(one["token"], one["result_id"]): one for one in results}.values())


def by_revision(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(results, key=lambda one: int(one["revision"]))


def without_void(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return last_told(by_revision(one for one in results if one["outcome"] != "void"))


def right(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return last_told(by_revision(results))


@pytest.mark.parametrize(
    ("keep", "isolation_level", "caught"),
    [
        (right, "read_committed", set()),
        (list, "read_committed", {"grown", "repeated", "moved-from"}),
        (last_told, "read_committed", {"reordered", "void-first", "late-to"}),
        (without_void, "read_committed", {"void", "absent"}),
        (right, "read_uncommitted", {"aborted", "never"}),
    ],
    ids=["right", "sums everything", "takes the last delivered", "ignores void", "reads what is not committed"],
)
async def test_consumers_of_others_are_caught_by_what_they_do_wrong(
    recorded: RecordedTopic,
    keep: Callable[[Iterable[dict[str, Any]]], list[dict[str, Any]]],
    isolation_level: str,
    caught: set[str],
) -> None:
    wrong = {
        one.note_id for one in differences(Recording(), report_of(keep(await read_all(recorded, isolation_level))))
    }
    assert caught <= wrong
    assert bool(wrong) is bool(caught)


async def values_of(reader: Reader, ends: dict[int, int], most: int) -> list[Batch]:
    return [batch async for batch in reader.batches(ends, most)]


async def test_reading_goes_on_exactly_where_a_batch_ended(recorded: RecordedTopic) -> None:
    async with reading(recorded.name, bootstrap_servers=recorded.kafka) as reader:
        ends = await reader.ends()
        whole = await values_of(reader, ends, 300)
    positions: dict[int, int] = {}
    values: list[bytes] = []
    while len(values) < sum(len(batch.values) for batch in whole):
        async with reading(recorded.name, positions, bootstrap_servers=recorded.kafka) as reader:
            batch = await anext(aiter(reader.batches(most=700)))
        positions |= batch.positions
        values += batch.values

    assert sorted(values) == sorted(value for batch in whole for value in batch.values)
    async with reading(recorded.name, positions, bootstrap_servers=recorded.kafka) as reader:
        assert await values_of(reader, ends, 300) == []


async def test_partitions_may_be_shared_out(recorded: RecordedTopic) -> None:
    bills = []
    for number in range(PARTITIONS):
        mine = Bills(sqlite3.connect(":memory:", isolation_level=None), recorded.name)
        await bill(mine, {"bootstrap_servers": recorded.kafka}, partitions=[number], until_end=True, most=500)
        assert mine.positions().keys() == {number}
        bills.append(mine)
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in (line for one in bills for line in one.statement()):
        sums[line[:2]] = [had + more for had, more in zip(sums[line[:2]], line[2:], strict=True)]

    reported: dict[str, dict[str, Amounts]] = defaultdict(dict)
    for (note, currency), amounts in sums.items():
        reported[note][currency] = Amounts(*amounts)
    assert differences(Recording(), msgspec.json.encode(reported)) == []


async def test_a_position_that_kafka_does_not_hold_is_an_error_and_never_a_jump(recorded: RecordedTopic) -> None:
    async with reading(recorded.name, {0: 10**9}, bootstrap_servers=recorded.kafka) as reader:
        with pytest.raises(OffsetOutOfRangeError):
            await values_of(reader, await reader.ends() | {0: 10**10}, 300)


@pytest.mark.parametrize(("topic", "partitions"), [("no-such-topic", None), (None, [0, PARTITIONS])])
async def test_what_kafka_does_not_have_is_an_error(
    recorded: RecordedTopic, topic: str | None, partitions: list[int] | None
) -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        async with reading(topic or recorded.name, partitions=partitions, bootstrap_servers=recorded.kafka):
            pass
