"""Copying: batches of records into the target, each with the note of how far the copy is in one transaction.

Whoever begins ends the open transaction of whoever copied into the target before and shuts that one out, and only then
reads how far it came.  So nothing is copied twice or left out, wherever a run was killed.
"""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager, suppress
from typing import Final, NamedTuple, TypeAlias, cast

import msgspec
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from app.connections import PATIENCE_S, RETRY_S, kafka_options, until_answered
from app.topic_copy.journal import KEY, Journal, Places, journal_of, positions_of, read_journal
from app.topic_copy.offsets import Extent, extents, places_of, require_beginning, require_empty, require_kept
from app.topic_copy.route import Route
from app.topic_copy.source import LINK, Source, Taken
from streams.errors import Misconfigured, Refused, Unavailable
from streams.murmur2 import partitions_of
from streams.publisher_records import ZSTD, Headers, Outgoing
from streams.publisher_transaction import Transactions
from streams.topics import POLICY, physical

LONGEST_REQUEST_S: Final = 10.0
SHORTEST_REQUEST_S: Final = 1.0
# A run that is killed leaves its transaction open; readers of the target wait for the next run, or for this long.
TRANSACTION_TIMEOUT_MS: Final = 10_000
MOST_BYTES: Final = 8 * 1024 * 1024  # of a transaction
WAIT_MS: Final = 500  # for something to copy
LINGER_S: Final = 0.2  # between small transactions
STILL_THERE_S: Final = 10.0  # without anything to copy, until it is asked whether another run has begun

Progress: TypeAlias = Callable[[int | None], AbstractContextManager[Callable[[int], None]]]
"""Makes a progress bar of how many offsets are read; None: nobody knows how many there will be."""

log = logging.getLogger(__name__)


class Wishes(NamedTuple):
    """What a run is to do."""

    follow: bool = False  # go on with what comes, until stopped
    from_earliest: bool = False  # copy what Kafka still holds where it does not hold all
    force: bool = False  # copy also into topics that hold records of others
    patience_s: float = PATIENCE_S  # without an answer from Kafka
    most_records: int = 20_000  # of a transaction


