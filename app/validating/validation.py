"""Checks of a producer's records: what would become dead letters and why, and what is probably not meant."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from app.validating.decoding import POLICY, decoded
from app.validating.kinds import Fault, Kinds, Page, Place, fault_of
from app.validating.warnings import Watch
from streams.murmur2 import partitions_of
from streams.records import Record

BAD_LINE: Final = "bad_line"
"""The code of a line that is no record at all; records have those of the dead letters."""


class Validation:
    """What all records checked so far amount to; its size does not grow with their number."""

    def __init__(self, platforms: Collection[str], *, examples: int = 3) -> None:
        """`platforms` are those that the policies list; of each kind `examples` records are kept."""
        self.records = Counter[str]()
        self.invalid = Counter[str]()
        self.bad_lines = 0
        self.faults = Kinds[Fault](examples)
        self.watch = Watch(platforms, examples)

    @property
    def total(self) -> int:
        """All records, and all lines that are none."""
        return self.records.total() + self.bad_lines

    @property
    def wrong(self) -> int:
        """How many of them are invalid."""
        return self.invalid.total() + self.bad_lines

    def check(self, page: Page, records: Sequence[Record]) -> None:
        """Check records of one topic."""
        found = decoded(page.topic, records)
        self.records[page.topic] += len(records)
        self.invalid[page.topic] += len(found.invalid)
        for record, code, message in sorted(found.invalid, key=lambda one: one[0].offset):
            fault = fault_of(page.topic, code, message)
            self.faults.add(fault, page.place(record), record.key, record.value or b"", message)
            self.watch.look_at_invalid(page, record)
        self.watch.look(page, found.facts, found.sources)
        if page.partition is not None and page.topic != POLICY:
            keys = [record.key or b"" for record in found.sources]
            right = partitions_of(keys, page.partitions)
            strays = [one for one, place in zip(found.sources, right, strict=True) if place != page.partition]
            self.watch.misplaced(page, strays)

    def bad_line(self, number: int, line: bytes, message: str) -> None:
        """A line is no record."""
        self.bad_lines += 1
        self.faults.add(fault_of(None, BAD_LINE, message), Place(None, number), None, line, message)

    def finish(self) -> None:
        """All records have been checked."""
        self.watch.finish()
