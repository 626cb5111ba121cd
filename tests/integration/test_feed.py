"""The feed on a real Kafka: each lane as one sequence, whatever is in the topics and whoever else is in the group."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete

from app.local_stack.kafka_server import KafkaServer
from app.local_stack.server_process import free_port
from streams.errors import LaneStopped, Misconfigured, Refused, Unavailable
from streams.feed_reader import STRIDE
from streams.records import LastRecord
from tests.conftest import Namespace
from tests.integration.kafka import (
    PARTITIONS,
    PATIENCE_S,
    TOPICS,
    Reading,
    admin,
    is_chain,
    make_topics,
    numbered,
    produce,
    producing,
)


class Kafka:
    """The test session's Kafka, with topics and a group of this test."""

    def __init__(self, server: KafkaServer, namespace: Namespace) -> None:
        self.server = server
        self.address = server.address
        self.group = namespace.group
        self.names = {topic: namespace.prefix + topic for topic in TOPICS}

    def reading(self, **options: object) -> Reading:
        """A feed of this test's topics."""
        return Reading(self.address, self.group, [self.names], **options)  # type: ignore[arg-type]

    def reading_of(self, *kinds: Sequence[str]) -> Reading:
        """A feed of a version that reads these topics in lanes of these kinds."""
        return Reading(self.address, self.group, [{topic: self.names[topic] for topic in topics} for topics in kinds])

    async def fill(
        self, topic: str, values: list[str], lane: int = 0, *, every_ms: int | None = None, **options: object
    ) -> None:
        """Produce to a topic, without a transaction."""
        async with producing(self.address, **options) as producer:
            await produce(producer, self.names[topic], lane, values, every_ms=every_ms)

    async def fill_in_transaction(self, topic: str, values: list[str], *, commit: bool = True) -> None:
        """Produce to lane 0 of a topic in a transaction that is then committed or aborted, its last record written."""
        after = await self._end(topic) + len(values) + 1
        async with producing(self.address, transactional_id=f"{self.group}.{topic}") as producer:
            await producer.begin_transaction()
            await produce(producer, self.names[topic], 0, values)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        # Kafka answers before it writes the control record: what comes next could stand before it.
        async with asyncio.timeout(PATIENCE_S):
            while await self._end(topic) < after:
                await asyncio.sleep(0.01)

    async def _end(self, topic: str) -> int:
        """The offset that the next record of lane 0 will have."""
        place = TopicPartition(self.names[topic], 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.address)
        await consumer.start()
        try:
            return int((await consumer.end_offsets([place]))[place])
        finally:
            await consumer.stop()

    async def delete_before(self, topic: str, offset: int) -> None:
        """Let records of lane 0 expire."""
        async with admin(self.address) as client:
            await client.delete_records({TopicPartition(self.names[topic], 0): RecordsToDelete(before_offset=offset)})

    async def recreate(self, topic: str) -> None:
        """Delete a topic and make it again."""
        async with admin(self.address) as client:
            await client.delete_topics([self.names[topic]])
            while not (await client.describe_topics([self.names[topic]]))[0]["error_code"]:
                await asyncio.sleep(0.01)
        await make_topics(self.address, [self.names[topic]])


@pytest_asyncio.fixture
async def kafka(kafka_server: KafkaServer, namespace: Namespace) -> AsyncIterator[Kafka]:
    """Kafka with empty topics of this test."""
    kafka = Kafka(kafka_server, namespace)
    await make_topics(kafka.address, kafka.names.values())
    yield kafka


async def test_records_come_in_order_and_batches_are_a_chain(kafka: Kafka) -> None:
    for topic, lane in itertools.product(TOPICS, range(PARTITIONS)):
        await kafka.fill(topic, numbered(700), lane)

    async with kafka.reading(batch_records=100) as reading:
        for lane in range(PARTITIONS):
            await reading.seek(lane)
        for lane in range(PARTITIONS):
            await reading.stands_at(lane, {"click-out": 700, "order": 700})

        for lane, topic in itertools.product(range(PARTITIONS), TOPICS):
            assert reading.values(lane, topic) == numbered(700)
        for lane in range(PARTITIONS):
            batches = reading.of(lane)
            assert batches[0].before == {"click-out": 0, "order": 0}
            assert is_chain(batches)
            assert max(sum(map(len, batch.records.values())) for batch in batches) == 100


