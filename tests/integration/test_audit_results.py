"""`redcat audit` with Kafka: the whole way from traffic to a clean audit, and wrong results that it finds."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import orjson
import pytest_asyncio

from app.kafka_sender import kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from app.simulator.compare import compare_ledger
from app.simulator.config import Mix, SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.simulator.truth_file import Truth, truth_of
from app.topic_admin import create_topics
from streams.codec import encode_result
from streams.core.results import Result
from streams.murmur2 import partition_of
from streams.topics import CONVERSION, SHOP_ENTRY, physical
from tests.conftest import Namespace
from tests.integration.absorbed import absorb
from tests.integration.audited import audited, kinds
from tests.integration.kafka import producing
from tests.integration.workers import committed, run

PARTITIONS = 2
# What was forwarded is input as well, and would take a second draining.
CONFIG = SimulatorConfig(events=2_000, partitions=PARTITIONS, full_results=True, mix=Mix(misplaced=0.0))


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


async def counted(settings: Settings) -> Truth:
    """The truth of some traffic that was sent and counted to the end."""
    tallies = Tallies(full_results=True)
    async with kafka_sender(settings) as sender:
        await sender.send(simulate(CONFIG, tallies))
    assert await run(settings, "worker", "--drain", "--timeout", "60") == (0, "")
    return truth_of(tallies)


async def published(settings: Settings) -> list[Result]:
    """Everything in the topic of results."""
    return [msgspec.json.decode(one.value or b"", type=Result) for one in await committed(settings, CONVERSION)]


async def publish(settings: Settings, *results: Result) -> None:
    """Write into the topic of results, as nobody should but a worker."""
    name = physical(settings.topic_prefix, CONVERSION)
    async with producing(settings.kafka) as producer:
        for result in results:
            key = result.token.encode()
            await producer.send_and_wait(name, encode_result(result), key, partition_of(key, PARTITIONS))


async def count_unpublished(settings: Settings) -> None:
    """Count an entry, and lose its result on the way to Kafka."""
    fact = {"token": "unpublished", "event_id": "e", "at_ms": 10**12, "platform": "tmall", "merchant_id": "m"}
    await absorb(settings, [Outgoing(SHOP_ENTRY, None, b"unpublished", orjson.dumps(fact), None)])


async def test_what_was_drained_is_clean_and_what_others_publish_then_is_found(settings: Settings) -> None:
    truth = await counted(settings)
    status, report = await asyncio.to_thread(audited, settings)
    assert (status, report["problems"], report["unchecked"]) == (0, [], [])
    assert compare_ledger(truth, report) == []
    assert report["compared"]["results"] == len(truth.results)

    known = next(result for result in await published(settings) if result.outcome == "credited")
    moved = msgspec.structs.replace(known, revision=1_000, note_id="another")
    stray = msgspec.structs.replace(known, token="stray", result_id="entry:stray")
    await publish(settings, moved, stray)
    await count_unpublished(settings)
    found = await asyncio.to_thread(audited, settings)
    places = {problem["kind"]: (problem["token"], problem["result"]) for problem in found[1]["problems"]}
    assert places == {
        "result_differs": (known.token, known.result_id),
        "result_stray": ("stray", "entry:stray"),
        "result_missing": ("unpublished", "entry:e"),
    }
    assert f"note_id another != {known.note_id}" in {problem.get("fields") for problem in found[1]["problems"]}
    assert kinds(found) == places.keys()
