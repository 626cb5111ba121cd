"""Words and ids: what journeys name again and again by number, and ids as what they write out."""

import uuid
from collections.abc import Callable, Iterable
from typing import Final

MOST_WORDS: Final = 200_000  # of a lane; a new owner reads them all, so later ones are kept in full
LONGEST_WORD: Final = 64

_HEX_LENGTHS = frozenset((16, 24, 32, 40, 64))
_UUID_LENGTH, _UUID_BYTES = 36, 17

Packed = str | bytes | int


def pack_id(text: str) -> Packed:
    """The id as the number or the bytes that it writes out, where that loses nothing; numbers are never negative."""
    length = len(text)
    if length < 20 and text.isdigit() and text[0] != "0":
        return int(text)
    if length in _HEX_LENGTHS:
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            return text
        return raw if raw.hex() == text else text
    if length == _UUID_LENGTH:
        try:
            known = uuid.UUID(text)
        except ValueError:
            return text
        # One byte more than 32 hex digits, so that the two cannot be mixed up.
        return b"u" + known.bytes if str(known) == text else text
    return text


def unpack_id(packed: Packed) -> str:
    """The id that `pack_id` was given."""
    if isinstance(packed, bytes):
        return str(uuid.UUID(bytes=packed[1:])) if len(packed) == _UUID_BYTES else packed.hex()
    return str(packed)


class _Codes(dict[str | None, Packed | None]):
    """What stands for each word; asks for those that it lacks."""

    def __init__(self, learn: Callable[[str], Packed]) -> None:
        super().__init__({None: None})
        self._learn = learn

    def __missing__(self, text: str) -> Packed:
        return self._learn(text)


class _Texts(dict[Packed | None, str | None]):
    """The words by what stands for them; everything else is a packed id."""

    def __missing__(self, code: Packed) -> str:
        if isinstance(code, int) and code < 0:
            raise KeyError(f"no word has the number {-code}")
        return unpack_id(code)


class Words:
    """The words of a lane and their numbers; those that are `new` must go to the store with the next commit.

    `code` gives what stands for a text in a journey: the number of a word, as a negative one, or the packed id; `text`
    gives the text back.  Both are look-ups without a function of Python's own, for there are ten in every click.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        codes, texts = _Codes(self._learn), _Texts({None: None})
        for number, text in enumerate(known, 1):
            codes[text], texts[-number] = -number, text
        self._codes, self._texts = codes, texts
        self.code: Callable[[str | None], Packed | None] = codes.__getitem__
        self.text: Callable[[Packed | None], str | None] = texts.__getitem__
        self.new: list[str] = []

    def _learn(self, text: str) -> Packed:
        number = len(self._texts)  # one of them is None
        if number > MOST_WORDS or len(text) > LONGEST_WORD:
            return pack_id(text)
        self.new.append(text)
        self._codes[text], self._texts[-number] = -number, text
        return -number