async def test_topics_are_read_side_by_side_by_time(kafka: Kafka) -> None:
    await kafka.fill("order", numbered(300), every_ms=30)
    await kafka.fill("click-out", numbered(900), every_ms=10)

    async with kafka.reading(batch_records=400) as reading:
        await reading.seek(0)
        await reading.stands_at(0, {"click-out": 900, "order": 300})

        clicks = [len(batch.records["click-out"]) for batch in reading.of(0)[:2]]
        assert clicks == pytest.approx([300, 300], abs=STRIDE)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_compression_is_read(kafka: Kafka, compression: str) -> None:
    await kafka.fill("order", numbered(300), compression_type=compression)

    async with kafka.reading(batch_records=70) as reading:
        await reading.seek(0, {"order": 250})
        await reading.stands_at(0, {"click-out": 0, "order": 300})

        assert reading.values(0, "order") == numbered(50, first=250)


async def test_only_committed_transactions_are_read(kafka: Kafka) -> None:
    await kafka.fill_in_transaction("order", ["a", "b"])
    await kafka.fill_in_transaction("order", ["never"], commit=False)
    await kafka.fill_in_transaction("order", ["c"])
    await kafka.fill("order", ["d"])

    async with kafka.reading() as reading:
        await reading.seek(0)
        await reading.stands_at(0, {"click-out": 0, "order": 8})

        assert reading.values(0, "order") == ["a", "b", "c", "d"]


async def test_an_open_transaction_holds_back_what_follows_it(kafka: Kafka) -> None:
    async with kafka.reading() as reading, producing(kafka.address, transactional_id=kafka.group) as producer:
        await producer.begin_transaction()
        await produce(producer, kafka.names["order"], 0, ["a"])
        await kafka.fill("order", ["b"])
        await kafka.fill("click-out", ["c"])
        await reading.seek(0)
        await reading.stands_at(0, {"click-out": 1, "order": 0})
        assert await reading.feed.looks.end_offsets([0]) == {0: {"click-out": 1, "order": 0}}

        await producer.commit_transaction()
        await reading.stands_at(0, {"click-out": 1, "order": 3})

        assert reading.values(0, "order") == ["a", "b"]
        assert await reading.feed.looks.end_offsets([0]) == {0: {"click-out": 1, "order": 3}}


async def test_a_fetch_with_control_records_only_moves_the_position(kafka: Kafka) -> None:
    await kafka.fill("order", ["a"])

    async with kafka.reading() as reading:
        seek = await reading.seek(0)
        await reading.stands_at(0, {"click-out": 0, "order": 1})
        await kafka.fill_in_transaction("order", ["never"], commit=False)
        await reading.stands_at(0, {"click-out": 0, "order": 3})

        assert reading.batches[-1].records == {}
        assert is_chain(reading.of(0, seek))


async def test_a_lane_that_does_not_release_gets_two_batches(kafka: Kafka) -> None:
    for lane in range(PARTITIONS):
        await kafka.fill("order", numbered(1000), lane)

    async with kafka.reading(batch_records=10, release=lambda batch: batch.lane == 1) as reading:
        for lane in range(PARTITIONS):
            await reading.seek(lane)
        await reading.stands_at(1, {"click-out": 0, "order": 1000})
        assert len(reading.of(0)) == 2

        reading.feed.release(reading.of(0)[0])
        await reading.until(lambda: len(reading.of(0)) == 3)
        assert reading.values(0, "order") == numbered(30)


async def test_a_seek_voids_what_was_fetched_before(kafka: Kafka) -> None:
    await kafka.fill("order", numbered(100))

    async with kafka.reading(batch_records=10, release=lambda _: False) as reading:
        first = await reading.seek(0)
        await reading.until(lambda: len(reading.of(0)) == 2)
        second = await reading.seek(0, {"order": 5})
        await reading.until(lambda: len(reading.of(0, second)) == 2)
        for batch in reading.of(0, first):
            reading.feed.release(batch)
        third = await reading.seek(0, {"order": 90})
        await reading.until(lambda: bool(reading.of(0, third)))

        assert reading.values(0, "order", first) == numbered(20)
        assert reading.values(0, "order", second) == numbered(20, first=5)
        assert reading.of(0, third)[0].before == {"click-out": 0, "order": 90}
        assert [batch.seek for batch in reading.batches] == sorted(batch.seek for batch in reading.batches)


