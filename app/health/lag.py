"""How long records have been waiting in Kafka, told from how far its ends were ahead at which time.  No clock.

The timestamps of the records cannot say it: many producers put the time of the event there.
"""

from collections import deque
from typing import Final

from streams.records import Positions

MOST_SIGHTINGS: Final = 256


class Waiting:
    """One lane's sightings of Kafka's ends that it has not reached."""

    def __init__(self) -> None:
        self.ends: Positions = {}  # as they were seen last
        self._ahead: deque[tuple[float, Positions]] = deque()

    def see(self, at_s: float, ends: Positions, positions: Positions) -> None:
        """The lane stands at `positions`, Kafka's topics end at `ends`."""
        self.ends = ends
        if (not self._ahead or self._ahead[-1][1] != ends) and not reached(positions, ends):
            self._ahead.append((at_s, ends))
        if len(self._ahead) > MOST_SIGHTINGS:
            # The longer the wait, the less a moment matters: every second sighting goes, the first stays.
            self._ahead = deque(list(self._ahead)[::2])

    def seconds(self, now_s: float, positions: Positions) -> float:
        """For how long the longest waiting record has been seen to wait."""
        while self._ahead and reached(positions, self._ahead[0][1]):
            self._ahead.popleft()
        return now_s - self._ahead[0][0] if self._ahead else 0.0

    def records(self, positions: Positions) -> dict[str, int]:
        """By topic, how many offsets wait."""
        return {topic: max(0, end - positions.get(topic, 0)) for topic, end in self.ends.items()}


def reached(positions: Positions, ends: Positions) -> bool:
    """Whether a lane at `positions` has come to `ends`."""
    return all(positions.get(topic, 0) >= end for topic, end in ends.items())
