"""Names that nobody knows but that look like one that is known."""

import difflib
import re
from collections.abc import Iterable
from typing import Final

from app.validating.decoding import KNOWN_FIELDS

SAME: Final = 0.8
"""How much of two names must be the same."""
LONGEST_NAME: Final = 64
MOST_NAMES: Final = 1_000
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Spelling:
    """Tells what unknown fields are meant for; remembers the first MOST_NAMES and looks at no more."""

    def __init__(self) -> None:
        self._meant = {(topic, name): "" for topic, names in KNOWN_FIELDS.items() for name in names}

    def meant(self, topic: str, name: str) -> str:
        """The field that an unknown one is probably meant for, or nothing."""
        meant = self._meant.get((topic, name))
        if meant is None and len(self._meant) < MOST_NAMES:
            meant = self._meant[topic, name] = alike(name, KNOWN_FIELDS[topic])
        return meant or ""


def alike(name: str, known: Iterable[str]) -> str:
    """The known name that `name` resembles, or nothing: noteId is note_id, Tmall is tmall, amount is amount_minor."""
    if len(name) > LONGEST_NAME:
        return ""
    names = sorted(known)
    plain = _HUMP.sub("_", name).replace("-", "_").lower()
    if near := difflib.get_close_matches(plain, names, n=1, cutoff=SAME):
        return near[0]
    return next((one for one in names if one.startswith(f"{plain}_")), "")
