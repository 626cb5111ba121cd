"""In which order a lane reads its topics while it catches up: by the time at which their records came to Kafka."""

from aiokafka import TopicPartition

from streams.feed_reader import CERTAIN, PATIENCE_S, STRIDE, LaneReader, TopicReader
from streams.feed_wire import Slice
from streams.records import Batch
from tests.unit.record_batches import AT_MS, batch

BATCH_RECORDS = 8 * STRIDE
MANY = 20 * STRIDE
START_S = 100.0


class Lane:
    """The reader of a lane with two topics of which Kafka holds much."""

    def __init__(self) -> None:
        self.clicks, self.orders = (TopicReader(name, TopicPartition(name, 0), 0) for name in ("click-out", "order"))
        self.reader = LaneReader(0, BATCH_RECORDS)
        self.reader.void(1)
        self.reader.restart([self.clicks, self.orders])

    def fetched(self, topic: TopicReader, count: int, *, at_ms: int = AT_MS, every_ms: int = 1) -> None:
        """A fetch brought so many of the many records of a topic."""
        data = batch(topic.position, count, at_ms=at_ms, every_ms=every_ms)
        topic.accept(Slice(0, MANY, MANY, 0, [], data), START_S)

    def taken(self, at_s: float = START_S) -> tuple[int, int]:
        """How many clicks and orders the next batch has."""
        made: Batch | None = self.reader.next_batch(at_s)
        return (0, 0) if made is None else (len(made.records.get("click-out", ())), len(made.records.get("order", ())))


def test_what_came_first_is_taken_first() -> None:
    lane = Lane()
    lane.fetched(lane.clicks, MANY, every_ms=1)
    lane.fetched(lane.orders, MANY, every_ms=3)
    clicks, orders = lane.taken()
    assert clicks + orders == BATCH_RECORDS
    assert abs(clicks - 3 * orders) <= 3 * STRIDE


def test_a_topic_whose_clock_runs_ahead_has_its_certain_part() -> None:
    lane = Lane()
    lane.fetched(lane.clicks, MANY)
    lane.fetched(lane.orders, MANY, at_ms=AT_MS + 10**9)
    assert lane.taken() == (BATCH_RECORDS - BATCH_RECORDS // 2 // CERTAIN, BATCH_RECORDS // 2 // CERTAIN)


def test_a_topic_that_was_not_fetched_yet_holds_the_others_up_for_a_while() -> None:
    lane = Lane()
    lane.fetched(lane.orders, MANY)
    assert lane.taken() == (0, 0)
    assert lane.reader.plan(START_S).look_again_at == START_S + PATIENCE_S
    assert lane.taken(START_S + PATIENCE_S) == (0, BATCH_RECORDS)


def test_a_topic_of_which_more_is_on_its_way_ends_the_batch() -> None:
    lane = Lane()
    lane.fetched(lane.clicks, 2 * STRIDE)
    lane.fetched(lane.orders, MANY)
    clicks, orders = lane.taken()
    assert clicks == 2 * STRIDE
    assert STRIDE <= orders <= 3 * STRIDE
    assert lane.taken() == (0, 0)
    lane.fetched(lane.clicks, MANY, at_ms=AT_MS + 2 * STRIDE)
    assert sum(lane.taken()) == BATCH_RECORDS


def test_a_topic_whose_fetch_failed_holds_nobody_up() -> None:
    lane = Lane()
    lane.clicks.postpone(START_S + 1)
    lane.fetched(lane.orders, MANY)
    assert lane.taken() == (0, BATCH_RECORDS)
