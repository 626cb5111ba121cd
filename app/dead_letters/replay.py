"""Replaying dead letters: each at most once, however often and by whomever it is asked for.

The records and the notes of which letters they came from are one Kafka transaction: both are there, or neither.  All
runs have one transactional id, so a run that begins ends the open transaction of every earlier one and shuts it out;
only then does it read the notes.  So nothing that these do not say can be replayed behind its back.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from app.connections import until_answered
from app.dead_letters.plan import Plan
from app.dead_letters.reader import Contents, KafkaTopics, selected
from app.dead_letters.replayed import Replayed
from app.dead_letters.report import Ready, Report, judged
from app.progress import progress_bar
from streams.errors import Misconfigured, Refused, Unavailable
from streams.publisher_records import Outgoing
from streams.publisher_transaction import Transactions
from streams.topics import DEAD_LETTER, replayed_letters

# A run that is killed leaves its transaction open; the workers wait for the next run to end it, or for this long.
TRANSACTION_TIMEOUT_MS: Final = 10_000
MOST_RECORDS: Final = 500  # of a transaction
MOST_BYTES: Final = 2 * 1024 * 1024
LINK: Final = "replay"


class Box(NamedTuple):
    """The dead letters that there are, and which of them are replayed."""

    letters: Contents
    replayed: Replayed


class Replayer:
    """Replays letters of a box; made by `replaying`."""

    def __init__(self, topics: KafkaTopics, transactions: Transactions, box: Box) -> None:
        self.box = box
        self.count = 0
        self._topics = topics
        self._transactions = transactions
        self._notes = topics.physical(replayed_letters(topics.settings.group))

    async def replay(self, letters: Sequence[Ready]) -> None:
        """Send the records of some letters and note the letters, in one transaction.

        Raises Refused when a newer run has begun, and Unavailable when the outcome is unknown; then this one is spent.
        """
        outgoing = Outgoing()
        for _, (topic, partition, timestamp, key, value, headers) in letters:
            place = TopicPartition(self._topics.physical(topic), partition)
            outgoing.append(place, timestamp, key, value, headers)
        for block in {self.box.replayed.add(letter): None for letter, _ in letters}:
            key, value = self.box.replayed.note(block)
            outgoing.append(TopicPartition(self._notes, block[0]), time.time_ns() // 1_000_000, key, value, [])
        try:
            await self._transactions.commit(outgoing.batches)
        except Refused as error:
            raise Refused(f"another `redcat dlq replay` goes on instead of this one; {self._so_far()}") from error
        except Unavailable as error:
            raise Unavailable(f"{error}; {self._so_far()}, and the next run goes on from there") from error
        self.count += len(letters)

    async def replay_all(self, letters: AsyncIterator[Ready]) -> None:
        """Replay letters as they come, in transactions of a bearable size."""
        batch: list[Ready] = []
        size = 0
        async for one in letters:
            batch.append(one)
            size += len(one.record.value or b"")
            if len(batch) == MOST_RECORDS or size >= MOST_BYTES:
                await self.replay(batch)
                batch, size = [], 0
        if batch:
            await self.replay(batch)
        if self.count:
            await self._settle()

    async def _settle(self) -> None:
        """Return when all that was replayed can be read.

        Kafka says that a transaction is committed a little before, but begins the next one, here an empty one, only
        then.  If that does not come about nothing is lost, it is just not known yet.
        """
        with suppress(Refused, Unavailable):
            await self._transactions.commit({TopicPartition(self._notes, 0): []})

    def _so_far(self) -> str:
        return f"this one replayed {self.count:,} letters"


@asynccontextmanager
async def replaying(topics: KafkaTopics) -> AsyncIterator[Replayer]:
    """The only run that can replay, until another begins."""
    transactions = Transactions(
        topics.client,
        topics.physical(f"{topics.settings.group}.replay"),
        timeout_ms=TRANSACTION_TIMEOUT_MS,
        link=LINK,
    )
    await until_answered(transactions.open, server=topics.server)
    try:
        # Not before: only now can no other run add to the notes.
        yield Replayer(topics, transactions, await read_box(topics))
    finally:
        await transactions.close()


async def read_box(topics: KafkaTopics) -> Box:
    """What is in the topic of dead letters now, and what of it is replayed."""
    replayed = Replayed()
    notes = await topics.contents(replayed_letters(topics.settings.group))
    async for page in notes.pages():
        for record in page.records:
            replayed.take(record.value)
    letters = await topics.contents(DEAD_LETTER)
    for place, end in letters.ends.items():
        if end < replayed.end(place.partition):
            raise Misconfigured(
                f"partition {place.partition} of {place.topic} ends at offset {end}, but letters up to "
                f"{replayed.end(place.partition)} were replayed: it was made anew, so make "
                f"{topics.physical(replayed_letters(topics.settings.group))} anew as well"
            )
    return Box(letters, replayed)


async def replay_letters(topics: KafkaTopics, plan: Plan, shown: str) -> Report:
    """Replay what the plan says, with a progress bar of this name.

    Raises Refused when a newer run has begun, and Unavailable when Kafka does not answer: another run is safe.
    """
    async with replaying(topics) as replayer:
        report, (letters, replayed) = Report(), replayer.box
        with progress_bar(shown, letters.total) as progress:
            chosen = selected(letters, plan.selection, progress)
            await replayer.replay_all(judged(chosen, plan, replayed, report))
        report.replayed = replayer.count
    return report


async def look_only(topics: KafkaTopics, plan: Plan, shown: str) -> Report:
    """What a replay would do now, with a progress bar of this name; disturbs no other run."""
    report, (letters, replayed) = Report(), await read_box(topics)
    with progress_bar(shown, letters.total) as progress:
        async for _ in judged(selected(letters, plan.selection, progress), plan, replayed, report):
            pass
    return report
