"""The counters of a note: one hash with a field per cell and counter, short because there are many.

A field is the cell's id (6 bytes of a digest of its text) and the code of the counter's name.  Code 0 marks the
cell's definition: its text.  Redis keeps small hashes as flat lists, which take a third of the memory, but which it
searches from end to end: so a definition is cut in parts as long as the hash is small, and long afterwards, which
makes Redis turn the list into a table.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final, TypeAlias

from app.redis_store.resp import length_head
from streams.errors import LaneStopped

Cells: TypeAlias = dict[str, dict[str, int]]
"""Counters of a note by the text of the cell."""

ID_BYTES: Final = 6
DEFINITION: Final = b"\0"
PART_BYTES: Final = 60  # of a definition; up to 64 fit into a flat list
TABLE_FROM: Final = 96  # fields; from here on a table is quicker than a list
LONG: Final = 65

NAMES: Final = (
    *("clicks", "clicks_refused", "entries", "favourites", "carts", "orders", "orders_pending", "orders_held"),
    *("orders_closed", "gross_minor", "refunded_minor", "clicks_entered", "clicks_ordered", "refused"),
    *("reads", "likes", "saves", "comments", "shares"),
    "clicks_repeated",  # those that are not their token's first: for telling how many tokens there are
)
"""Stored by their place in this list: add at the end only."""

CODES: Final = {name: bytes((number,)) for number, name in enumerate(NAMES, 1)}
UNLISTED: Final = b"\xff"  # the name follows in full


@lru_cache(maxsize=65_536)
def cell_id(text: str) -> bytes:
    """What stands for a cell in the fields of its note."""
    return blake2b(text.encode(), digest_size=ID_BYTES).digest()


@lru_cache(maxsize=4_096)
def name_code(name: str) -> tuple[bytes, bytes]:
    """What stands for a counter's name: a byte, for `gross_minor:CNY` and the like the byte and what follows it.

    Before it stands what the argument of a field with that code begins with.
    """
    base, _, rest = name.partition(":")
    listed = base in CODES and (rest or base == name)
    code = CODES[base] + rest.encode() if listed else UNLISTED + name.encode()
    return length_head(ID_BYTES + len(code)), code


def name_of(code: bytes) -> str:
    """The counter's name of `name_code`."""
    if code[:1] == UNLISTED:
        return code[1:].decode()
    name = NAMES[code[0] - 1]
    return f"{name}:{code[1:].decode()}" if len(code) > 1 else name


def definition(text: str, fields: int) -> list[tuple[bytes, bytes]]:
    """Fields and values that define a cell in a hash of so many fields."""
    value, field = text.encode(), cell_id(text) + DEFINITION
    if fields >= TABLE_FROM:
        return [(field, value.ljust(LONG, b"\0"))]
    parts = [value[start : start + PART_BYTES] for start in range(0, len(value), PART_BYTES)] or [b""]
    return [(field + bytes((number,)) if number else field, part) for number, part in enumerate(parts)]


def read_cells(fields: Mapping[bytes, bytes], key: bytes) -> Cells:
    """The counters of a note that are not 0; LaneStopped when the hash cannot be read."""
    texts: dict[bytes, bytes] = {}
    counters: dict[bytes, dict[str, int]] = {}
    try:
        for field, value in sorted(fields.items()):
            cell, code = field[:ID_BYTES], field[ID_BYTES:]
            if code[:1] == DEFINITION:
                texts[cell] = texts.get(cell, b"") + value
            elif count := int(value):
                counters.setdefault(cell, {})[name_of(code)] = count
        return {texts[cell].rstrip(b"\0").decode(): counts for cell, counts in counters.items()}
    except (IndexError, KeyError, ValueError) as error:
        raise LaneStopped(f"{key.decode()} holds what is no counter: {error!r}") from error
