"""Dead letters: records that could not be counted, as the topic `dead-letter` keeps them, with the reason."""

import base64
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from streams.records import Record

CODES: Final = (
    "too_large",
    "not_json",
    "missing_field",
    "bad_field",
    "key_mismatch",
    "token_overflow",
    "internal",
)
"""Why a record becomes a dead letter; the first that applies."""

_CODE, _MESSAGE = "__dlq.error.code", "__dlq.error.message"
_TOPIC, _PARTITION, _OFFSET = "__dlq.original.topic", "__dlq.original.partition", "__dlq.original.offset"
_TIMESTAMP, _KEY = "__dlq.original.timestamp", "__dlq.original.key"
_HEADERS: Final = frozenset((_CODE, _MESSAGE, _TOPIC, _PARTITION, _OFFSET, _TIMESTAMP, _KEY))
_MOST_DIGITS: Final = 15


class HeadedRecord(Record, Protocol):
    """A record with its headers."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Letter(msgspec.Struct, frozen=True):
    """A dead letter; what a foreign writer did not say is None."""

    partition: int
    offset: int
    code: str | None
    message: str | None
    topic: str | None  # where the record stood, and its place there
    original_partition: int | None
    original_offset: int | None
    timestamp_ms: int  # of the record; where nobody says, that of the letter
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]  # all others

    @property
    def name(self) -> str:
        """What people call it: PARTITION:OFFSET in the topic of dead letters."""
        return f"{self.partition}:{self.offset}"


def letter_of(partition: int, record: HeadedRecord) -> Letter:
    """The letter in a record of the topic of dead letters."""
    said: dict[str, bytes | None] = {}
    others = []
    for name, content in record.headers:
        if name in _HEADERS:
            said.setdefault(name, content)
        else:
            others.append((name, content))
    timestamp_ms = _number(said, _TIMESTAMP)
    return Letter(
        partition=partition,
        offset=record.offset,
        code=_text(said, _CODE),
        message=_text(said, _MESSAGE),
        topic=_text(said, _TOPIC),
        original_partition=_number(said, _PARTITION),
        original_offset=_number(said, _OFFSET),
        timestamp_ms=max(record.timestamp, 0) if timestamp_ms is None else timestamp_ms,
        key=said.get(_KEY, record.key),
        value=record.value,
        headers=others,
    )


def json_of(letter: Letter, *, replayed: bool) -> dict[str, Any]:
    """Everything about a letter for JSON; bytes that are no UTF-8 are `NAME_base64` instead of `NAME`."""
    fields = {name: getattr(letter, name) for name in letter.__struct_fields__ if name not in {"key", "value"}}
    headers = [{"name": name, **_bytes("value", content)} for name, content in letter.headers]
    return (
        fields | {"replayed": replayed, "headers": headers} | _bytes("key", letter.key) | _bytes("value", letter.value)
    )


def _bytes(name: str, content: bytes | None) -> dict[str, str | None]:
    if content is None:
        return {name: None}
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(content).decode()}


def _text(said: dict[str, bytes | None], name: str) -> str | None:
    content = said.get(name)
    return None if content is None else content.decode(errors="replace")


def _number(said: dict[str, bytes | None], name: str) -> int | None:
    content = said.get(name) or b""
    return int(content) if content.isdigit() and len(content) <= _MOST_DIGITS else None
