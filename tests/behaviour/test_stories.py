"""Every story, on the real core: in the order told, backwards and shuffled, in one batch and record by record."""

import random

import msgspec
import pytest

from tests.behaviour.bad_records import DELIVERED, Delivered
from tests.behaviour.builders import Story, identity, named
from tests.behaviour.stories import STORIES
from tests.generators.policies import DEFAULT_POLICY
from tests.oracle.intake import Record
from tests.oracle.placement import partition_of
from tests.pure_worker import PureWorker

PARTITIONS = 4


def worker_after(story: Story, records: list[Record], batch_records: int) -> PureWorker:
    """A worker that absorbed the records in batches of that size."""
    worker = PureWorker(story.policies, PARTITIONS)
    worker.absorb_all([records[at : at + batch_records] for at in range(0, len(records), batch_records)])
    return worker


def assert_tells(story: Story, worker: PureWorker) -> None:
    """What the story expects, and nothing more."""
    assert worker.notes() == story.counters
    latest = worker.latest()
    alive = {name for name, result in latest.items() if result.outcome != "void"}
    assert alive == {identity(name) for name in story.results}
    assert latest.keys() - alive <= {identity(name) for name in story.superseded}
    for name, wanted in story.results.items():
        assert named(msgspec.to_builtins(latest[identity(name)]), wanted) == wanted
    assert worker.ledger["currency_mismatch"] == story.seen["currency_mismatch"]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_ends_as_told_in_any_order_and_batches(story: Story) -> None:
    records = [
        Record(one.topic, partition_of(one.key, PARTITIONS), offset, one.key, one.value)
        for offset, one in enumerate(story.records)
    ]
    shuffled = random.Random(story.name).sample(records, len(records))
    for order in (records, records[::-1], shuffled):
        assert_tells(story, worker_after(story, order, batch_records=1))
        assert_tells(story, worker_after(story, order, batch_records=max(len(order), 1)))


@pytest.mark.parametrize("delivered", DELIVERED, ids=lambda delivered: delivered.name)
def test_a_record_at_the_door_is_a_fact_or_a_dead_letter_with_its_code(delivered: Delivered) -> None:
    partition = partition_of(delivered.key, PARTITIONS) if delivered.key is not None else 0
    worker = PureWorker([DEFAULT_POLICY], PARTITIONS)
    worker.absorb_all([[Record(delivered.topic, partition, 7, delivered.key, delivered.value)]])
    letters = [message for message in worker.messages if message.topic == "dead-letter"]
    assert [dict(letter.headers)["__dlq.error.code"].decode() for letter in letters] == (
        [] if delivered.code is None else [delivered.code]
    )
    for letter in letters:
        assert letter.value == delivered.value
        assert dict(letter.headers).get("__dlq.original.key") == delivered.key
