"""Topics are made as the table says, refused where they do not fit, and never altered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.local_stack.kafka_server import KafkaServer
from app.local_stack.server_process import free_port
from app.settings import Settings
from app.topic_admin import create_topics, require_topics
from streams.errors import Misconfigured, Unavailable
from streams.topics import (
    ALERT,
    CONVERSION,
    DEAD_LETTER,
    METRIC_TOPICS,
    ORDER,
    POLICY,
    TOKEN_TOPICS,
    alert_marker,
    markers,
    physical,
    replayed_letters,
)
from tests.conftest import Namespace


@pytest.fixture
def settings(kafka_server: KafkaServer, namespace: Namespace) -> Settings:
    """Settings for the test session's Kafka and names of this test."""
    return Settings(kafka=kafka_server.address, topic_prefix=namespace.prefix, group=namespace.group, partitions=2)


async def test_missing_topics_are_made_once(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match=f"no topic {settings.topic_prefix}click-out, .*redcat topics create"):
        await require_topics(settings)

    names = [*TOKEN_TOPICS, *METRIC_TOPICS, POLICY, CONVERSION, DEAD_LETTER, *markers(settings.group)]
    names += [replayed_letters(settings.group), ALERT, alert_marker(settings.group)]

    assert await create_topics(settings) == [physical(settings.topic_prefix, name) for name in names]
    assert await create_topics(settings) == []
    await require_topics(settings)


async def test_topics_that_a_newer_version_needs_are_made_beside_those_that_are_there(settings: Settings) -> None:
    made_before = [physical(settings.topic_prefix, name) for name in ("click-out", "shop-entry", "order", "conversion")]
    async with admin(settings) as client:
        await client.create_topics([NewTopic(name, settings.partitions, 1) for name in made_before])
        while any(topic["error_code"] for topic in await client.describe_topics(made_before)):
            pass

    with pytest.raises(Misconfigured, match=rf"no topic {settings.topic_prefix}shop-action, .*redcat topics create"):
        await require_topics(settings)
    assert not {*made_before} & {*await create_topics(settings)}
    await require_topics(settings)


async def test_topics_made_by_several_at_once_are_made_once(settings: Settings) -> None:
    await asyncio.gather(*(create_topics(settings) for _ in range(3)))

    await require_topics(settings)


async def test_wrong_partition_counts_are_refused_before_anything_is_made(settings: Settings) -> None:
    order = physical(settings.topic_prefix, ORDER)
    async with admin(settings) as client:
        await client.create_topics([NewTopic(order, 3, 1)])
        while (await client.describe_topics([order]))[0]["error_code"]:
            pass

        for use in (create_topics, require_topics):
            with pytest.raises(Misconfigured, match=f"{order} has 3 partitions, not 2"):
                await use(settings)
        assert [name for name in await client.list_topics() if name.startswith(settings.topic_prefix)] == [order]


async def test_records_of_any_age_stay_and_markers_are_compacted(settings: Settings) -> None:
    await create_topics(settings)

    order = await configuration(settings, ORDER)
    dead_letter = await configuration(settings, DEAD_LETTER)
    lanes = [await configuration(settings, name) for name in markers(settings.group)]

    assert (order["cleanup.policy"], order["retention.ms"]) == ("delete", "-1")
    assert int(order["message.timestamp.after.max.ms"]) > 10**15
    assert int(dead_letter["max.message.bytes"]) > int(order["max.message.bytes"])
    assert [topic["cleanup.policy"] for topic in lanes] == ["compact", "compact"]


@pytest.mark.parametrize("use", [create_topics, require_topics])
async def test_a_kafka_that_is_not_there_is_named_when_patience_ends(use: Callable[..., Awaitable[object]]) -> None:
    settings = Settings(kafka=f"127.0.0.1:{free_port()}")

    with pytest.raises(Unavailable, match=rf"Kafka at {settings.kafka} did not answer for 0\.6 s: cannot connect"):
        await use(settings, patience_s=0.6)


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrator's client."""
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await client.start()
    yield client
    await client.close()


async def configuration(settings: Settings, name: str) -> dict[str, str]:
    """A topic's configuration in force."""
    resource = ConfigResource(ConfigResourceType.TOPIC, physical(settings.topic_prefix, name))
    async with admin(settings) as client:
        (response,) = await client.describe_configs([resource])
    return {entry[0]: entry[1] for entry in response.resources[0][4]}
