"""Kinds of faults and warnings, each counted and with its first examples."""

import re
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from streams.records import Record

MOST_KINDS: Final = 200
"""Of faults, and of warnings; beyond that they are told apart less."""
SHOWN_BYTES: Final = 160

About: TypeAlias = Literal[
    "conflict", "spelling", "time_unit", "platform", "no_click", "currencies", "two_tokens", "partition"
]


class Fault(NamedTuple):
    """Why records are invalid: the code of their dead letters, the field, and what is wrong without the details."""

    topic: str | None  # None: a line that is no record
    code: str
    field: str | None
    rule: str

    @property
    def vague(self) -> "Fault":
        """The same with less said."""
        return Fault(self.topic, self.code, None, "")


class Warned(NamedTuple):
    """Why valid records are probably not what was meant, or what may have gone wrong with invalid ones."""

    topic: str
    about: About
    subject: str = ""
    meant: str = ""  # instead of the subject

    @property
    def vague(self) -> "Warned":
        """The same with less said."""
        return Warned(self.topic, self.about)


class Place(NamedTuple):
    """Where a record is: a partition and an offset, or no partition and the number of a line."""

    partition: int | None
    number: int


class Page(NamedTuple):
    """What some records that are looked at together have in common."""

    topic: str
    partition: int | None  # where they are or are meant to go; None: where their keys belong
    partitions: int  # of the topic
    lines: bool  # their offsets are numbers of lines

    def place(self, record: Record) -> Place:
        """Where one of them is."""
        return Place(None if self.lines else self.partition, record.offset)


class Example(NamedTuple):
    """A record of some kind."""

    place: Place
    key: bytes | None
    value: bytes | None  # its beginning; None: not one record is meant but its key
    length: int  # of the whole value
    message: str = ""


Kind = TypeVar("Kind", Fault, Warned)


class Found:
    """How many records are of one kind, and the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[Example] = []


class Kinds(Generic[Kind]):
    """Records by kind."""

    def __init__(self, examples: int) -> None:
        self._most = examples
        self._found: dict[Kind, Found] = {}

    def add(self, kind: Kind, place: Place, key: bytes | None, value: bytes | None, message: str = "") -> None:
        """Count a record."""
        found = self._found.get(kind)
        if found is None:
            if len(self._found) >= MOST_KINDS:
                kind = kind.vague
            found = self._found.setdefault(kind, Found())
        found.count += 1
        if len(found.examples) < self._most:
            shown = None if value is None else value[:SHOWN_BYTES]
            found.examples.append(Example(place, key, shown, len(value or b""), message))

    def most_first(self) -> list[tuple[Kind, Found]]:
        """All kinds, those with the most records first."""
        return sorted(self._found.items(), key=lambda item: (-item[1].count, str(item[0])))


_AT_FIELD: Final = re.compile(r"at `\$\.?([^`]*)`")
_FIELD_FIRST: Final = re.compile(r"(\w+): ")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER: Final = re.compile(r"\d+")


def fault_of(topic: str | None, code: str, message: str) -> Fault:
    """The kind of what the decoder says of a record."""
    if code == "missing_field":
        return Fault(topic, code, message.partition(": ")[2], "")
    if code != "bad_field":
        return Fault(topic, code, None, _QUOTED.sub("…", _NUMBER.sub("#", message.partition(":")[0])))
    found = _AT_FIELD.search(message) or _FIELD_FIRST.match(message)
    return Fault(topic, code, found[1] if found else None, _QUOTED.sub("…", message))
