"""What the counters say against what they should: the recount, and sums of what is finer.  Pure."""

from collections.abc import Mapping
from typing import Final

from app.auditing.problems import Problems, compare, too_small
from app.auditing.sums import DISTINCT, Sums
from app.redis_store.reader import Cell, CellCounters
from streams.core.tally import CellKey
from streams.metric_digest import NOTE_ITSELF
from streams.rollups import HOUR_MS, Counts, Kept, Rows, add_counts, rows_of

AHEAD_MS: Final = HOUR_MS  # no click is expected to be dated further ahead of the time at which it comes
NOTE_ROW: Final = "n"
CLICK_BASIS: Final = "k"


def young_hours(now_ms: int, ttl_ms: int, kept: Kept) -> range:
    """The click hours of which everything is there still: no journey with such a click can have expired."""
    since_ms = now_ms - min(ttl_ms, kept.hours_ms) + AHEAD_MS
    return range(-(-since_ms // HOUR_MS), now_ms // HOUR_MS + 1)


def is_complete(sums: Sums, ledger: Counts) -> bool:
    """Whether all facts ever counted are still held as journeys, or were forgotten on purpose."""
    return all(sums.ledger.get(line, 0) >= ledger.get(line, 0) for line in DISTINCT)


def check_lines(problems: Problems, ledger: Counts, sums: Sums, *, complete: bool) -> None:
    """Compare those lines of the ledger that journeys can tell."""
    stored = {line: count for line, count in ledger.items() if _recounted(line)}
    if complete:
        compare(problems, "line", stored, sums.ledger)
    else:
        too_small(problems, "line_too_small", stored, sums.ledger)


class CounterCheck:
    """Takes the counters of note after note, and compares them with the recount and with the totals."""

    def __init__(self, sums: Sums, figures: Mapping[str, Counts], *, complete: bool) -> None:
        self.problems = Problems()
        self._cells: dict[CellKey, Counts] = dict(sums.cells)
        self._figures = dict(figures)
        self._complete = complete
        self._rows: Rows = {}

    def take(self, note_id: str, cells: CellCounters) -> None:
        """Compare the counters of a note."""
        figures: Counts = {}
        for cell, counts in cells:
            if text_of(cell) == NOTE_ITSELF:
                figures = counts
                continue
            key = (note_id, *cell)
            self._compare(key, counts, self._cells.pop(key, {}))
            for row in rows_of(key):
                add_counts(self._rows, row, counts)
        compare(self.problems, "figures", figures, self._figures.pop(note_id, {}), note=note_id)

    def finish(self, totals: Rows) -> None:
        """Compare the totals, and find what should be counted and is not."""
        for key, counts in self._cells.items():
            self._compare(key, {}, counts)
        for note_id, figures in self._figures.items():
            compare(self.problems, "figures", {}, figures, note=note_id)
        for row in sorted({*totals, *self._rows}):
            compare(self.problems, "totals", totals.get(row, {}), self._rows.get(row, {}), row=row)

    def _compare(self, key: CellKey, stored: Counts, recounted: Counts) -> None:
        note_id, campaign_id, *others = key
        text = "|".join((campaign_id or "", *others))
        if self._complete:
            compare(self.problems, "counter", stored, recounted, note=note_id, cell=text)
        else:
            too_small(self.problems, "counter_too_small", stored, recounted, note=note_id, cell=text)


class SeriesCheck:
    """Takes the click hours one after the other, and compares them with the recount."""

    def __init__(self, sums: Sums) -> None:
        self.problems = Problems()
        self._sums = sums
        self._rows: Rows = {}

    def take(self, hour: int, stored: Rows) -> None:
        """Compare the sum over all notes in an hour."""
        of_notes: Counts = {}
        for name, counts in stored.items():
            basis, row = name[0], name[1:]
            if basis == CLICK_BASIS:
                add_counts(self._rows, row, counts)
                if row.startswith(NOTE_ROW):
                    add_counts({"": of_notes}, "", counts)
        compare(self.problems, "series_hour", of_notes, self._sums.by_hour.get(hour, {}), hour=hour)

    def finish(self) -> None:
        """Compare every row over all the hours."""
        for row in sorted({*self._rows, *self._sums.rows}):
            compare(self.problems, "series_row", self._rows.get(row, {}), self._sums.rows.get(row, {}), row=row)


def text_of(cell: Cell) -> str:
    """The cell as it is named in the store."""
    return "|".join((cell.campaign_id or "", *cell[1:]))


def _recounted(line: str) -> bool:
    return line == "currency_mismatch" or line.startswith("outcome:") or line.endswith((":distinct", ":conflicts"))
