"""The publisher: each lane's results, messages and markers into Kafka, in transactions."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from streams.errors import Unavailable
from streams.publisher_marker import decode_marker, read_last
from streams.publisher_records import Outlet
from streams.publisher_transaction import Transactions
from streams.records import Entry, Marker
from streams.topics import CONVERSION, DEAD_LETTER, METRIC_TOPICS, TOKEN_TOPICS, markers

REQUEST_TIMEOUT_MS = 10_000
# A worker that dies leaves its transaction open, and readers wait for it until its lane is taken over or it times out.
TRANSACTION_TIMEOUT_MS = 10_000
TOPICS = (CONVERSION, DEAD_LETTER, *TOKEN_TOPICS, *METRIC_TOPICS)  # results, dead letters, forwards
LINKS = 4  # connections per node: a broker serves one connection's requests one by one


class KafkaPublisher:
    """Writes for all lanes of a worker over one client.

    `kafka` are aiokafka's connection settings, `names` gives a topic's name in Kafka, `source` is the CloudEvents
    source.  The transactional ids are named like topics, so that they differ where topics or groups do.
    """

    def __init__(
        self,
        kafka: Mapping[str, Any],
        group: str,
        *,
        names: Callable[[str], str],
        partitions: int,
        source: str,
        transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS,
    ) -> None:
        self._kafka = kafka
        self._group = group
        self._names = names
        self._marker_topics = list(map(names, markers(group)))
        self._partitions = partitions
        self._source = source
        self._transaction_timeout_ms = transaction_timeout_ms
        self._parts = AsyncExitStack()  # what is to be closed

    async def start(self) -> None:
        """Connect; raises Unavailable when Kafka does not answer, then it may be called again."""
        async with AsyncExitStack() as parts:
            self._client = AIOKafkaClient(**self._kafka, request_timeout_ms=REQUEST_TIMEOUT_MS)
            parts.push_async_callback(self._client.close)
            try:
                await self._client.bootstrap()
                await self._client.set_topics([*map(self._names, TOPICS), *self._marker_topics])
            except KafkaError as error:
                raise Unavailable(f"Kafka at {self._kafka['bootstrap_servers']} does not answer: {error}") from error
            self._parts = parts.pop_all()

    async def stop(self) -> None:
        """Disconnect."""
        await self._parts.aclose()

    async def open(self, lane: int) -> "LaneProducer":
        """See Publisher; raises Unavailable when Kafka does not answer."""
        transactions = Transactions(
            self._client,
            self._names(f"{self._group}.lane.{lane}"),
            timeout_ms=self._transaction_timeout_ms,
            link=f"lane-{lane % LINKS}",
        )
        await transactions.open()
        outlet = Outlet(lane, names=self._names, markers=self._markers(lane), source=self._source)
        return LaneProducer(transactions, outlet)

    async def read_marker(self, lane: int) -> Marker | None:
        """See Publisher; raises Unavailable when Kafka does not answer or a transaction stays open."""
        value = await read_last(self._client, self._markers(lane))
        return None if value is None else decode_marker(value)

    def _markers(self, lane: int) -> TopicPartition:
        kind, partition = divmod(lane, self._partitions)
        return TopicPartition(self._marker_topics[kind], partition)


class LaneProducer:
    """One lane's transactional producer."""

    def __init__(self, transactions: Transactions, outlet: Outlet) -> None:
        self._transactions = transactions
        self._outlet = outlet
        self._spent = False

    async def publish(self, entries: Sequence[Entry]) -> None:
        """See Producer."""
        if self._spent:
            raise Unavailable("this producer has failed before: open a new one")
        self._spent = True  # unless all goes well, cancellation included
        await self._transactions.commit(self._outlet.outgoing(entries).batches)
        self._spent = False

    async def close(self) -> None:
        """Abort what is under way; the connections are the publisher's."""
        self._spent = True
        await self._transactions.close()
