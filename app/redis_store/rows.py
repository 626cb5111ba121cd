"""The stored form of a row of counters, in one field of a hash.

A row is a *map* of counters' short names to numbers.  A row of an hour that keeps its minutes is an array: that map for
the hour as a whole, the number of *pairs*, and these, each a minute and a map of what was counted in it.  Changes are
put behind the pairs that are there, unread, and only when there are many, those of each minute are made one.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from app.redis_store.cells import CODES, NAMES
from streams.commits import WHOLE, RowChanges
from streams.errors import LaneStopped

MOST_PAIRS: Final = 128
ARRAY: Final = b"\x93"  # what an array of three begins with in msgpack
NUMBERS: Final = [bytes((number,)) for number in range(WHOLE)]  # in msgpack

Packed: TypeAlias = dict[int | str, int]


Hour: TypeAlias = tuple[Packed, int, bytes]
"""A row of an hour as it is stored: the whole, the number of pairs, the pairs."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Packed).decode
_unpack_hour: Callable[[bytes], Hour] = msgspec.msgpack.Decoder(Hour).decode
_unpack_pairs = msgspec.msgpack.Decoder(list[int | Packed]).decode


def changed(value: bytes | None, changes: RowChanges, key: bytes) -> bytes:
    """A map with changes added, zeros left out; LaneStopped if it is none."""
    row = {} if value is None else _read_map(value, key)
    for _, counts in changes:
        _add(row, _short(counts))
    return _pack(_without_zeros(row))


def continued(value: bytes | None, changes: RowChanges, key: bytes) -> bytes:
    """A row of an hour with changes added; LaneStopped if it is none."""
    if value is None and len(changes) == 1:
        ((minute, counts),) = changes  # most are of this kind
        short = _short(counts)
        packed = _pack(short)
        return packed if minute == WHOLE else _pack((short, 1, NUMBERS[minute] + packed))
    whole, number, pairs = ({}, 0, b"") if value is None else _read_hour(value, key)
    for minute, counts in changes:
        short = _short(counts)
        _add(whole, short)
        if minute != WHOLE:
            number, pairs = number + 1, pairs + NUMBERS[minute] + _pack(short)
    return _packed(whole, number, pairs) if number <= MOST_PAIRS else _packed(whole, *_joined(number, pairs, key))


def settled(value: bytes, key: bytes) -> bytes | None:
    """A row of an hour without its minutes; None if it keeps none.  Errors as `continued`."""
    return _packed(_read_hour(value, key)[0]) if value[:1] == ARRAY else None


def read_row(value: bytes, key: bytes) -> dict[str, int]:
    """The counters of a row by their names, of an hour those of the whole; LaneStopped if it cannot be read."""
    return _named(_read_hour(value, key)[0])


def read_minutes(value: bytes, key: bytes) -> list[tuple[int, dict[str, int]]]:
    """The minutes of a row of an hour, some more than once, with their counters; errors as `read_row`."""
    _, number, pairs = _read_hour(value, key)
    return [(minute, _named(counts)) for minute, counts in _read_pairs(number, pairs, key)]


def _read_map(value: bytes, key: bytes) -> Packed:
    try:
        return _unpack(value)
    except msgspec.DecodeError as error:
        raise _unreadable(key, error) from error


def _read_hour(value: bytes, key: bytes) -> Hour:
    if value[:1] != ARRAY:
        return _read_map(value, key), 0, b""
    try:
        return _unpack_hour(value)
    except msgspec.DecodeError as error:
        raise _unreadable(key, error) from error


def _read_pairs(number: int, pairs: bytes, key: bytes) -> list[tuple[int, Packed]]:
    try:
        items = _unpack_pairs(b"\xdc" + (2 * number).to_bytes(2, "big") + pairs)
    except (msgspec.DecodeError, OverflowError) as error:
        raise _unreadable(key, error) from error
    read = list[tuple[int, Packed]]()
    for minute, counts in zip(items[::2], items[1::2], strict=True):
        if not isinstance(minute, int) or not isinstance(counts, dict):
            raise _unreadable(key, "minutes and their counters do not stand in turn")
        read.append((minute, counts))
    return read


def _unreadable(key: bytes, why: object) -> LaneStopped:
    return LaneStopped(f"{key.decode()} holds a row that cannot be read: {why}")


def _joined(number: int, pairs: bytes, key: bytes) -> tuple[int, bytes]:
    """The same with one pair for each minute, zeros left out."""
    minutes: dict[int, Packed] = {}
    for minute, counts in _read_pairs(number, pairs, key):
        _add(minutes.setdefault(minute, {}), counts)
    some = {minute: kept for minute, counts in minutes.items() if (kept := _without_zeros(counts))}
    return len(some), b"".join([NUMBERS[minute] + _pack(counts) for minute, counts in some.items()])


def _packed(whole: Packed, number: int = 0, pairs: bytes = b"") -> bytes:
    whole = _without_zeros(whole)
    return _pack((whole, number, pairs)) if number else _pack(whole)


def _add(row: Packed, changes: Packed) -> None:
    for short, change in changes.items():
        row[short] = row.get(short, 0) + change


def _without_zeros(row: Packed) -> Packed:
    return {short: count for short, count in row.items() if count} if 0 in row.values() else row


def _short(counts: Mapping[str, int]) -> Packed:
    return {short_name(name): count for name, count in counts.items() if count}


def _named(row: Packed) -> dict[str, int]:
    return {long_name(short): count for short, count in row.items()}


@lru_cache(4_096)
def short_name(name: str) -> int | str:
    """What stands for a counter's name in a row: its place in the list, for `gross_minor:CNY` that and what follows."""
    base, _, rest = name.partition(":")
    code = CODES.get(base)
    if code is None or (rest == "" and base != name):
        return f"?{name}"
    return f"{chr(code[0])}{rest}" if rest else code[0]


@lru_cache(4_096)
def long_name(short: int | str) -> str:
    """The name of `short_name`."""
    if isinstance(short, int):
        return NAMES[short - 1]
    return short[1:] if short[0] == "?" else f"{NAMES[ord(short[0]) - 1]}:{short[1:]}"