async def test_until_cuts_inside_a_record_batch(kafka: Kafka) -> None:
    for topic in TOPICS:
        await kafka.fill(topic, numbered(300))

    async with kafka.reading() as reading:
        seek = await reading.seek(0, {"order": 120}, until={"order": 150, "click-out": 7})
        await reading.stands_at(0, {"click-out": 7, "order": 150})
        on = await reading.seek(0, reading.batches[-1].after)
        await reading.stands_at(0, {"click-out": 300, "order": 300})

        assert reading.values(0, "order", seek) == numbered(30, first=120)
        assert reading.values(0, "click-out", seek) == numbered(7)
        assert reading.values(0, "order", on) == numbered(150, first=150)


async def test_until_is_reached_over_control_records(kafka: Kafka) -> None:
    await kafka.fill_in_transaction("order", ["a", "b"])
    await kafka.fill_in_transaction("order", ["never"], commit=False)
    await kafka.fill("order", ["c"])

    async with kafka.reading() as reading:
        for until in (2, 3, 4, 5):
            seek = await reading.seek(0, until={"order": until})
            await reading.stands_at(0, {"click-out": 0, "order": until})

            assert reading.values(0, "order", seek) == ["a", "b"]


async def test_a_topic_absent_in_until_is_not_read(kafka: Kafka) -> None:
    for topic in TOPICS:
        await kafka.fill(topic, numbered(3))

    async with kafka.reading() as reading:
        await reading.seek(0, until={"order": 3})
        await reading.stands_at(0, {"click-out": 0, "order": 3})


async def test_positions_that_kafka_does_not_hold_stop_the_lane(kafka: Kafka) -> None:
    await kafka.fill("order", numbered(10))
    await kafka.delete_before("order", 4)
    name = kafka.names["order"]

    async with kafka.reading() as reading:
        for positions in ({}, {"order": 3}):
            with pytest.raises(LaneStopped, match=f"of topic {name}: .*Kafka holds 4 to 10: .*deleted before"):
                await reading.seek(0, positions)
        with pytest.raises(
            LaneStopped, match=f"{name}: the lane stands at offset 11, .* 4 to 10: .*cut off or recreated"
        ):
            await reading.seek(0, {"order": 11})
        with pytest.raises(LaneStopped, match=f"{name}: results were published up to offset 11, but Kafka ends at 10"):
            await reading.seek(0, {"order": 4}, until={"order": 11})

        await reading.seek(0, {"order": 4})
        await reading.stands_at(0, {"click-out": 0, "order": 10})


async def test_records_that_expire_while_the_lane_lags_stop_it(kafka: Kafka) -> None:
    await kafka.fill("order", numbered(30))

    async with kafka.reading(batch_records=10, release=lambda _: False, partition_bytes=1) as reading:
        await reading.seek(0)
        await reading.until(lambda: len(reading.batches) == 2)
        await kafka.fill("order", numbered(300))
        await kafka.delete_before("order", 200)
        while not reading.stopped:
            seen = len(reading.batches)
            reading.feed.release(reading.batches[-1])
            await reading.until(partial(reading.has_more_than, seen))

        lane, error = reading.stopped[0]
        assert lane == 0
        assert isinstance(error, LaneStopped)
        assert "Kafka holds 200 to 330" in str(error)


def last_record(reading: Reading, topic: str) -> LastRecord:
    """What a lane remembers of the last record that it read."""
    record = [record for batch in reading.batches for record in batch.records.get(topic, ())][-1]
    return LastRecord.of(record)


@asynccontextmanager
async def five_read(kafka: Kafka) -> AsyncIterator[tuple[Reading, dict[str, LastRecord]]]:
    """A feed that has read five records, and what a lane remembers of the last."""
    await kafka.fill("order", numbered(5))
    async with kafka.reading() as reading:
        await reading.seek(0)
        await reading.stands_at(0, {"click-out": 0, "order": 5})
        yield reading, {"order": last_record(reading, "order")}


