"""Policies put into force while workers run, on real servers."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from app.kafka_sender import kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from app.simulator.facts import Outgoing
from app.topic_admin import create_topics
from bench.ownership import members
from tests.behaviour.builders import click
from tests.comparison import assert_agrees
from tests.conftest import Namespace
from tests.generators.journeys import hard_journeys
from tests.generators.policies import DEFAULT_POLICY, MIDNIGHT_MS, Document
from tests.generators.records import numbered
from tests.integration.workers import landed, run, start, working
from tests.oracle.evaluation import evaluate
from tests.oracle.intake import Record
from tests.oracle.placement import with_forwarded
from tests.waiting import until

SEEDS = range(100, 112)
NO_WINDOWS = {"entry": "1s", "favourite": "1s", "cart": "1s", "order": "1s"}
SHORT: Document = DEFAULT_POLICY | {"version": 2, "effective_from_ms": MIDNIGHT_MS, "windows": NO_WINDOWS}
CLOSED: Document = SHORT | {"version": 3, "effective_from_ms": MIDNIGHT_MS - 3_600_000, "industries": {"*": "closed"}}
TO_COME: Document = SHORT | {"version": 4, "effective_from_ms": 2**42}


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Settings]:
    """A namespace of this test with its topics."""
    made = Settings(
        kafka_server.address, redis=valkey_url, topic_prefix=namespace.prefix, group=namespace.group, bad_percent=100
    )
    await create_topics(made)
    yield made


def file_of(folder: Path, *policies: Document) -> str:
    """A policy file."""
    path = folder / "policies.yaml"
    path.write_text("---\n".join(json.dumps(policy) + "\n" for policy in policies))
    return str(path)


def hard_traffic() -> list[Record]:
    return numbered([record for seed in SEEDS for record in hard_journeys(seed).records])


async def told(settings: Settings, *arguments: str) -> Any:
    """What a command with --json says."""
    process = await start(settings, *arguments, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return json.loads(said)


async def send(settings: Settings, records: list[Record]) -> None:
    async with kafka_sender(settings) as sender:
        await sender.send(Outgoing(one.topic, one.partition, one.key, one.value, None) for one in records)


async def until_joined(settings: Settings, workers: int) -> None:
    """Wait until so many workers share the lanes: one that comes earlier may lose lanes to those that come after it."""
    await until(lambda: members(settings), lambda found: len(found) == workers, patience_s=30)


async def test_policies_that_start_in_the_past_are_exact_through_traffic_and_the_death_of_a_worker(
    settings: Settings, tmp_path: Path
) -> None:
    records = hard_traffic()
    half = len(records) // 2
    async with working(settings) as dying, working(settings):
        await send(settings, records[:half])
        await until_joined(settings, 2)
        assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
        path = file_of(tmp_path, DEFAULT_POLICY, SHORT, CLOSED, TO_COME)
        published = await told(settings, "policy", "publish", path, "--restate", "--json")
        assert (published["published"], published["known"], published["restate"]) == ([2, 3, 4], [1], [2, 3])
        dying.kill()
        await send(settings, records[half:])
        # Long enough for the dead worker's lanes to find a new owner.
        assert (await run(settings, "policy", "publish", path, "--wait", "30")).status == 0
        assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
    everything = with_forwarded(records, settings.partitions)
    truth = evaluate(everything, [DEFAULT_POLICY, SHORT, CLOSED, TO_COME], partitions=settings.partitions)
    assert_agrees(await landed(settings), truth)
    shown = await told(settings, "policy", "show", "--json")
    lanes = {version: (policy["lanes"], policy["published"]) for version, policy in shown["policies"].items()}
    assert lanes == {"1": (4, False), "2": (4, True), "3": (4, True), "4": (4, True)}


async def test_what_may_not_be_published_is_refused_with_the_reason(settings: Settings, tmp_path: Path) -> None:
    await send(settings, hard_traffic())
    assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
    cases = [
        ([SHORT], 1, "publish it with --restate"),
        ([DEFAULT_POLICY | {"lead": "1h"}], 1, "policy 1 is in force with another content"),
        ([SHORT | {"windows": {}}], 2, "windows"),
    ]
    for policies, status, reason in cases:
        ended = await run(settings, "policy", "publish", file_of(tmp_path, *policies), "--lang", "en")
        assert (ended.status, reason in ended.said) == (status, True), ended
    assert list((await told(settings, "policy", "show", "--json"))["policies"]) == ["1"]
    # Nothing that was counted is later than this one's start.
    assert (await run(settings, "policy", "publish", file_of(tmp_path, TO_COME))).status == 0
    assert (await run(settings, "policy", "show", "9", "--lang", "en")).said.endswith("in force are 1, 4\n")


async def test_what_is_published_before_any_worker_ran_is_in_force_from_the_start(
    settings: Settings, tmp_path: Path
) -> None:
    assert (await run(settings, "policy", "publish", file_of(tmp_path, SHORT))).status == 0
    assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
    shown = await told(settings, "policy", "show", "--json")
    assert {version: policy["published"] for version, policy in shown["policies"].items()} == {"1": False, "2": True}


async def test_a_worker_does_not_begin_a_namespace_with_another_content_than_the_published_one(
    settings: Settings, tmp_path: Path
) -> None:
    path = file_of(tmp_path, DEFAULT_POLICY | {"lead": "1h"})
    assert (await run(settings, "policy", "publish", path)).status == 0
    ended = await run(settings, "worker", "--drain", "--timeout", "60")
    assert (ended.status, "policy 1 was published with another content" in ended.said) == (2, True)


async def test_records_of_the_policy_topic_that_are_none_have_no_effect_and_are_shown(settings: Settings) -> None:
    bad = [
        (b"2", b"{"),
        (b"3", json.dumps(SHORT).encode()),
        (b"1", json.dumps(DEFAULT_POLICY | {"lead": "1h"}).encode()),
    ]
    async with kafka_sender(settings) as sender:
        await sender.send(Outgoing("policy", 0, key, value, None) for key, value in bad[:2])
    ended = await run(settings, "worker", "--drain", "--timeout", "60")
    assert ended.status == 0
    assert ended.said.count("a record of the policy topic is no policy") == 2
    async with kafka_sender(settings) as sender:
        await sender.send([Outgoing("policy", 0, *bad[2], None)])
    assert "published with another content" in (await run(settings, "worker", "--drain", "--timeout", "60")).said
    problems = (await told(settings, "policy", "show", "--json"))["problems"]
    assert [problem["offset"] for problem in problems] == [0, 1]


async def test_a_click_dated_far_ahead_does_not_make_a_policy_retroactive(settings: Settings, tmp_path: Path) -> None:
    value = click("c1", at=TO_COME["effective_from_ms"] - MIDNIGHT_MS, token="t1").value
    async with kafka_sender(settings) as sender:
        await sender.send([Outgoing("click-out", None, b"t1", value, None)])
    assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
    assert (await run(settings, "policy", "publish", file_of(tmp_path, TO_COME))).status == 0
    async with working(settings):
        assert (await run(settings, "policy", "publish", file_of(tmp_path, TO_COME), "--wait", "30")).status == 0
    truth = evaluate([Record("click-out", 0, 0, b"t1", value)], [DEFAULT_POLICY, TO_COME], partitions=1)
    assert (await landed(settings)).notes() == truth.notes
