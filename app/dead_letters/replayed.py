"""Which dead letters were replayed: remembered in a compacted topic, by the transactions that replay them.

A *note* says all that was replayed in one block of offsets of one partition, as spans.  What is remembered only
grows, so notes may be read in any order, and one that compaction has not dropped yet does no harm.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from app.dead_letters.letters import Letter
from streams.errors import Misconfigured

VERSION: Final = 1
# At worst every second offset was replayed: then a note has half as many spans of at most some 40 bytes each.
BLOCK: Final = 16_384


class Note(msgspec.Struct, frozen=True):
    """The record: the partition of dead letters, and what was replayed there as half-open spans of offsets."""

    partition: int
    spans: list[tuple[int, int]]
    version: int = VERSION


class Replayed:
    """The letters that were replayed, in one bit an offset."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], int] = {}  # bits by partition and number of the block

    def __contains__(self, letter: Letter) -> bool:
        number, bit = divmod(letter.offset, BLOCK)
        return bool(self._blocks.get((letter.partition, number), 0) >> bit & 1)

    def end(self, partition: int) -> int:
        """One offset more than that of the partition's last letter that was replayed."""
        blocks = self._blocks.items()
        return max((number * BLOCK + bits.bit_length() for (of, number), bits in blocks if of == partition), default=0)

    def add(self, letter: Letter) -> tuple[int, int]:
        """Remember a letter; the block that has changed."""
        number, bit = divmod(letter.offset, BLOCK)
        return self._set(letter.partition, number, 1 << bit)

    def note(self, block: tuple[int, int]) -> tuple[bytes, bytes]:
        """The note of a block: its key, to be compacted by, and its value."""
        partition, number = block
        note = Note(partition, list(_spans(self._blocks[block], number * BLOCK)))
        return f"{partition}:{number}".encode(), msgspec.json.encode(note)

    def take(self, value: bytes | None) -> None:
        """Remember what a note says; Misconfigured if it is none, for then a letter might be replayed twice."""
        try:
            note = msgspec.json.decode(value or b"", type=Note)
        except msgspec.DecodeError as error:
            raise Misconfigured(f"a note of what was replayed cannot be read: {error}") from error
        if note.version > VERSION:
            raise Misconfigured(
                f"a note of what was replayed is of version {note.version}: use the newer Redcat that wrote it"
            )
        for first, end in note.spans:
            for number in range(first // BLOCK, (end - 1) // BLOCK + 1):
                start = number * BLOCK
                below = (1 << max(first - start, 0)) - 1
                self._set(note.partition, number, ((1 << min(end - start, BLOCK)) - 1) & ~below)

    def _set(self, partition: int, number: int, bits: int) -> tuple[int, int]:
        block = partition, number
        self._blocks[block] = self._blocks.get(block, 0) | bits
        return block


def _spans(bits: int, first: int) -> Iterator[tuple[int, int]]:
    for ones in re.finditer("1+", f"{bits:b}"[::-1]):
        yield first + ones.start(), first + ones.end()
