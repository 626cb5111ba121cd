"""Words and ids: what journeys name again and again by number, and ids as what they write out.

A *placement* is all that the clicks on one link have in common: note, kind, link, shop, category, campaign, people.
It is a word too: most clicks are an id, a time and the number of their placement.
"""

import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from msgspec.structs import astuple

from streams.core.facts import Click

MOST_WORDS: Final = 200_000  # of a lane; a new owner reads them all, so later ones are kept in full
LONGEST_WORD: Final = 64

_HEX_LENGTHS = frozenset((16, 24, 32, 40, 64))
_UUID_LENGTH, _UUID_BYTES = 36, 17

Packed = str | bytes | int

Placement: TypeAlias = tuple[Any, ...]
"""The fields of a click from `note_id` to `poster_id`, in their order."""

PLACEMENT_FIELDS: Final = slice(3, 12)
NOTHING, NUMBER, BETWEEN = "", "#", "|"  # in the text of a placement; no id has these characters


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


class _Texts(dict[Any, Any]):
    """The words by what stands for them; everything else is a packed id."""

    def __init__(self) -> None:
        super().__init__({None: None})
        self.new: list[str] = []

    def __missing__(self, code: Packed) -> str:
        if isinstance(code, int) and code < 0:
            raise KeyError(f"no word has the number {-code}")
        return unpack_id(code)

    def full(self) -> bool:
        """Whether no more words are taken."""
        return len(self) > MOST_WORDS  # one of them is None

    def learn(self, text: str | Placement, stored: str) -> int:
        """What stands for a new word from now on."""
        number = len(self)
        self.new.append(stored)
        self[-number] = text
        return -number


class _Codes(dict[Any, Any]):
    """What stands for each word; learns those that it lacks."""

    def __init__(self, texts: _Texts) -> None:
        super().__init__({None: None})
        self._texts = texts

    def __missing__(self, text: str) -> Packed:
        if len(text) > LONGEST_WORD or self._texts.full():
            return pack_id(text)
        self[text] = code = self._texts.learn(text, text)
        return code


class _Places(dict[Placement, Any]):
    """What stands for each placement; learns those that it lacks."""

    def __init__(self, codes: _Codes, texts: _Texts) -> None:
        super().__init__()
        self._codes = codes
        self._texts = texts

    def __missing__(self, place: Placement) -> Packed | list[Any]:
        code_of = self._codes.__getitem__
        note, kind, link, *others = place
        fields = [code_of(note), _ORIGIN_CODES[kind, link], *map(code_of, others)]
        if self._texts.full():
            return fields
        stored = BETWEEN.join(map(_field_text, (fields[0], kind, link, *fields[2:]), place))
        self[place] = code = self._texts.learn(place, stored)
        return code


class Words:
    """The words of a lane and their numbers; those that are `new` must go to the store with the next commit.

    `code` gives what stands for a text in a journey: the number of a word, as a negative one, or the packed id; `text`
    gives the text back.  Both are look-ups without a function of Python's own.  Nothing in here leads back to what it
    is part of: there can be a great many words, and they shall go at once when their lane does.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        texts = _Texts()
        codes = _Codes(texts)
        self._places, self._texts = _Places(codes, texts), texts
        self.code: Callable[[str | None], Packed | None] = codes.__getitem__
        self.text: Callable[[Packed | None], str | None] = texts.__getitem__
        for number, text in enumerate(known, 1):
            if BETWEEN in text:
                place = self._read_place(text)
                self._places[place], texts[-number] = -number, place
            else:
                codes[text], texts[-number] = -number, text

    @property
    def new(self) -> list[str]:
        """The words that the store does not have yet, in their order."""
        return self._texts.new

    def stored(self) -> None:
        """Say that the store has all words now."""
        self._texts.new = []

    def place(self, click: Click) -> Packed | list[Any]:
        """What stands for the placement of a click: its number, or the codes of its fields if no more are numbered."""
        return self._places[astuple(click)[PLACEMENT_FIELDS]]  # type: ignore[no-any-return]

    def placement(self, code: int | list[Any]) -> Placement:
        """The placement that `place` gave a code for; KeyError when it is unknown."""
        if code.__class__ is int:
            return self._texts[code]  # type: ignore[no-any-return]
        note, origin, *others = code  # type: ignore[misc]
        return (self.text(note), *ORIGINS[origin], *map(self.text, others))

    def _read_place(self, text: str) -> Placement:
        return tuple(self._read_field(field) for field in text.split(BETWEEN))

    def _read_field(self, field: str) -> str | None:
        if field.startswith(NUMBER):
            return self._texts[-int(field[1:])]  # type: ignore[no-any-return]
        return field or None


def _field_text(code: Packed | None, text: str | None) -> str:
    """A field of a placement as a part of the word: the number of another word, or itself."""
    return f"{NUMBER}{-code}" if isinstance(code, int) and code < 0 else text or NOTHING


ORIGINS: Final = (("ad", "note"), ("ad", "comment"), ("ugc", "note"), ("ugc", "comment"))
_ORIGIN_CODES = {origin: code for code, origin in enumerate(ORIGINS)}
