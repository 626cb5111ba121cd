"""The partitioner agrees with the one that Kafka's clients use."""

from collections.abc import Sequence

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams.murmur2 import partition_of, partitions_of


def expected(keys: Sequence[bytes], partitions: int) -> list[int]:
    return [(murmur2(key) & 0x7FFFFFFF) % partitions for key in keys]


@pytest.mark.parametrize("length", range(141))
def test_keys_of_every_length_fall_where_kafka_puts_them(length: int) -> None:
    keys = [bytes((seed * 31 + place * 7) % 256 for place in range(length)) for seed in range(9)]
    assert partitions_of(keys, 1_000_003) == expected(keys, 1_000_003)


@given(st.lists(st.binary(max_size=140), max_size=40), st.integers(1, 2**31 - 1))
def test_keys_of_mixed_lengths_keep_their_order(keys: list[bytes], partitions: int) -> None:
    assert partitions_of(keys, partitions) == expected(keys, partitions)


@given(st.binary(max_size=140), st.integers(1, 64))
def test_one_key_falls_where_it_falls_among_many(key: bytes, partitions: int) -> None:
    assert [partition_of(key, partitions)] == expected([key], partitions)


@pytest.mark.parametrize("count", [0, 1, 2, 2_047, 2_048, 2_049, 5_000])
def test_batches_of_every_size_are_covered(count: int) -> None:
    keys = [f"{number:032x}".encode() for number in range(count)]
    assert partitions_of(keys, 4) == expected(keys, 4)


def test_extreme_words_do_not_run_into_their_neighbours() -> None:
    keys = [b"\xff" * 32, b"\x00" * 32, b"\xff\x00" * 16, b"\x00\xff" * 16, b"\x7f\x80" * 16] * 3
    assert partitions_of(keys, 2**31 - 1) == expected(keys, 2**31 - 1)