async def test_a_recreated_topic_is_recognised_by_its_last_record(kafka: Kafka) -> None:
    async with five_read(kafka) as (reading, last):
        await reading.seek(0, {"order": 5}, last=last)

        await kafka.recreate("order")
        await kafka.fill("order", numbered(8))

        with pytest.raises(LaneStopped, match=r"record at offset 4 is another one .*the topic was recreated"):
            await reading.seek(0, {"order": 5}, last=last)


@pytest.mark.parametrize("count", [0, 4])
async def test_a_recreated_topic_is_recognised_by_its_end(kafka: Kafka, count: int) -> None:
    async with five_read(kafka) as (reading, last):
        await kafka.recreate("order")
        await kafka.fill("order", numbered(count))

        with pytest.raises(LaneStopped, match=f"stands at offset 5, but Kafka holds 0 to {count}"):
            await reading.seek(0, {"order": 5}, last=last)


async def test_a_recreated_topic_is_recognised_where_no_record_is_to_be_read_now(kafka: Kafka) -> None:
    async with five_read(kafka) as (reading, last):
        await kafka.recreate("order")
        await kafka.fill_in_transaction("order", numbered(5), commit=False)

        with pytest.raises(LaneStopped, match=r"record at offset 4, which the lane has read, is not there any more"):
            await reading.seek(0, {"order": 5}, last=last)


async def test_a_last_record_may_have_expired(kafka: Kafka) -> None:
    await kafka.fill("order", numbered(5))
    async with kafka.reading() as reading:
        await reading.seek(0, until={"order": 3})
        await reading.stands_at(0, {"click-out": 0, "order": 3})
        await kafka.delete_before("order", 3)

        on = await reading.seek(0, {"order": 3}, last={"order": last_record(reading, "order")})
        await reading.stands_at(0, {"click-out": 0, "order": 5})

        assert reading.values(0, "order", on) == ["3", "4"]


async def test_records_that_came_where_the_lane_has_read_others_stop_it(kafka: Kafka) -> None:
    await kafka.fill("order", ["a", "b", "c", "d"])

    async with kafka.reading() as reading:
        await reading.seek(0)
        await reading.stands_at(0, {"click-out": 0, "order": 4})
        record = reading.of(0)[0].records["order"][1]
        last = LastRecord.of(record)
        with pytest.raises(LaneStopped, match=r"at offset 2 is a record that was not there .*the topic was cut off"):
            await reading.seek(0, {"order": 4}, last={"order": last})


async def test_control_records_may_stand_between_the_last_record_and_the_position(kafka: Kafka) -> None:
    await kafka.fill_in_transaction("order", ["a"])
    await kafka.fill_in_transaction("order", ["never"], commit=False)

    async with kafka.reading() as reading:
        await reading.seek(0)
        await reading.stands_at(0, {"click-out": 0, "order": 4})
        on = await reading.seek(0, {"order": 4}, last={"order": last_record(reading, "order")})
        await kafka.fill("order", ["b"])
        await reading.stands_at(0, {"click-out": 0, "order": 5})

        assert reading.values(0, "order", on) == ["b"]


async def test_a_topic_that_is_deleted_while_it_is_read_makes_the_lane_look_again(kafka: Kafka) -> None:
    async with kafka.reading() as reading:
        await reading.seek(0)
        await kafka.recreate("order")
        await reading.until(lambda: bool(reading.stopped))

        lane, error = reading.stopped[0]
        assert (lane, type(error)) == (0, Unavailable)


