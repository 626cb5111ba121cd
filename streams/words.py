"""Words and ids: what journeys name again and again by number, and ids as what they write out."""

import uuid
from collections.abc import Iterable
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


class Words:
    """The words of a lane and their numbers; those that are `new` must go to the store with the next commit."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._texts = list(known)
        self._codes: dict[str | None, Packed | None] = {text: -1 - n for n, text in enumerate(self._texts)}
        self._codes[None] = None
        self.new: list[str] = []

    def code(self, text: str | None) -> Packed | None:
        """What stands for a text in a journey: the number of a word, as a negative one, or the packed id."""
        code = self._codes.get(text)
        return code if code is not None or text is None else self._learn(text)

    def _learn(self, text: str) -> Packed:
        if len(self._texts) >= MOST_WORDS or len(text) > LONGEST_WORD:
            return pack_id(text)
        self._texts.append(text)
        self.new.append(text)
        self._codes[text] = code = -len(self._texts)
        return code

    def text(self, code: Packed) -> str:
        """The text that `code` was given."""
        return self._texts[-1 - code] if isinstance(code, int) and code < 0 else unpack_id(code)