class Copier:
    """One run; made anew for each."""

    def __init__(self, route: Route, wishes: Wishes, progress: Progress) -> None:
        self.before: Counter[str] = Counter()  # records that earlier runs have copied, by logical topic
        self.total: Counter[str] = Counter()  # with those of this run
        self._route = route
        self._wishes = wishes
        self._progress = progress
        self._shown = ExitStack()
        self._show: Callable[[int], None] | None = None
        self._run = secrets.token_hex(8)
        self._claimed = False
        self._places: Places = {}
        self._ends: dict[TopicPartition, int] | None = None
        self._first = 0  # the sum of the positions at which this run began
        self._answered_at = 0.0

    @property
    def copied(self) -> Counter[str]:
        """The records that this run has copied, by logical topic."""
        return self.total - self.before

    async def copy(self, stop: asyncio.Event) -> None:
        """Copy everything, or until `stop`; tries again while Kafka does not answer for a short time.

        Raises Misconfigured when it cannot be done, Refused when another run has begun, Unavailable when Kafka does not
        answer: another run goes on in any case.
        """
        with self._shown:
            await self._copy(stop)

    async def _copy(self, stop: asyncio.Event) -> None:
        self._answered_at = time.monotonic()
        while True:
            try:
                return await self._attempt(stop)
            except Refused as error:
                raise self._replaced() from error
            except Unavailable as error:
                if isinstance(error.__cause__, MessageSizeTooLargeError):
                    raise Misconfigured(
                        f"a record is larger than the target takes ({error.__cause__}): raise max.message.bytes there"
                    ) from error
                if stop.is_set() or time.monotonic() - self._answered_at > self._wishes.patience_s:
                    raise Unavailable(f"{error}; the next run goes on from where this one came to") from error
                log.warning("no answer, trying again", extra={"error": str(error)})
                await asyncio.sleep(RETRY_S)

    async def _attempt(self, stop: asyncio.Event) -> None:
        async with AsyncExitStack() as opened:
            client = await opened.enter_async_context(_connected(self._route, self._wishes.patience_s))
            if self._claimed:
                await self._require_own(client)
            transactions = Transactions(
                client, self._route.transactional_id, timeout_ms=TRANSACTION_TIMEOUT_MS, link=LINK
            )
            await transactions.open()
            opened.push_async_callback(transactions.close)
            source = await self._begin(client, transactions)
            await self._go_on(source, transactions, stop)
            # Kafka says that a transaction is committed a little before it can be read, but begins the next only then.
            with suppress(Refused, Unavailable):
                await transactions.commit({self._route.journal_place: []})

    async def _require_own(self, client: AIOKafkaClient) -> None:
        """Raise Refused if another run has begun since, before that would be shut out by this one."""
        journal = await read_journal(client, self._route, self._places)
        if journal is not None and journal.run != self._run:
            raise self._replaced()

    async def _begin(self, client: AIOKafkaClient, transactions: Transactions) -> Source:
        """Find out where to go on, and say in the journal who does."""
        self._places = places_of(client, self._route)
        journal = await read_journal(client, self._route, self._places)
        found = await extents(client, self._places)
        positions = await self._start(client, journal, found)
        self.total = Counter() if journal is None else Counter(journal.records)
        if self._ends is None:
            self.before = self.total
            self._ends = {place: max(positions[place], extent.stable) for place, extent in found.items()}
            self._first = sum(positions.values())
            total = None if self._wishes.follow else sum(self._ends.values()) - self._first
            self._show = self._shown.enter_context(self._progress(total))
            if not self._wishes.follow:
                _warn_of_open_transactions(found)
        source = Source(client, positions, None if self._wishes.follow else self._ends)
        await self._commit(transactions, Outgoing(), source)
        self._claimed = True
        return source

    async def _start(
        self, client: AIOKafkaClient, journal: Journal | None, found: Mapping[TopicPartition, Extent]
    ) -> dict[TopicPartition, int]:
        target = await extents(client, self._route.target_places())
        if journal is not None:
            require_kept(journal.records, target, self._route.target_places())
        elif not self._wishes.force:
            require_empty(target)
        positions = positions_of(journal, self._places)
        return require_beginning(positions, found, from_earliest=self._wishes.from_earliest)

    async def _go_on(self, source: Source, transactions: Transactions, stop: asyncio.Event) -> None:
        caught_up, told_at = False, time.monotonic()
        while not stop.is_set() and not source.finished:
            taken = await self._take(source)
            if taken.records:
                outgoing, counts = self._outgoing(taken)
                await self._commit(transactions, outgoing, source, counts)
                told_at = self._answered_at = time.monotonic()
                if self._wishes.follow and not taken.full:
                    await asyncio.sleep(LINGER_S)
            elif self._wishes.follow:
                self._answered_at = time.monotonic()
                if not caught_up:
                    caught_up = True
                    log.info("the target holds everything; copying what comes")
                if self._answered_at - told_at > STILL_THERE_S:
                    await transactions.commit({self._route.journal_place: []})
                    told_at = self._answered_at
            elif time.monotonic() - self._answered_at > self._wishes.patience_s:
                raise Unavailable("Kafka does not hand out what it says that it holds")

    async def _take(self, source: Source) -> Taken:
        """As much as is at hand, at most what fits one transaction."""
        taken = Taken(self._wishes.most_records, MOST_BYTES)
        while not taken.full and not source.finished:
            await source.fill(0 if taken.records else WAIT_MS)
            if not source.take(taken):
                break
        return taken

    def _outgoing(self, taken: Taken) -> tuple[Outgoing, Counter[str]]:
        """The records in the partitions of their keys; those without a key, and policies, by their old partition."""
        count = self._route.target.partitions
        keys = [record.key or b"" for _, record in taken.records]
        outgoing, counts = Outgoing(ZSTD), Counter[str]()
        for (place, record), by_key in zip(taken.records, partitions_of(keys, count), strict=True):
            name = self._places[place]
            counts[name] += 1
            # All policies are published to one partition, in an order.
            partition = place.partition % count if record.key is None or name == POLICY else by_key
            to = TopicPartition(physical(self._route.target.topic_prefix, name), partition)
            outgoing.append(to, record.timestamp, record.key, record.value, cast("Headers", list(record.headers)))
        return outgoing, counts

    async def _commit(
        self, transactions: Transactions, outgoing: Outgoing, source: Source, counts: Counter[str] | None = None
    ) -> None:
        total = self.total + (counts or Counter())
        journal = journal_of(self._run, self._route, self._places, source.positions, total)
        now_ms = time.time_ns() // 1_000_000
        outgoing.append(self._route.journal_place, now_ms, KEY, msgspec.json.encode(journal), [])
        await transactions.commit(outgoing.batches)
        self.total = total
        if self._show is not None:
            self._show(sum(source.positions.values()) - self._first)

    def _replaced(self) -> Refused:
        return Refused(
            "another `redcat topics copy` into the same topics goes on instead of this one, which copied "
            f"{self.copied.total():,} records"
        )


def _warn_of_open_transactions(found: Mapping[TopicPartition, Extent]) -> None:
    """Tell what is left out because it is not decided yet."""
    for place, extent in found.items():
        if extent.stable < extent.end:
            log.warning(
                "a transaction is open: the next run copies what it commits",
                extra={"topic": place.topic, "partition": place.partition, "offset": extent.stable},
            )


@asynccontextmanager
async def _connected(route: Route, patience_s: float) -> AsyncIterator[AIOKafkaClient]:
    client = await until_answered(
        lambda: _connect(route, patience_s), server=f"Kafka at {route.source.kafka}", patience_s=patience_s
    )
    try:
        yield client
    finally:
        await client.close()


async def _connect(route: Route, patience_s: float) -> AIOKafkaClient:
    request_s = max(SHORTEST_REQUEST_S, min(LONGEST_REQUEST_S, patience_s))
    client = AIOKafkaClient(**kafka_options(route.source), request_timeout_ms=round(request_s * 1_000))
    try:
        await client.bootstrap()
        await client.set_topics(route.names())
    except (KafkaError, OSError) as error:
        await client.close()
        raise Unavailable(str(error) or type(error).__name__) from error
    return client
