"""The recount: all journeys that are held, counted again from nothing, against what was counted as they grew."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from app.auditing.problems import Problems
from app.auditing.sums import Sums, tally_of
from streams.core.credit import Outcomes, outcomes
from streams.core.metrics import changes
from streams.core.terms import PolicySet
from streams.errors import LaneStopped
from streams.metric_digest import unpack_metric
from streams.murmur2 import partitions_of
from streams.policy_book import PolicyBook
from streams.rollups import Counts
from streams.stored import JourneyCodec
from streams.words import Words

NOTE_MARK: Final = "/"  # the first character of a note's name among the stored ones


class Counted(NamedTuple):
    """A journey that is held, judged by the policies that it was counted under last."""

    token: str
    lane: int
    outcomes: Outcomes


class LaneMemory(NamedTuple):
    """What is needed to read a lane's journeys."""

    codec: JourneyCodec
    policies: list[PolicySet]  # [n - 1]: the first n that entered the lane


def lane_memory(words: Sequence[str], versions: Sequence[int], book: PolicyBook) -> LaneMemory:
    """`versions` are the lane's policies in the order in which they entered; the book knows them."""
    return LaneMemory(JourneyCodec(Words(words)), book.sets(versions))


class Recount:
    """Takes everything stored, page by page, and remembers sums only."""

    def __init__(self, lanes: Mapping[int, LaneMemory], partitions: int, hours: range) -> None:
        self.sums = Sums(hours)
        self.figures: dict[str, Counts] = {}
        self.problems = Problems()
        self._lanes = lanes
        self._partitions = partitions

    def take(self, page: Sequence[tuple[str, bytes]], wanted: Collection[int]) -> Iterator[Counted]:
        """Count the journeys of the lanes that are wanted, and yield them; all notes' figures go with lane 0."""
        lanes = partitions_of([name.encode() for name, _ in page], self._partitions)
        for (name, value), lane in zip(page, lanes, strict=True):
            if name.startswith(NOTE_MARK):
                if 0 in wanted:
                    self._take_note(name.removeprefix(NOTE_MARK), value)
            elif lane in wanted:
                counted = self._take_journey(name, lane, value)
                if counted is not None:
                    yield counted

    def _take_journey(self, token: str, lane: int, value: bytes) -> Counted | None:
        codec, policies = self._lanes[lane]
        try:
            journey, known = codec.unpack(token, value)
            judged = outcomes(journey, policies[known - 1])
            self.sums.take(tally_of(journey, judged))
        except Exception as error:  # whatever a damaged journey does to the core is a finding
            self.problems.add("unreadable", lane=lane, token=token, error=str(error) or repr(error))
            return None
        return Counted(token, lane, judged)

    def _take_note(self, note_id: str, value: bytes) -> None:
        try:
            self.figures[note_id] = changes(None, unpack_metric(note_id, value))
        except LaneStopped as error:
            self.problems.add("unreadable_note", note=note_id, error=str(error))
