"""Recorded traffic: one JSON object a line, each a record to be sent again."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from app.simulator.facts import Outgoing
from streams.topics import TOKEN_TOPICS

KEY_FIELD: Final = {**dict.fromkeys(TOKEN_TOPICS, "token"), "note-metric": "note_id", "policy": "version"}
"""The input topics and the field that is a record's key where a line gives none."""


class BadLine(Exception):
    """A line that is no record; the message says which, and why."""


class Recorded(NamedTuple):
    """A record from a file, and its event time in ms if it has one."""

    record: Outgoing
    at_ms: int | None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    topic: str
    value: msgspec.Raw
    key: str | msgspec.UnsetType | None = msgspec.UNSET
    partition: int | None = None
    timestamp_ms: int | None = None


class _Value(msgspec.Struct):
    token: Any = None
    note_id: Any = None
    version: Any = None
    at_ms: Any = None


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_value = msgspec.json.Decoder(_Value).decode
_decode_text = msgspec.json.Decoder(str).decode


def read_lines(lines: Iterable[bytes], *, partitions: int) -> Iterator[Recorded]:
    """Yield the record of every line that is not blank; raises BadLine at the first that is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield read_line(line, partitions=partitions)
        except (ValueError, RecursionError) as error:
            raise BadLine(f"line {number}: {error}") from None


def read_line(text: bytes, *, partitions: int) -> Recorded:
    """The record of one line; raises ValueError or RecursionError if it is none."""
    line = _decode_line(text)
    if line.topic not in KEY_FIELD:
        raise ValueError(f"topic {line.topic!r} is none of {', '.join(KEY_FIELD)}")
    if line.partition is not None and not 0 <= line.partition < partitions:
        raise ValueError(f"partition {line.partition} is not one of 0 to {partitions - 1}")
    if line.timestamp_ms is not None and line.timestamp_ms < 0:
        raise ValueError(f"timestamp_ms {line.timestamp_ms} is negative")
    value, fields = _content(bytes(line.value))
    key = _default_key(fields, KEY_FIELD[line.topic]) if line.key is msgspec.UNSET else line.key
    record = Outgoing(line.topic, line.partition, None if key is None else key.encode(), value, line.timestamp_ms)
    return Recorded(record, fields.at_ms if isinstance(fields.at_ms, int) else None)


def _content(value: bytes) -> tuple[bytes, _Value]:
    """What is to be sent, byte for byte as it stands in the file, or a string's content; and what it says."""
    if value[:1] == b'"':
        return _decode_text(value).encode(), _Value()
    if value[:1] != b"{":
        raise ValueError("value must be an object, or a string that is sent as it is")
    return value, _decode_value(value)


def key_of(topic: str, value: bytes) -> bytes | None:
    """The key that the value itself gives its record, as a line without a key; None where it gives none."""
    try:
        key = _default_key(_decode_value(value), KEY_FIELD[topic])
    except (ValueError, RecursionError):
        return None
    return None if key is None else key.encode(errors="surrogatepass")


def _default_key(fields: _Value, name: str) -> str | None:
    found = getattr(fields, name)
    return str(found) if isinstance(found, str | int) else None
