"""Topics in Kafka: make those that are missing, refuse those that do not fit, alter none."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from app.connections import PATIENCE_S, kafka_options, until_answered
from app.settings import Settings
from streams.errors import Misconfigured, Unavailable
from streams.feed_requests import LATEST, connected, list_offsets
from streams.topics import Topic, all_topics, physical

POLL_S = 0.05


async def create_topics(settings: Settings, *, also: Sequence[Topic] = (), patience_s: float = PATIENCE_S) -> list[str]:
    """Make the topics that are missing, and `also` these, and return their names when all are usable.

    Raises Misconfigured, before anything is made, if a topic exists with another number of partitions.
    """
    server = f"Kafka at {settings.kafka}"
    return await until_answered(lambda: _create_topics(settings, also), server=server, patience_s=patience_s)


async def require_topics(settings: Settings, *, patience_s: float = PATIENCE_S) -> None:
    """Raise Misconfigured if a topic is missing or has another number of partitions than the settings say."""
    server = f"Kafka at {settings.kafka}"
    missing = await until_answered(lambda: _missing(settings), server=server, patience_s=patience_s)
    if missing:
        raise Misconfigured(f"no topic {', '.join(missing)} in Kafka: run `redcat topics create`")


async def require_names(settings: Settings, names: Iterable[str], *, patience_s: float = PATIENCE_S) -> None:
    """Raise Misconfigured if a topic with one of these physical names is missing, however many partitions it has."""
    wanted, server = list(names), f"Kafka at {settings.kafka}"
    there = await until_answered(lambda: _there(settings, wanted), server=server, patience_s=patience_s)
    if missing := [name for name in wanted if name not in there]:
        raise Misconfigured(f"no topic {', '.join(missing)} in Kafka: correct REDCAT_TOPIC_PREFIX")


async def _there(settings: Settings, names: list[str]) -> dict[str, int]:
    async with _admin(settings) as admin:
        return await _partitions(admin, names)


async def _create_topics(settings: Settings, also: Sequence[Topic]) -> list[str]:
    topics = [*all_topics(settings.group), *also]
    async with _admin(settings) as admin:
        missing = await _missing_topics(admin, settings, topics)
        if missing:
            await _make(admin, [_new(topic, settings) for topic in missing])
            await _until_made(admin, settings, topics)
            await _until_led(settings, missing)
    return [physical(settings.topic_prefix, topic.name) for topic in missing]


async def _missing(settings: Settings) -> list[str]:
    async with _admin(settings) as admin:
        missing = await _missing_topics(admin, settings, all_topics(settings.group))
    return [physical(settings.topic_prefix, topic.name) for topic in missing]


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    try:
        await admin.start()
        yield admin
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError) as error:
        raise Misconfigured(f"Kafka does not let us make or see topics: {error}") from error
    except KafkaConnectionError as error:
        raise Unavailable(f"cannot connect with security {settings.kafka_security}") from error
    except (KafkaError, OSError) as error:
        raise Unavailable(str(error) or type(error).__name__) from error
    finally:
        await admin.close()


async def _missing_topics(admin: AIOKafkaAdminClient, settings: Settings, topics: Sequence[Topic]) -> list[Topic]:
    expected = {physical(settings.topic_prefix, topic.name): topic for topic in topics}
    partitions = await _partitions(admin, list(expected))
    wrong = [
        f"{name} has {count} partitions, not {settings.partitions}"
        for name, count in partitions.items()
        if count != settings.partitions
    ]
    if wrong:
        raise Misconfigured(f"{'; '.join(wrong)}: set REDCAT_PARTITIONS to what is there, or use other topics")
    return [topic for name, topic in expected.items() if name not in partitions]


async def _partitions(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """Partitions by topic; topics that do not exist are absent.  Raises Unavailable if a partition has no leader."""
    found: dict[str, int] = {}
    for topic in await admin.describe_topics(names):
        name, error = topic["topic"], for_code(topic["error_code"])
        if issubclass(error, UnknownTopicOrPartitionError):
            continue
        if topic["error_code"]:
            raise error(name)
        if any(partition["leader"] < 0 for partition in topic["partitions"]):
            raise Unavailable(f"a partition of {name} has no leader")
        found[name] = len(topic["partitions"])
    return found


def _new(topic: Topic, settings: Settings) -> NewTopic:
    return NewTopic(
        physical(settings.topic_prefix, topic.name),
        settings.partitions,
        replication_factor=-1,  # the broker's default
        replica_assignments={},
        topic_configs=dict(topic.configuration),
    )


async def _make(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> None:
    response = await admin.create_topics(topics)
    for name, code, message in response.topic_errors:
        error = for_code(code)
        # Somebody else was faster; whether theirs fits is seen right after.
        if not code or issubclass(error, TopicAlreadyExistsError):
            continue
        if error.retriable:
            raise error(name)
        raise Misconfigured(f"Kafka refuses to make the topic {name}: {message or error.__name__}")


async def _until_made(admin: AIOKafkaAdminClient, settings: Settings, topics: Sequence[Topic]) -> None:
    while await _missing_topics(admin, settings, topics):
        await asyncio.sleep(POLL_S)


async def _until_led(settings: Settings, topics: list[Topic]) -> None:
    """Wait until every partition answers: a broker is named as leader a little before it knows that it is."""
    names = [physical(settings.topic_prefix, topic.name) for topic in topics]
    partitions = [TopicPartition(name, number) for name in names for number in range(settings.partitions)]
    # Not with a consumer, which learns of one topic after the other, 0.1 s each.
    async with connected(kafka_options(settings), names) as client:
        while not await _led(client, partitions):
            await asyncio.sleep(POLL_S)


async def _led(client: AIOKafkaClient, partitions: list[TopicPartition]) -> bool:
    try:
        await list_offsets(client, partitions, LATEST)
    except KafkaError as error:
        if not error.retriable:
            raise
        return False
    return True
