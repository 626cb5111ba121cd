"""The partition of a key as Kafka's Java producer chooses it: murmur2 of the key, sign bit dropped, modulo partitions.

murmur2 reads a key as little-endian 32-bit words, mixes each word by itself, and folds the mixed words one
after the other into the hash.  One key at a time that costs some 6 us in Python, so `partitions_of` hashes all
keys of one length side by side: word number j of every key stands in a 64-bit slot of one big integer, and one
multiplication or mask of that integer works on all keys at once.  A product of two 32-bit numbers fits its slot,
so slots never run into each other; what a right shift brings in from the slot above is masked away.
"""

import struct
from array import array
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

_SEED = 0x9747B28C
_FACTOR = 0x5BD1E995
_WORD = 0xFFFFFFFF
_WORDS = next(code for code in "ILH" if array(code).itemsize == 4)
_CHUNK = 2_048  # keys hashed side by side: the integers stay within the processor's nearest cache


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` among `partitions`."""
    return partitions_of((key,), partitions)[0]


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """The partition of each key, in order; fastest where many keys have the same length."""
    lengths = set(map(len, keys))
    if len(lengths) == 1:
        return _partitions_of_equally_long(keys, lengths.pop(), partitions)
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[len(key)].append(place)
    found = [0] * len(keys)
    for length, same in places.items():
        for place, partition in zip(
            same, _partitions_of_equally_long([keys[place] for place in same], length, partitions), strict=True
        ):
            found[place] = partition
    return found


def _partitions_of_equally_long(keys: Sequence[bytes], length: int, partitions: int) -> list[int]:
    found: list[int] = []
    for first in range(0, len(keys), _CHUNK):
        found += [word % partitions for word in _hashes(keys[first : first + _CHUNK], length)]
    return found


def _hashes(keys: Sequence[bytes], length: int) -> tuple[int, ...]:
    """The murmur2 hashes of keys of one length, without their sign bits."""
    count = len(keys)
    padding = -length % 4
    end = bytes(padding)
    words = array(_WORDS, end.join(keys) + end)
    stride = (length + padding) // 4
    column = array(_WORDS, bytes(8 * count))
    every = _one_in_each_slot(count)
    mask = every * _WORD
    hashes = every * (_SEED ^ length)
    for place in range(length // 4):
        column[::2] = words[place::stride]
        word = int.from_bytes(column, "little") * _FACTOR & mask
        word ^= word >> 24 & mask
        # Both products stay below 2^63 in their slots, so one mask serves the two.
        hashes = (hashes * _FACTOR ^ word * _FACTOR) & mask
    if padding:
        column[::2] = words[stride - 1 :: stride]
        hashes = (hashes ^ int.from_bytes(column, "little")) * _FACTOR & mask
    hashes ^= hashes >> 13 & mask
    hashes = hashes * _FACTOR & mask
    hashes = (hashes ^ hashes >> 15) & every * 0x7FFFFFFF
    return struct.unpack(f"<{count}Q", hashes.to_bytes(8 * count, "little"))


@lru_cache(maxsize=64)
def _one_in_each_slot(count: int) -> int:
    return int.from_bytes((1).to_bytes(8, "little") * count, "little")
