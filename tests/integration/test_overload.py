"""Too much of one thing on real servers: counted exactly, set aside in little space.  `bench.overload` is longer."""

from collections.abc import AsyncIterator
from itertools import chain

import pytest_asyncio

from app.kafka_sender import kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.reading import reading
from app.settings import Settings
from app.topic_admin import create_topics
from bench.overload import HEAVY, one_note, one_token
from streams.core.journey import MAX_CONTENTS
from tests.conftest import Namespace
from tests.integration.workers import landed, run

ENTRIES, CLICKS = 3_000, 20_000


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Settings]:
    """A namespace of this test with its topics."""
    made = Settings(
        kafka=kafka_server.address, redis=valkey_url, topic_prefix=namespace.prefix, group=namespace.group, partitions=2
    )
    await create_topics(made)
    yield made


async def test_a_token_with_too_many_records_and_a_note_with_many_clicks_are_exact(settings: Settings) -> None:
    async with kafka_sender(settings) as sender:
        await sender.send(chain(one_token(1 + ENTRIES), one_note(CLICKS)))
    assert (await run(settings, "worker", "--drain", "--timeout", "60")).status == 0
    sums = await landed(settings)
    assert sums.notes()[HEAVY]["clicks"] == CLICKS + 1
    assert sums.notes()[HEAVY]["entries"] == MAX_CONTENTS - 1
    assert sums.ledger["shop-entry:invalid/token_overflow"] == ENTRIES - (MAX_CONTENTS - 1)
    assert len(sums.messages) == ENTRIES - (MAX_CONTENTS - 1)
    async with reading(settings) as reader:
        spans = [span for state in await reader.lanes() for spans in state.parked.values() for span in spans]
    assert len(spans) == 1
