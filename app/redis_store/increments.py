"""The counters of a commit: what is looked at before they are changed, and the requests that change them."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from app.redis_store.cells import cell_id, definition, name_code
from app.redis_store.keys import LaneKeys
from app.redis_store.link import Reply, require
from app.redis_store.resp import END, argument, command, prepared
from streams.commits import Increments
from streams.errors import LaneStopped

LIMIT: Final = 2**63
NUMBERS: Final = re.compile(rb"(?:(?:0|-?[1-9][0-9]{0,17}),)*")
SMALL: Final = {number: argument(number) + END for number in range(-1_000, 1_001)}
HMGET: Final = argument("HMGET")
HLEN: Final = argument("HLEN")
HSET: Final = argument("HSET")


class KnownNote(NamedTuple):
    """What an owner of a lane remembers of a note."""

    key: bytes
    argument: bytes  # the key as an argument
    # The ids of the cells that this owner has defined: those are there as long as its tip is.
    cells: dict[str, bytes]


KnownNotes: TypeAlias = dict[str, KnownNote]


class HashChange(NamedTuple):
    """What a commit changes in one hash of counters."""

    key: bytes
    argument: bytes  # the key as an argument
    fields: list[bytes]  # as arguments
    changes: list[int]
    new_cells: list[str]  # cells of a note that this owner has not defined yet


class CounterChanges:
    """All counter changes of one commit."""

    def __init__(self, keys: LaneKeys, increments: Increments, known: KnownNotes) -> None:
        """`known` is what this owner of the lane remembers."""
        self._shard = keys.shard
        self._known = known
        notes = [self._note_change(note_id, cells) for note_id, cells in increments.cells.items()]
        self._new_notes = {
            note_id: change for note_id, change in zip(increments.cells, notes, strict=True) if change.new_cells
        }
        self._hashes = [change for change in (_ledger_change(keys, increments.ledger), *notes) if change.fields]

    def remember(self) -> None:
        """The commit took place: the cells that it defined are known."""
        for note_id, change in self._new_notes.items():
            for cell in change.new_cells:
                self._known[note_id].cells[cell] = cell_id(cell)

    def _note_change(self, note_id: str, cells: Mapping[str, Mapping[str, int]]) -> HashChange:
        known = self._known.get(note_id)
        if known is None:
            key = self._shard.note(note_id)
            known = self._known[note_id] = KnownNote(key, argument(key), {})
        fields, changes, new_cells = [], [], []
        for cell, counters in cells.items():
            cell_bytes = known.cells.get(cell)
            if cell_bytes is None:
                cell_bytes = cell_id(cell)
                new_cells.append(cell)
            for name, change in counters.items():
                if change:
                    head, code = name_code(name)
                    fields.append(head + cell_bytes + code)
                    changes.append(change)
        return HashChange(known.key, known.argument, fields, changes, new_cells)

    def look(self) -> list[bytes]:
        """Requests that show whether any change can fail."""
        requests = [
            b"*%d%b%b%b\r\n" % (len(change.fields) + 2, HMGET, change.argument, b"".join(change.fields))
            for change in self._hashes
        ]
        for change in self._new_notes.values():
            fields = [argument(definition(cell, 0)[0][0]) for cell in change.new_cells]
            requests.append(prepared([HMGET, change.argument, *fields]))
            requests.append(prepared([HLEN, change.argument]))
        if self._new_notes:
            requests.append(command("SCARD", self._shard.notes))
        return requests

    def judge(self, replies: Iterator[Reply]) -> list[int]:
        """The number of fields in the hash of each note with new cells; raises LaneStopped if a change would fail."""
        stored = [require(next(replies), change.key) for change in self._hashes]
        # A quick look at all values together; only if that is not enough, one by one.
        together = [(b"0" if value is None else value) for values in stored for value in values]
        if not NUMBERS.fullmatch(b",".join([*together, b""])):
            for change, values in zip(self._hashes, stored, strict=True):
                _check_values(change, values)
        fields = []
        for change in self._new_notes.values():
            _check_definitions(change, require(next(replies), change.key))
            fields.append(require(next(replies), change.key))
        if self._new_notes:
            require(next(replies), self._shard.notes)
        return fields

    def write(self, pieces: list[bytes], fields: list[int]) -> int:
        """Append the requests that make the changes; returns their number.  `fields` is what `judge` returned."""
        start = len(pieces)
        for change in self._hashes:
            head = b"*4\r\n$7\r\nHINCRBY" + change.argument
            pieces += [
                head + field + (SMALL.get(by) or argument(by) + END)
                for field, by in zip(change.fields, change.changes, strict=True)
            ]
        for change, count in zip(self._new_notes.values(), fields, strict=True):
            for cell in change.new_cells:
                named = [argument(text) for pair in definition(cell, count) for text in pair]
                pieces.append(prepared([HSET, change.argument, *named]))
        if self._new_notes:
            pieces.append(command("SADD", self._shard.notes, *self._new_notes))
        return len(pieces) - start


_line_argument = lru_cache(4_096)(argument)


def _ledger_change(keys: LaneKeys, ledger: Mapping[str, int]) -> HashChange:
    changes = {line: change for line, change in ledger.items() if change}
    lines = [_line_argument(line) for line in changes]
    return HashChange(keys.ledger, keys.ledger_argument, lines, list(changes.values()), [])


def _check_values(change: HashChange, values: list[bytes | None]) -> None:
    for value, field, by in zip(values, change.fields, change.changes, strict=True):
        if value is not None and not _takes(value, by):
            raise LaneStopped(f"{change.key.decode()} field {field!r} holds {value!r}, which takes no {by:+d}")


def _takes(value: bytes, change: int) -> bool:
    try:
        number = int(value)
    except ValueError:
        return False
    return b"%d" % number == value and -LIMIT <= number + change < LIMIT


def _check_definitions(change: HashChange, stored: list[bytes | None]) -> None:
    for cell, text in zip(change.new_cells, stored, strict=True):
        if text is not None and not cell.encode().startswith(text.rstrip(b"\0")):
            raise LaneStopped(f"{change.key.decode()} has another cell in the place of {cell}: {text!r}")
