"""Where every record went: into facts, duplicates, dead letters, or on to its own partition."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.oracle.intake import TOKEN_TOPICS, TOPICS, Fields, Invalid, Record, canonical, key_field, read
from tests.oracle.placement import is_misplaced

LONGEST_JOURNEY = 1_024


class FactId(NamedTuple):
    """What makes records one fact: their topic, their key (token or note) and their event id."""

    topic: str
    key: str
    event_id: str


class DeadLetter(NamedTuple):
    """A record that is no fact: where it lies and why."""

    topic: str
    partition: int
    offset: int
    code: str


@dataclass
class Intake:
    """All records sorted into what they are."""

    partitions: int
    longest_journey: int
    contents: dict[FactId, dict[bytes, Fields]] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    consumed: Counter[str] = field(default_factory=Counter)
    forwarded: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)  # distinct contents of each journey

    def take(self, record: Record) -> None:
        """Sort one more record."""
        self.consumed[record.topic] += 1
        said = read(record)
        if isinstance(said, Invalid):
            self._bury(record, said.code)
        elif is_misplaced(record, self.partitions):
            self.forwarded[record.topic] += 1
        else:
            self._absorb(record, said)

    def _absorb(self, record: Record, fields: Fields) -> None:
        key = fields[key_field(record.topic)]
        fact, content = FactId(record.topic, key, fields["event_id"]), canonical(fields)
        if content in self.contents.get(fact, {}):
            return
        if record.topic in TOKEN_TOPICS:
            # Contents that lose a conflict fill a journey too; what it already holds still comes in, as a duplicate.
            if self.held[key] >= self.longest_journey:
                self._bury(record, "token_overflow")
                return
            self.held[key] += 1
        self.contents.setdefault(fact, {})[content] = fields

    def _bury(self, record: Record, code: str) -> None:
        self.dead_letters.append(DeadLetter(record.topic, record.partition, record.offset, code))


def take_in(records: Iterable[Record], *, partitions: int, longest_journey: int = LONGEST_JOURNEY) -> Intake:
    """Sort the records, in their order of arrival; the order matters only once a journey is full."""
    intake = Intake(partitions, longest_journey)
    for record in records:
        intake.take(record)
    return intake


def standing(contents: Mapping[bytes, Fields]) -> Fields:
    """The content that stands: of the greatest time, then of the canonical JSON that is greater as bytes."""
    return max(contents.items(), key=lambda item: (item[1]["at_ms"], item[0]))[1]


def account(intake: Intake) -> dict[str, dict[str, Any]]:
    """The ledger's lines of each topic."""
    return {topic: _account_of(intake, topic) for topic in TOPICS}


def _account_of(intake: Intake, topic: str) -> dict[str, Any]:
    facts = [contents for fact, contents in intake.contents.items() if fact.topic == topic]
    invalid = Counter(letter.code for letter in intake.dead_letters if letter.topic == topic)
    absorbed = intake.consumed[topic] - invalid.total() - intake.forwarded[topic]
    line = {"consumed": intake.consumed[topic], "invalid": dict(invalid), "forwarded": intake.forwarded[topic]}
    if topic == "note-metric":
        return line | {"absorbed": absorbed}
    return line | {
        "distinct": len(facts),
        "duplicates": absorbed - len(facts),
        "conflicts": sum(len(contents) - 1 for contents in facts),
    }
