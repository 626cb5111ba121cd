"""The notes' own figures as they grow, told every hour for many notes at once."""

from collections.abc import Sequence
from random import Random

from app.simulator.config import Mix
from app.simulator.facts import Click, Fact, NoteMetric
from app.simulator.journeys import Told
from app.simulator.pace import ENTRY_LATENESS, HOUR_MS


class Figures:
    """What a note's platform knows of it, from the clicks that the traffic makes."""

    def __init__(self, random: Random, mix: Mix) -> None:
        self._random = random
        self._share = mix.metric
        self._clicked: dict[str, int] = {}  # clicks of each note since its figures were told last
        self._counts: dict[str, list[int]] = {}  # reads, likes, saves, comments, shares
        self._owed = 0.0
        self._hour = 0

    def notice(self, facts: Sequence[Fact]) -> None:
        """Take note of what was sent."""
        for fact in facts:
            if isinstance(fact, NoteMetric):
                return
            if isinstance(fact, Click):
                self._clicked[fact.to.note_id] = self._clicked.get(fact.to.note_id, 0) + 1
        self._owed += len(facts) * self._share

    def tell(self, at_ms: int) -> list[Told]:
        """The figures that are told now: of some notes that were clicked, once an hour is over."""
        if at_ms // HOUR_MS == self._hour:
            return []
        self._hour = at_ms // HOUR_MS
        notes = self._random.sample(list(self._clicked), min(int(self._owed), len(self._clicked)))
        self._owed -= len(notes)
        return [self._metric(note_id, self._hour * HOUR_MS, at_ms) for note_id in notes]

    def _metric(self, note_id: str, hour_ms: int, at_ms: int) -> Told:
        random = self._random
        self._grow(note_id)
        reads, likes, saves, comments, shares = self._counts[note_id]
        metric = NoteMetric(
            f"{random.getrandbits(96):024x}", note_id, hour_ms, reads, likes, saves,
            comments if random.random() < 0.8 else None,
            shares if random.random() < 0.5 else None,
        )  # fmt: skip
        return Told(at_ms + ENTRY_LATENESS.draw(random), metric)

    def _grow(self, note_id: str) -> None:
        """More of everything for each click; but likes and saves are also taken back."""
        random, clicks = self._random, self._clicked.pop(note_id)
        counts = self._counts.setdefault(note_id, [0] * 5)
        reads = clicks * random.randrange(8, 60)
        growth = (
            reads,
            reads // 12 - random.randrange(3),
            reads // 40 - random.randrange(2),
            reads // 90,
            reads // 150,
        )
        self._counts[note_id] = [max(0, count + more) for count, more in zip(counts, growth, strict=True)]