async def test_members_share_the_lanes_and_keep_what_they_have(kafka: Kafka) -> None:
    async with kafka.reading() as first:
        await first.owns(0, 1)
        seeks = {lane: await first.seek(lane) for lane in range(PARTITIONS)}
        async with kafka.reading() as second:
            await second.owns(1)
            await first.owns(0)
            await kafka.fill("order", ["a"], 0)
            await kafka.fill("order", ["b"], 1)
            await first.stands_at(0, {"click-out": 0, "order": 1})
            with pytest.raises(Refused):
                await first.feed.seek(1, {})
            await second.seek(1)
            await second.stands_at(1, {"click-out": 0, "order": 1})
        await first.owns(0, 1)
        await kafka.fill("order", ["c"], 0)
        await first.stands_at(0, {"click-out": 0, "order": 2})

        assert first.announced == [{0, 1}, {0}, {0, 1}]
        assert first.values(0, "order", seeks[0]) == ["a", "c"]
        assert first.of(1) == []


@pytest_asyncio.fixture
async def more_topics(kafka: Kafka) -> Kafka:
    """Kafka with the topics of a newer version beside the others."""
    more = {topic: f"{kafka.names['order']}.{topic}" for topic in ("shop-action", "note-metric")}
    await make_topics(kafka.address, more.values())
    kafka.names |= more
    return kafka


async def test_lanes_of_two_kinds_are_read_beside_each_other(more_topics: Kafka) -> None:
    kafka = more_topics
    for lane in range(PARTITIONS):
        await kafka.fill("order", [f"o{lane}"], lane)
        await kafka.fill("note-metric", [f"m{lane}"], lane)

    async with kafka.reading_of(("click-out", "order"), ("note-metric",)) as reading:
        for lane in range(2 * PARTITIONS):
            await reading.seek(lane)
        for lane in range(PARTITIONS):
            await reading.stands_at(lane, {"click-out": 0, "order": 1})
            await reading.stands_at(PARTITIONS + lane, {"note-metric": 1})
            assert reading.values(lane, "order") == [f"o{lane}"]
            assert reading.values(PARTITIONS + lane, "note-metric") == [f"m{lane}"]
        assert await reading.feed.looks.end_offsets([PARTITIONS + 1]) == {PARTITIONS + 1: {"note-metric": 1}}

        assert await reading.feed.commit_positions({1: {"order": 5}, PARTITIONS + 1: {"note-metric": 7}}, {})
        async with admin(kafka.address) as client:
            offsets = await client.list_consumer_group_offsets(kafka.group)
    assert {(place.topic, place.partition): found.offset for place, found in offsets.items()} == {
        (kafka.names["order"], 1): 5,
        (kafka.names["note-metric"], 1): 7,
    }


@pytest.mark.parametrize("old_leads", [True, False])
async def test_versions_that_read_different_topics_share_whole_lanes(more_topics: Kafka, old_leads: bool) -> None:
    kafka = more_topics
    old, new = (
        kafka.reading_of(("click-out", "order")),
        kafka.reading_of(("click-out", "order", "shop-action"), ("note-metric",)),
    )
    async with old if old_leads else new, new if old_leads else old:
        await old.until(lambda: len(old.feed.lanes) == 1)
        await new.until(lambda: len(new.feed.lanes) == 2)
        (theirs,), ours = old.feed.lanes, new.feed.lanes
        assert ours == {1 - theirs, PARTITIONS + 1 - theirs}
        for topic in ("order", "shop-action", "note-metric"):
            for lane in range(PARTITIONS):
                await kafka.fill(topic, ["a"], lane)
        await old.seek(theirs, {"shop-action": 9})  # where a newer version left it; nothing of that is looked at here
        await old.stands_at(theirs, {"click-out": 0, "order": 1})
        for lane in ours:
            await new.seek(lane)
        await new.stands_at(1 - theirs, {"click-out": 0, "order": 1, "shop-action": 1})
        await new.stands_at(PARTITIONS + 1 - theirs, {"note-metric": 1})

        with pytest.raises(LaneStopped, match="up to offset 10 of topic shop-action, which this version does not read"):
            await old.seek(theirs, {"shop-action": 9}, until={"shop-action": 10})
        with pytest.raises(Refused):
            await new.feed.seek(theirs, {})


async def test_who_stops_hands_its_lanes_over_at_once(kafka: Kafka) -> None:
    async with kafka.reading() as first, kafka.reading() as second:
        await first.until(lambda: len(first.feed.lanes) == 1)
        await second.until(lambda: len(second.feed.lanes) == 1)

        async with asyncio.timeout(2.0):
            await first.stop()
            await second.owns(0, 1)


