"""Kafka transactions of one transactional id, without retries: whoever meets an error opens a new producer.

aiokafka's producer does the same with a task, a client and connections of its own for each id and takes two to four
times the processor time for a small transaction; it would also send a batch again, which is not wanted here.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    InvalidProducerEpoch,
    KafkaError,
    NotCoordinatorError,
    NotLeaderForPartitionError,
    for_code,
)
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest

from streams.errors import Refused, Unavailable
from streams.feed_records import name_of
from streams.feed_requests import leader
from streams.publisher_records import RecordBatch

PRODUCER_FENCED = 90  # aiokafka does not know the code
NOT_YET = (ConcurrentTransactions, CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
ALL_REPLICAS = -1
PATIENCE_S = 5.0
PAUSE_S = 0.005
ABORT_S = 1.0
LEADER_TRIES, LEADER_PAUSE_S = 10, 0.05


class Transactions:
    """The newest producer of a transactional id, until another one is opened: then every call raises Refused."""

    def __init__(self, client: AIOKafkaClient, transactional_id: str, *, timeout_ms: int, link: str) -> None:
        self._client = client
        self._id = transactional_id
        self._timeout_ms = timeout_ms
        self._link = link
        self._coordinator = -1
        self._producer = (-1, -1)  # producer id and epoch
        self._sequences: defaultdict[TopicPartition, int] = defaultdict(int)
        self._under_way = False

    async def open(self) -> None:
        """Become the newest producer: older ones are fenced, and their transaction is aborted before this returns."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await self._init():
                    await asyncio.sleep(PAUSE_S)
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"transactional id {self._id}: {error!r}") from error

    async def commit(self, batches: Mapping[TopicPartition, Sequence[RecordBatch]]) -> None:
        """Send everything in one transaction and commit it; after any error this object is of no use any more."""
        try:
            for partition in batches:
                await self._leader(partition)
            self._under_way = True
            await self._add(batches)
            for turn in zip_longest(*batches.values()):
                await self._send({key: batch for key, batch in zip(batches, turn, strict=True) if batch is not None})
            await self._end(commit=True)
            self._under_way = False
        except (KafkaError, TimeoutError) as error:
            self._client.force_metadata_update()  # a partition may have moved
            raise Unavailable(f"transactional id {self._id}: {error!r}") from error

    async def close(self) -> None:
        """Abort what is under way, so that readers need not wait for the transaction to time out."""
        if self._under_way:
            self._under_way = False
            with contextlib.suppress(KafkaError, TimeoutError, Refused):
                async with asyncio.timeout(ABORT_S):
                    await self._end(commit=False)

    async def _init(self) -> bool:
        try:
            self._coordinator = await self._client.coordinator_lookup(CoordinationType.TRANSACTION, self._id)
            request = InitProducerIdRequest(self._id, self._timeout_ms)
            reply = await self._client.send(self._coordinator, request, group=self._link)
            self._check(reply.error_code)
        except NOT_YET:
            return False
        self._producer = (reply.producer_id, reply.producer_epoch)
        return True

    async def _leader(self, partition: TopicPartition) -> int:
        """The node that leads a partition; while none does, it is asked for a few times more."""
        await self._client.add_topic(partition.topic)
        for _ in range(LEADER_TRIES):
            node = leader(self._client, partition)
            if node is not None:
                return node
            await self._client.force_metadata_update()
            await asyncio.sleep(LEADER_PAUSE_S)
        raise KafkaError(f"{name_of(partition)} has no leader")

    async def _add(self, partitions: Mapping[TopicPartition, object]) -> None:
        """Tell the coordinator which partitions the transaction writes to; the one before may still be ending."""
        topics: defaultdict[str, list[int]] = defaultdict(list)
        for partition in partitions:
            topics[partition.topic].append(partition.partition)
        request = AddPartitionsToTxnRequest(self._id, *self._producer, list(topics.items()))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                reply = await self._client.send(self._coordinator, request, group=self._link)
                try:
                    for _, errors in reply.errors:
                        for _, code in errors:
                            self._check(code)
                except ConcurrentTransactions:
                    await asyncio.sleep(PAUSE_S)
                else:
                    return

    async def _send(self, batches: Mapping[TopicPartition, RecordBatch]) -> None:
        """Append one batch to each partition; a partition that has just moved is looked for."""
        left: dict[TopicPartition, bytes] = {}
        for partition, batch in batches.items():
            left[partition] = batch.build(*self._producer, self._sequences[partition])
            self._sequences[partition] += batch.count
        async with asyncio.timeout(PATIENCE_S):
            while left := await self._try_to_send(left):
                await self._client.force_metadata_update()
                await asyncio.sleep(PAUSE_S)

    async def _try_to_send(self, batches: Mapping[TopicPartition, bytes]) -> dict[TopicPartition, bytes]:
        """What was sent to a node that does not lead its partition."""
        nodes: defaultdict[int, defaultdict[str, list[tuple[int, bytes]]]] = defaultdict(lambda: defaultdict(list))
        for partition, data in batches.items():
            nodes[await self._leader(partition)][partition.topic].append((partition.partition, data))
        sending = [self._produce(node, list(topics.items())) for node, topics in nodes.items()]
        misdirected = {partition for some in await asyncio.gather(*sending) for partition in some}
        return {partition: data for partition, data in batches.items() if partition in misdirected}

    async def _produce(self, node: int, topics: list[tuple[str, list[tuple[int, bytes]]]]) -> list[TopicPartition]:
        request = ProduceRequest(self._id, ALL_REPLICAS, self._timeout_ms, topics)
        reply = await self._client.send(node, request, group=self._link)
        misdirected = []
        for topic, partitions in reply.topics:
            for number, code, *_ in partitions:
                try:
                    self._check(code, f"partition {number} of topic {topic}")
                except NotLeaderForPartitionError:
                    misdirected.append(TopicPartition(topic, number))
        return misdirected

    async def _end(self, *, commit: bool) -> None:
        request = EndTxnRequest(self._id, *self._producer, commit)
        reply = await self._client.send(self._coordinator, request, group=self._link)
        self._check(reply.error_code)

    def _check(self, code: int, where: str = "") -> None:
        """Raise what an error code means."""
        if not code:
            return
        error = for_code(code)
        if code == PRODUCER_FENCED or error is InvalidProducerEpoch:
            raise Refused(f"transactional id {self._id}: a newer producer fenced this one")
        raise error(where or self._id)
