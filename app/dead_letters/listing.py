"""What a listing of dead letters shows: how many there are of each kind, and the latest ones."""

import heapq
from collections import Counter
from typing import Any, Final, NamedTuple

from app.dead_letters.letters import Letter

UNKNOWN: Final = "unknown"
"""Stands for a code or topic that a letter does not name."""


class Shown(NamedTuple):
    """A letter, and whether it was replayed."""

    letter: Letter
    replayed: bool


class Listing:
    """Counts of all letters that are added, and the latest of them by the times of their records."""

    def __init__(self, latest: int) -> None:
        self.letters = 0
        self.replayed = 0
        self.kinds: Counter[tuple[str, str]] = Counter()  # by topic and code
        self._most = latest
        self._latest: list[tuple[tuple[int, int, int], Shown]] = []  # a heap, the oldest first

    def add(self, letter: Letter, *, replayed: bool) -> None:
        """Take one more letter."""
        self.letters += 1
        self.replayed += replayed
        self.kinds[letter.topic or UNKNOWN, letter.code or UNKNOWN] += 1
        one = ((letter.timestamp_ms, letter.partition, letter.offset), Shown(letter, replayed))
        if len(self._latest) < self._most:
            heapq.heappush(self._latest, one)
        elif self._latest:
            heapq.heappushpop(self._latest, one)

    @property
    def latest(self) -> list[Shown]:
        """The latest letters, the very latest last."""
        return [shown for _, shown in sorted(self._latest)]

    def json(self) -> dict[str, Any]:
        """The counts for JSON."""
        return {"letters": self.letters, "replayed": self.replayed, "topics": by_topic(self.kinds)}


def by_topic(kinds: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Counts by topic and then by code, sorted by name."""
    topics: dict[str, dict[str, int]] = {}
    for (topic, code), count in sorted(kinds.items()):
        topics.setdefault(topic, {})[code] = count
    return topics
