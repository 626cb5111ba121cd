"""Tables as CSV files.  Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from app.counters import COUNTS, MONEY, Counters

FORMULA: Final = ("=", "+", "-", "@")
BOM: Final = "\ufeff"  # tells spreadsheets that this is UTF-8


def csv_of(notes: Sequence[tuple[str, Counters]]) -> bytes:
    """Notes with all their counters under the names of the API, money in minor units by currency."""
    money = sorted({name for _, counters in notes for name in counters if name.startswith(MONEY)})
    names = [*COUNTS, *money]
    rows = [[note_id, *(counters.get(name, 0) for name in names)] for note_id, counters in notes]
    return written([["note_id", *names], *rows])


def written(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as a CSV file; no text in it is taken for a formula by a spreadsheet."""
    file = io.StringIO()
    csv.writer(file).writerows([[_harmless(cell) for cell in row] for row in rows])
    return (BOM + file.getvalue()).encode()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
