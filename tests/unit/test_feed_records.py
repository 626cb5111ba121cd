"""Records of committed transactions come out of fetched bytes, once each, up to where they are wanted."""

from collections.abc import Iterable

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import LaneStopped
from streams.feed_records import Fetched
from streams.records import Record
from tests.unit.record_batches import ABORT, COMMIT, batch

PARTITION = TopicPartition("p.order", 3)


def take_all(fetched: Fetched, counts: Iterable[int], until: int | None = None) -> list[int]:
    """The offsets of what is handed out when it is asked for in these portions."""
    records: list[Record] = []
    for count in counts:
        had = len(records)
        if not fetched.take(count, until, records):
            break
        assert len(records) - had == count
    return [record.offset for record in records]


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.lists(st.integers(0, 4), max_size=40),
    st.integers(0, 30),
    st.integers(1, 30),
)
def test_records_come_once_from_the_position_up_to_the_limit(
    sizes: list[int], counts: list[int], position: int, length: int
) -> None:
    end = sum(sizes)
    firsts = [sum(sizes[:place]) for place in range(len(sizes))]
    data = b"".join(batch(first, size) for first, size in zip(firsts, sizes, strict=True))
    position = min(position, end)
    until = position + length
    fetched = Fetched(PARTITION, data, [], position)

    offsets = take_all(fetched, [*counts, 100], until)

    assert offsets == list(range(position, min(until, end)))
    assert fetched.position == min(until, end)


STORIES: list[tuple[str, list[bytes], list[tuple[int, int]], list[int], int]] = [
    (
        "an aborted transaction is passed over",
        [batch(0, 2, producer=7), batch(2, 1, producer=7, control=ABORT), batch(3, 1)],
        [(7, 0)],
        [3],
        4,
    ),
    (
        "the same producer's next transaction is read",
        [batch(0, 1, producer=7), batch(1, 1, producer=7, control=ABORT), batch(2, 1, producer=7),
         batch(3, 1, producer=7, control=COMMIT)],
        [(7, 0)],
        [2],
        4,
    ),
    (
        "another producer's records between are read",
        [batch(0, 1, producer=7), batch(1, 1, producer=8), batch(2, 1, producer=7, control=ABORT),
         batch(3, 1, producer=8, control=COMMIT)],
        [(7, 0)],
        [1],
        4,
    ),
    (
        "a transaction aborted twice by one producer",
        [batch(0, 1, producer=7), batch(1, 1, producer=7, control=ABORT), batch(2, 1, producer=7),
         batch(3, 1, producer=7, control=ABORT), batch(4, 1, producer=7), batch(5, 1, producer=7, control=COMMIT)],
        [(7, 2), (7, 0)],
        [4],
        6,
    ),
    ("control records alone move the position", [batch(0, 1, producer=7, control=COMMIT)], [], [], 1),
    ("what was compacted away is passed over", [batch(0, 1), batch(9, 1)], [], [0, 9], 10),
    ("a batch that is cut off is left for the next fetch", [batch(0, 1), batch(1, 5)[:-1]], [], [0], 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("batches", "aborted", "offsets", "position"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES]
)
def test_only_committed_records_are_handed_out(
    batches: list[bytes], aborted: list[tuple[int, int]], offsets: list[int], position: int
) -> None:
    fetched = Fetched(PARTITION, b"".join(batches), aborted, 0)

    assert take_all(fetched, [100]) == offsets
    assert fetched.position == position


def test_an_abort_before_the_position_ends_that_transaction() -> None:
    data = batch(0, 1, producer=7) + batch(1, 1, producer=7, control=ABORT) + batch(2, 1, producer=7)

    assert take_all(Fetched(PARTITION, data, [(7, 0)], 2), [100]) == [2]


def test_damaged_bytes_stop_the_lane() -> None:
    data = bytearray(batch(5, 3))
    data[-1] ^= 1

    with pytest.raises(
        LaneStopped, match=r"partition 3 of topic p\.order: the records from offset 5 on cannot be decoded"
    ):
        take_all(Fetched(PARTITION, bytes(data), [], 5), [100])
