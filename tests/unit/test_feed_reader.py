"""A lane's batches, whatever the fetches bring and however slowly the lane takes them."""

from collections.abc import Sequence

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.feed_reader import CREDIT, QUIET_S, LaneReader, TopicReader
from streams.feed_wire import Slice
from streams.records import Batch, Positions
from tests.unit.record_batches import COMMIT, batch

LANE = 3
TOPICS = ("click-out", "order")
BATCH_RECORDS = 4
LINGER_S = 0.02


class Driver:
    """A lane's reader with logs of records to fetch, an owner that releases now and then, and a clock."""

    def __init__(self, sizes: Sequence[Sequence[int]], until: Positions | None = None) -> None:
        self.now = 100.0
        self.unreleased: list[Batch] = []
        self.batches: list[Batch] = []
        self.logs = {topic: [size for size in some if size] for topic, some in zip(TOPICS, sizes, strict=True)}
        self.readers = [
            TopicReader(topic, TopicPartition(topic, LANE), 0, None if until is None else until.get(topic, 0))
            for topic in TOPICS
        ]
        self.lane = LaneReader(LANE, BATCH_RECORDS)
        self.lane.void(1)
        self.lane.restart(self.readers)

    def end(self, topic: str) -> int:
        """Where a log ends; a negative size is that of a stretch of control records."""
        return sum(map(abs, self.logs[topic]))

    def fetch(self, most: int) -> None:
        """Answer every fetch that is due with at most `most` record batches."""
        for reader in self.lane.plan(self.now).fetch:
            data, offset, count = b"", 0, 0
            for size in self.logs[reader.topic]:
                if offset + abs(size) > reader.position and count < most:
                    data += batch(offset, size) if size > 0 else batch(offset, -size, producer=1, control=COMMIT)
                    count += 1
                offset += abs(size)
            reader.accept(Slice(0, offset, offset, 0, [], data), self.now + LINGER_S)

    def deliver(self) -> None:
        """Take what there is to deliver."""
        while (made := self.lane.next_batch(self.now)) is not None:
            self.batches.append(made)
            self.unreleased.append(made)
            assert len(self.unreleased) <= CREDIT

    def release(self) -> None:
        """Be done with the oldest batch."""
        if self.unreleased:
            self.lane.release(self.unreleased.pop(0))

    def drain(self) -> None:
        """Release everything and do what the plan says, when it says so, until all is delivered."""
        while not self._is_done():
            self.deliver()
            self.release()
            self.fetch(2)
            later = self.lane.plan(self.now).look_again_at
            if later is not None:
                self.now = later

    def _is_done(self) -> bool:
        stands = self.batches[-1].after if self.batches else dict.fromkeys(TOPICS, 0)
        return not self.unreleased and all(
            stands[reader.topic] == reader.position and (reader.finished or reader.position == self.end(reader.topic))
            for reader in self.readers
        )

    def offsets(self, topic: str) -> list[int]:
        """The offsets of a topic in the order of delivery."""
        return [record.offset for made in self.batches for record in made.records.get(topic, ())]


SIZES = st.lists(st.integers(-2, 5), max_size=8)
STEPS = st.lists(st.tuples(st.sampled_from(["fetch", "deliver", "release", "wait"]), st.integers(1, 3)), max_size=40)


@given(SIZES, SIZES, STEPS, st.none() | st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_every_record_comes_once_and_in_order(
    clicks: list[int], orders: list[int], steps: list[tuple[str, int]], limits: tuple[int, int] | None
) -> None:
    until = None if limits is None else dict(zip(TOPICS, limits, strict=True))
    driver = Driver([clicks, orders], until)
    ends = {topic: driver.end(topic) if until is None else min(until[topic], driver.end(topic)) for topic in TOPICS}

    for step, number in steps:
        if step == "fetch":
            driver.fetch(number)
        elif step == "deliver":
            driver.deliver()
        elif step == "release":
            driver.release()
        else:
            driver.now += number * LINGER_S
    driver.drain()

    stands = dict.fromkeys(TOPICS, 0)
    for made in driver.batches:
        assert made.before == stands
        assert sum(map(len, made.records.values())) <= BATCH_RECORDS
        stands = made.after
    assert stands == ends
    for topic in TOPICS:
        assert driver.offsets(topic) == [offset for offset in records(driver.logs[topic]) if offset < ends[topic]]


def records(log: Sequence[int]) -> list[int]:
    """The offsets of a log that are records and not control records."""
    offsets: list[int] = []
    offset = 0
    for size in log:
        if size > 0:
            offsets += range(offset, offset + size)
        offset += abs(size)
    return offsets


def test_a_batch_that_is_not_full_waits_until_the_lane_has_none() -> None:
    driver = Driver([[2, 1, 1], []])

    driver.fetch(1)
    driver.deliver()
    driver.fetch(1)
    driver.deliver()
    assert driver.offsets("click-out") == [0, 1]
    driver.fetch(1)
    driver.release()
    driver.deliver()

    assert [made.after["click-out"] for made in driver.batches] == [2, 4]


def test_a_position_that_moved_without_records_waits_for_some() -> None:
    driver = Driver([[-1, 2], []])

    driver.fetch(1)
    driver.deliver()
    assert driver.batches == []
    driver.fetch(1)
    driver.deliver()

    assert [(made.before["click-out"], made.after["click-out"]) for made in driver.batches] == [(0, 3)]


def test_a_position_that_moved_without_records_is_delivered_when_none_follow() -> None:
    driver = Driver([[-1], []])

    driver.fetch(1)
    driver.deliver()
    driver.now = driver.lane.plan(driver.now).look_again_at or 0.0
    driver.now += QUIET_S
    driver.deliver()

    assert [(made.after["click-out"], made.records) for made in driver.batches] == [(1, {})]


def test_a_topic_at_its_end_is_fetched_on_the_beat_and_one_behind_at_once() -> None:
    driver = Driver([[1], [1, 1]])

    driver.fetch(1)
    driver.deliver()

    assert [reader.topic for reader in driver.lane.plan(driver.now).fetch] == ["order"]
    assert {reader.topic for reader in driver.lane.plan(driver.now + LINGER_S).fetch} == set(TOPICS)


def test_a_release_of_an_earlier_seek_gives_no_credit() -> None:
    driver = Driver([[20], []])
    driver.fetch(1)
    driver.deliver()
    old = driver.unreleased

    driver.unreleased = []
    driver.lane.void(2)
    driver.lane.restart([TopicReader("click-out", TopicPartition("click-out", LANE), 0)])
    driver.fetch(1)
    driver.deliver()
    for made in old:
        assert not driver.lane.release(made)
    driver.deliver()

    assert [made.seek for made in driver.batches] == [1, 1, 2, 2]
