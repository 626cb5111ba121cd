"""Tables as CSV files."""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from app.counters import COUNTS, MONEY, Counters
from app.viewing.turns import Turns

FORMULA: Final = ("=", "+", "-", "@")
BOM: Final = "\ufeff"  # tells spreadsheets that this is UTF-8


async def csv_of(notes: Sequence[tuple[str, Counters]]) -> bytes:
    """Notes with all their counters under the names of the API, money in minor units by currency."""
    turns, money = Turns(), set[str]()
    for _, counters in notes:
        money.update(name for name in counters if name.startswith(MONEY))
        await turns.pause()
    names = [*COUNTS, *sorted(money)]
    rows = ((note_id, *(counters.get(name, 0) for name in names)) for note_id, counters in notes)
    return await written(chain([["note_id", *names]], rows))


async def written(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as a CSV file; no text in it is taken for a formula by a spreadsheet."""
    turns, file = Turns(), io.StringIO()
    writer = csv.writer(file)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
        await turns.pause()
    return (BOM + file.getvalue()).encode()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
