"""Which partition a key belongs to, and what becomes of records that lie elsewhere."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from tests.oracle.intake import Invalid, Record, read

_WORD = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """MurmurHash2 of 32 bits with the seed of Kafka's Java clients, as an unsigned number."""
    whole = len(data) // 4 * 4
    h = 0x9747B28C ^ len(data)
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _WORD
        k = (k ^ k >> 24) * _MULTIPLIER & _WORD
        h = h * _MULTIPLIER & _WORD ^ k
    if len(data) > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _WORD
    h = (h ^ h >> 13) * _MULTIPLIER & _WORD
    return h ^ h >> 15


@lru_cache(4_096)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key: the hash without its sign bit, modulo the number of partitions."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def is_misplaced(record: Record, partitions: int) -> bool:
    """Whether a valid record lies in a partition that is not its key's."""
    return record.key is not None and partition_of(record.key, partitions) != record.partition


def with_forwarded(records: Sequence[Record], partitions: int) -> list[Record]:
    """The records, then one copy of each misplaced valid one at the end of the partition where it belongs."""
    ends: Counter[tuple[str, int]] = Counter()
    for record in records:
        place = (record.topic, record.partition)
        ends[place] = max(ends[place], record.offset + 1)
    copies = []
    for record in records:
        if record.key is None or not is_misplaced(record, partitions) or isinstance(read(record), Invalid):
            continue
        place = (record.topic, partition_of(record.key, partitions))
        copies.append(record._replace(partition=place[1], offset=ends[place]))
        ends[place] += 1
    return [*records, *copies]
