"""What a replay finds out about the letters that were selected, one after the other."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from app.dead_letters.letters import Letter
from app.dead_letters.listing import UNKNOWN, by_topic
from app.dead_letters.plan import Plan, Problem
from app.dead_letters.replayed import Replayed
from streams.records import Message

MOST_PROBLEMS: Final = 1_000  # that are kept in full
EXAMPLES: Final = 3


class Ready(NamedTuple):
    """A letter and the record that it is replayed as."""

    letter: Letter
    record: Message


class Report:
    """What became of the letters that were selected."""

    def __init__(self) -> None:
        self.selected = 0
        self.replayed_before = 0
        self.replayable: Counter[tuple[str, str]] = Counter()  # by topic and code
        self.replayed = 0
        self.left_alone: Counter[str] = Counter()  # by reason
        self.problems: list[Problem] = []  # the first of these
        self.examples: list[Message] = []  # the first records to be sent

    def take(self, found: Ready | Problem) -> None:
        """Count a letter that was not replayed before."""
        if isinstance(found, Problem):
            self.left_alone[found.reason] += 1
            if len(self.problems) < MOST_PROBLEMS:
                self.problems.append(found)
            return
        self.replayable[found.record.topic, found.letter.code or UNKNOWN] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(found.record)

    def json(self) -> dict[str, Any]:
        """Everything but the examples, for JSON."""
        return {
            "selected": self.selected,
            "replayed_before": self.replayed_before,
            "replayable": self.replayable.total(),
            "replayed": self.replayed,
            "topics": by_topic(self.replayable),
            "left_alone": dict(sorted(self.left_alone.items())),
            "problems": [_json_of(problem) for problem in self.problems],
        }


def _json_of(problem: Problem) -> dict[str, Any]:
    letter = problem.letter
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "topic": letter.topic,
        "code": letter.code,
        "reason": problem.reason,
        "message": problem.message,
    }


async def judged(
    letters: AsyncIterator[Letter], plan: Plan, replayed: Replayed, report: Report
) -> AsyncIterator[Ready]:
    """The first letters that can be replayed; what is found on the way stands in the report."""
    async for letter in letters:
        report.selected += 1
        if letter in replayed:
            report.replayed_before += 1
            continue
        record = plan.record_of(letter)
        found = record if isinstance(record, Problem) else Ready(letter, record)
        report.take(found)
        if isinstance(found, Ready):
            yield found
            if report.replayable.total() == plan.limit:
                return
