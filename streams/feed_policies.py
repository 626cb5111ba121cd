"""The policy topic: every policy that was ever put into force, and those that come."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.core.facts import MAX_RECORD_BYTES
from streams.core.policy import Policy, parse_policy
from streams.errors import Misconfigured, Unavailable

POLL_MS: Final = 500


class PolicyRecord(NamedTuple):
    """One record of the topic: a policy, or what is wrong with it."""

    partition: int
    offset: int
    policy: Policy | None
    problem: str | None


class PolicyFeed:
    """Reads the topic from its beginning, and on from where it stopped."""

    def __init__(self, options: Mapping[str, Any], topic: str) -> None:
        self._options = options
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None
        self._ends: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect; Misconfigured when there is no such topic, Unavailable when Kafka does not answer."""
        await self.stop()
        consumer = AIOKafkaConsumer(
            **self._options, enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed"
        )
        try:
            await consumer.start()
            partitions = await self._partitions(consumer)
            # Asked before anything is fetched: the broker would answer only when a fetch of nothing has ended.
            self._ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
        except BaseException as error:
            await consumer.stop()
            raise _translated(error) from error
        self._consumer = consumer

    async def stop(self) -> None:
        """Disconnect."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def read_to_end(self) -> list[PolicyRecord]:
        """What was there when it started."""
        consumer = self._connected()
        records: list[PolicyRecord] = []
        try:
            while [place for place, end in self._ends.items() if await consumer.position(place) < end]:
                records += await self._poll(consumer)
            return records
        except KafkaError as error:
            raise _translated(error) from error

    async def more(self) -> list[PolicyRecord]:
        """What came since; returns after POLL_MS with nothing when nothing did."""
        try:
            return await self._poll(self._connected())
        except KafkaError as error:
            raise _translated(error) from error

    def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise Unavailable("the policy topic is not being read")
        return self._consumer

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        for _ in range(2):
            if numbers := consumer.partitions_for_topic(self._topic):
                return [TopicPartition(self._topic, number) for number in sorted(numbers)]
            # The client learns of a topic that was made since only when it is told to ask.
            if not await consumer._client.force_metadata_update():  # noqa: SLF001
                raise Unavailable("Kafka does not tell of its topics")
        raise Misconfigured(f"no topic {self._topic} in Kafka: run `redcat topics create`")

    async def _poll(self, consumer: AIOKafkaConsumer) -> list[PolicyRecord]:
        found = await consumer.getmany(timeout_ms=POLL_MS)
        return [read_record(record) for records in found.values() for record in records if record.value is not None]


def read_record(record: Any) -> PolicyRecord:
    """What a record of the topic says."""
    place = record.partition, record.offset
    if len(record.value) > MAX_RECORD_BYTES:
        return PolicyRecord(*place, None, f"{len(record.value)} bytes, at most {MAX_RECORD_BYTES} are read")
    try:
        policy = parse_policy(msgspec.json.decode(record.value))
    except (ValueError, msgspec.DecodeError) as error:
        return PolicyRecord(*place, None, str(error))
    if record.key != str(policy.version).encode():
        return PolicyRecord(*place, None, f"its key is {record.key!r}, not the version {policy.version}")
    return PolicyRecord(*place, policy, None)


def _translated(error: BaseException) -> BaseException:
    if isinstance(error, (KafkaError, asyncio.TimeoutError, OSError)):
        return Unavailable(f"Kafka: {error or type(error).__name__}")
    return error
