"""Transitions of alerts into Kafka, in transactions that end with a marker, as results of lanes are published.

The marker carries all that the evaluator remembers: whoever finds that the store has lost something takes it from
there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streams.alert_records import VERSION, AlertMarker, Transition
from streams.errors import LaneStopped, Unavailable
from streams.murmur2 import partition_of
from streams.publisher_marker import read_last
from streams.publisher_records import Outgoing
from streams.publisher_transaction import Transactions
from streams.topics import ALERT, alert_marker

REQUEST_TIMEOUT_MS: Final = 10_000
TRANSACTION_TIMEOUT_MS: Final = 10_000


class AlertPublisher:
    """Writes for one evaluator at a time: opening a producer shuts all older ones out."""

    def __init__(self, kafka: Mapping[str, Any], group: str, *, names: Callable[[str], str], partitions: int) -> None:
        self._kafka = kafka
        self._id = names(f"{group}.alerts")
        self._topic = names(ALERT)
        self._marker = TopicPartition(names(alert_marker(group)), 0)
        self._partitions = partitions

    async def start(self) -> None:
        """Connect; raises Unavailable when Kafka does not answer, then it may be called again."""
        self._client = AIOKafkaClient(**self._kafka, request_timeout_ms=REQUEST_TIMEOUT_MS)
        try:
            await self._client.bootstrap()
            await self._client.set_topics([self._topic, self._marker.topic])
        except KafkaError as error:
            await self._client.close()
            raise Unavailable(f"Kafka at {self._kafka['bootstrap_servers']} does not answer: {error}") from error

    async def stop(self) -> None:
        """Disconnect."""
        await self._client.close()

    async def open(self) -> "AlertProducer":
        """Become the newest producer; raises Unavailable."""
        transactions = Transactions(self._client, self._id, timeout_ms=TRANSACTION_TIMEOUT_MS, link="alerts")
        await transactions.open()
        return AlertProducer(transactions, self._topic, self._marker, self._partitions)

    async def read_marker(self) -> AlertMarker | None:
        """The last committed marker; raises Unavailable, and LaneStopped if a newer Redcat wrote it."""
        value = await read_last(self._client, self._marker)
        if value is None:
            return None
        try:
            marker = msgspec.json.decode(value, type=AlertMarker)
        except msgspec.DecodeError as error:
            raise LaneStopped(f"the marker of the alerts cannot be read: {error}") from error
        if marker.version > VERSION:
            raise LaneStopped("a newer Redcat wrote the marker of the alerts: upgrade this one")
        return marker


class AlertProducer:
    """The transactional producer of the acting evaluator; after any error another one must be opened."""

    def __init__(self, transactions: Transactions, topic: str, marker: TopicPartition, partitions: int) -> None:
        self._transactions = transactions
        self._topic = topic
        self._marker = marker
        self._partitions = partitions

    async def publish(self, transitions: Sequence[Transition], marker: AlertMarker) -> None:
        """All transitions and the marker become readable together; raises Refused when a newer producer is there."""
        outgoing = Outgoing()
        for at_ms, key, value in transitions:
            place = TopicPartition(self._topic, partition_of(key, self._partitions))
            outgoing.append(place, at_ms, key, value, [])
        last_ms = transitions[-1].at_ms if transitions else 0
        outgoing.append(self._marker, last_ms, b"alerts", msgspec.json.encode(marker), [])
        await self._transactions.commit(outgoing.batches)

    async def close(self) -> None:
        """Abort what is under way."""
        await self._transactions.close()