async def test_who_stops_while_the_group_forms_does_not_hold_it_up(kafka: Kafka) -> None:
    async with kafka.reading() as first:
        await first.owns(0, 1)
        second = kafka.reading()
        async with asyncio.timeout(3.0):
            await second.__aenter__()
            await second.stop()
        async with asyncio.timeout(4.0):
            await first.until(lambda: first.feed.lanes == {0, 1})
            await first.feed.confirm(0)


async def test_a_lane_is_confirmed_by_its_owner_only(kafka: Kafka) -> None:
    async with kafka.reading() as first:
        await first.owns(0, 1)
        await first.feed.confirm(1)

        async with kafka.reading() as second:
            await second.owns(1)
            await second.feed.confirm(1)
            await first.feed.confirm(0)
            with pytest.raises(Refused, match="lane 1 is not this worker's"):
                await first.feed.confirm(1)


async def confirm_forever(reading: Reading, lane: int) -> None:
    """Confirm again and again."""
    while True:
        await reading.feed.confirm(lane)


async def test_a_confirmation_asks_the_group_and_not_what_was_known(kafka: Kafka) -> None:
    async with kafka.reading() as first:
        await first.owns(0, 1)
        async with kafka.reading() as second:
            with pytest.raises(Refused):
                await confirm_forever(first, 1)
            await first.feed.confirm(0)
            await second.feed.confirm(1)


async def test_positions_are_committed_for_lag_tools(kafka: Kafka) -> None:
    async with kafka.reading() as reading, admin(kafka.address) as client:
        await reading.owns(0, 1)
        assert await reading.feed.commit_positions(
            {0: {"order": 7}, 1: {"order": 9, "unknown": 1}, 5: {"order": 1}}, {1: 1_700_000_000_000}
        )
        assert await reading.feed.caught_up_ms(0) is None
        assert await reading.feed.caught_up_ms(1) == 1_700_000_000_000

        offsets = await client.list_consumer_group_offsets(kafka.group)

    committed = {partition.partition: found.offset for partition, found in offsets.items()}
    assert committed == {0: 7, 1: 9}


async def test_topics_that_do_not_fit_are_refused(kafka: Kafka) -> None:
    with pytest.raises(Misconfigured, match=f"topic {kafka.names['click-out']} has 2 partitions, not 3"):
        await kafka.reading(partitions=3).feed.start()

    kafka.names["order"] += ".missing"
    with pytest.raises(Misconfigured, match=r"order\.missing does not exist"):
        await kafka.reading().feed.start()


async def test_a_group_that_something_else_uses_is_refused(kafka: Kafka) -> None:
    other = AIOKafkaConsumer(*kafka.names.values(), bootstrap_servers=kafka.address, group_id=kafka.group)
    await other.start()
    feed = kafka.reading().feed
    await feed.start()
    try:
        with pytest.raises(Misconfigured, match=f"{kafka.group} is in use by something else"):
            await feed.run()
    finally:
        await feed.stop()
        await other.stop()


async def test_a_session_timeout_that_kafka_does_not_take_is_refused(kafka: Kafka) -> None:
    feed = kafka.reading(session_timeout_ms=10).feed
    await feed.start()
    try:
        with pytest.raises(Misconfigured, match="does not take a session timeout of 10 ms"):
            await feed.run()
    finally:
        await feed.stop()


async def test_kafka_that_is_away_at_the_start_is_unavailable() -> None:
    nowhere = Reading(f"127.0.0.1:{free_port()}", "g", [{"order": "order"}])

    for _ in range(2):
        with pytest.raises(Unavailable, match="does not answer"):
            await nowhere.feed.start()


async def test_reading_goes_on_when_kafka_comes_back(kafka: Kafka) -> None:
    async with kafka.reading() as reading:
        seek = await reading.seek(0)
        await kafka.fill("order", ["a"])
        await reading.stands_at(0, {"click-out": 0, "order": 1})

        await kafka.server.restart()
        await kafka.fill("order", ["b"])
        await reading.stands_at(0, {"click-out": 0, "order": 2})

        assert reading.values(0, "order", seek) == ["a", "b"]
        await reading.feed.confirm(0)
