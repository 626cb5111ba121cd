"""Bytes with something wrong, from bytes with nothing wrong; all of it follows from a source of chance."""

import random
from collections.abc import Callable, Sequence

WORDS = (
    *(b"null", b"true", b"-0", b"1e999", b"-1e-999", b"1.0", b"NaN", b"Infinity", b"[]", b"{}", b'""', b"1" * 400),
    *(b"1000000000000", b"8796093022208", b"8796093022207", b"999999999999", b"1000000000001", b"9223372036854775808"),
    *(
        b'"\\ud800"',
        b'"\\u0000"',
        b'"\\udc00\\ud800"',
        b'"\xc3\xa9"',
        b'"\xff"',
        b'"\\u0061"',
        b'"' + b"a" * 129 + b'"',
    ),
    *(b"[" * 2_000, b'{"a":' * 2_000, b"\xef\xbb\xbf", b"\x00", b" \t\r\n", b",", b":", b'"', b"\\", b"/**/"),
    *(
        b'"USD"',
        b'"usd"',
        b'"CNY\\n"',
        b'"paid"',
        b'"refunded"',
        b'"settled"',
        b'"t1\\n"',
        b'"t1 "',
        b"18446744073709551616",
    ),
)
MSGPACK = (
    *(b"\xc0", b"\xc1", b"\xc2", b"\xc3", b"\xcb\x7f\xf8\0\0\0\0\0\0", b"\xcf" + b"\xff" * 8, b"\xd3\x80" + b"\0" * 7),
    *(b"\x90", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x80", b"\x91" * 2_000),
    *(b"\xa1\xff", b"\xa0", b"\xc4\x00", b"\xc4\x11u" + b"\0" * 16, b"\xff", b"\x00", b"\xd4\x01\x00"),
)
"""Values of the two encodings that are at an edge, and what is none."""


def spoilt(chance: random.Random, value: bytes, others: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """The bytes with one to four things done to them."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        value = chance.choice(WAYS)(chance, value, others, words)
    return value


Way = Callable[[random.Random, bytes, Sequence[bytes], Sequence[bytes]], bytes]


def _place(chance: random.Random, value: bytes) -> int:
    return chance.randrange(len(value) + 1)


def _flipped(chance: random.Random, value: bytes, *_: Sequence[bytes]) -> bytes:
    if not value:
        return b"\x00"
    at = chance.randrange(len(value))
    return value[:at] + bytes((value[at] ^ 1 << chance.randrange(8),)) + value[at + 1 :]


def _cut(chance: random.Random, value: bytes, *_: Sequence[bytes]) -> bytes:
    return value[: _place(chance, value)]


def _without(chance: random.Random, value: bytes, *_: Sequence[bytes]) -> bytes:
    first, end = sorted((_place(chance, value), _place(chance, value)))
    return value[:first] + value[end:]


def _twice(chance: random.Random, value: bytes, *_: Sequence[bytes]) -> bytes:
    first, end = sorted((_place(chance, value), _place(chance, value)))
    return value[:end] + value[first:]


def _with_a_word(chance: random.Random, value: bytes, _: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    at = _place(chance, value)
    return value[:at] + chance.choice(words) + value[at:]


def _with_another_value(chance: random.Random, value: bytes, _: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """What stands between a colon and a comma of JSON is replaced."""
    colons = [at for at, byte in enumerate(value) if byte == ord(":")]
    if not colons:
        return value + chance.choice(words)
    at = chance.choice(colons) + 1
    end = min(end for end in (value.find(b",", at), value.find(b"}", at), len(value)) if end >= at)
    return value[:at] + chance.choice(words) + value[end:]


def _crossed(chance: random.Random, value: bytes, others: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    return value[: _place(chance, value)] + other[_place(chance, other) :]


def _random(chance: random.Random, *_: object) -> bytes:
    return chance.randbytes(chance.randrange(60))


WAYS: tuple[Way, ...] = (
    *(_flipped, _flipped, _cut, _without, _twice, _with_a_word, _with_a_word),
    *(_with_another_value, _with_another_value, _with_another_value, _crossed, _random),
)
