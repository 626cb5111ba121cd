"""What differs between a namespace and its copy, by part; of each part the first are kept and all are counted."""

from collections import Counter
from typing import Final, Literal, NamedTuple, TypeAlias

Part: TypeAlias = Literal["journey", "figures", "counter", "ledger", "series", "reused_order", "result"]

MOST: Final = 100  # kept of each part


class Difference(NamedTuple):
    """One place where they differ; None: it is not there."""

    part: Part
    place: str
    stands: str | int | None  # what is in force, or was published
    copied: str | int | None


class Differences:
    """Differences as they are found."""

    def __init__(self) -> None:
        self.counts: Counter[Part] = Counter()
        self.kept: list[Difference] = []

    def add(self, part: Part, place: str, stands: str | int | None, copied: str | int | None) -> None:
        """Note one, unless enough of its part are known."""
        self.counts[part] += 1
        if self.counts[part] <= MOST:
            self.kept.append(Difference(part, place, stands, copied))

    def left_out(self) -> dict[Part, int]:
        """How many of each part are not kept."""
        return {part: count - MOST for part, count in self.counts.items() if count > MOST}
