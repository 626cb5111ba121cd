"""From the counters in Redis to observations: what changed in every scope since the last look."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from app.alerts.causes import Place
from app.alerts.lateness import Lateness
from app.alerts.model import Array, Observations, Scope
from app.alerts.triage import Worth
from app.redis_store.reader import Cell, CellCounters, Reader
from streams.core.policy import ancestry
from streams.topics import METRIC_TOPICS, TOKEN_TOPICS

EVERYTHING: Final = Scope("all", "*")
HALF_LIFE_MIN: Final = 360.0  # of the traffic that says how much of one scope lies in another
FAINT: Final = 1e-6  # of all clicks ever: what scopes share is known from the first look on
MONEY: Final = ("gross_minor", "refunded_minor")
_REFUSED: Final = "refused"

CellKey = tuple[str, Cell]


class Seen(NamedTuple):
    """One look at all counters."""

    observations: Observations
    places: Callable[[], dict[Scope, Place]]
    worths: Callable[[Iterable[Scope]], dict[Scope, Worth]]


class Names:
    """Columns of counters; new ones come at the end."""

    def __init__(self) -> None:
        self.columns: dict[str, int] = {}

    def column(self, name: str) -> int:
        return self.columns.setdefault(name, len(self.columns))


class Observer:
    """Compares all counters with what they were at the look before."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self._within: list[tuple[Scope, ...]] = []
        self._rows: dict[Scope, int] = {}
        self._names = Names()
        self._cells: dict[CellKey, int] = {}
        self._cell_of: list[int] = []  # relation of cells to the scopes that they are part of
        self._row_of: list[int] = []
        self._before: Array = np.zeros((0, 0))
        self._recent: Array = np.zeros(0)  # clicks
        self._seen_min: float | None = None
        self._lateness = Lateness()
        self._channels: dict[str, set[str]] = {}  # of each platform

    async def look(self, reader: Reader, at_ms: int) -> Seen:
        """What changed since the look before."""
        told: list[tuple[int, int, int]] = []
        async for note_id, cells in reader.notes():
            self._take(told, note_id, cells)
        now = self._widened(self._summed(told))
        self._take_ledger(now, await reader.ledger())
        late_ms = await self._lateness.of(reader, self._channels, at_ms)
        return self._seen(now, at_ms, late_ms)

    def _take(self, told: list[tuple[int, int, int]], note_id: str, cells: CellCounters) -> None:
        for cell, counters in cells:
            if not cell.platform:  # what is counted for the note itself
                continue
            number = self._cell(note_id, cell)
            for name, count in counters.items():
                told.append((number, self._names.column(name), count))
                if name.startswith("refused:"):
                    told.append((number, self._names.column(_REFUSED), count))
                    told.append((number, self._names.column(f"{_REFUSED}:{name.partition('/')[2]}"), count))

    def _cell(self, note_id: str, cell: Cell) -> int:
        key = note_id, cell
        number = self._cells.get(key)
        if number is None:
            number = self._cells[key] = len(self._cells)
            larger = larger_scopes(cell)
            self._channels.setdefault(cell.platform, set()).add(channel_row(cell))
            row = self._row(Scope("note", note_id))
            self._within[row] = tuple(dict.fromkeys((*self._within[row], *larger)))
            for scope in (Scope("note", note_id), *larger, EVERYTHING):
                self._cell_of.append(number)
                self._row_of.append(self._row(scope))
        return number

    def _row(self, scope: Scope) -> int:
        row = self._rows.get(scope)
        if row is None:
            row = self._rows[scope] = len(self.scopes)
            self.scopes.append(scope)
            self._within.append(())
        return row

    def _summed(self, told: list[tuple[int, int, int]]) -> Array:
        by_cell = np.zeros((len(self._cells), len(self._names.columns)))
        if told:
            cells, columns, counts = np.array(told, np.int64).T
            np.add.at(by_cell, (cells, columns), counts)
        totals = np.zeros((len(self.scopes), by_cell.shape[1]))
        np.add.at(totals, np.array(self._row_of, np.intp), by_cell[np.array(self._cell_of, np.intp)])
        return totals

    def _take_ledger(self, totals: Array, lines: dict[str, int]) -> None:
        """Add what stands in the ledger alone: records of topics, and facts whose token was never clicked."""
        for topic in (*TOKEN_TOPICS, *METRIC_TOPICS):
            invalid = sum(count for line, count in lines.items() if line.startswith(f"{topic}:invalid/"))
            row = self._rows[Scope("topic", topic)]
            totals[row, self._names.column("consumed")] = lines.get(f"{topic}:consumed", 0)
            totals[row, self._names.column("invalid")] = invalid
        unknown = sum(
            count for line, count in lines.items() if line.startswith("outcome:") and line.endswith("refused/no_click")
        )
        everything = self._rows[EVERYTHING]
        for name in (_REFUSED, f"{_REFUSED}:no_click"):
            totals[everything, self._names.column(name)] += unknown

    def _widened(self, totals: Array) -> Array:
        """With all rows and columns that there are by now."""
        for scope in (EVERYTHING, *(Scope("topic", topic) for topic in (*TOKEN_TOPICS, *METRIC_TOPICS))):
            self._row(scope)
        for name in ("clicks", "consumed", "invalid", _REFUSED, f"{_REFUSED}:no_click"):
            self._names.column(name)
        wide = np.zeros((len(self.scopes), len(self._names.columns)))
        wide[: totals.shape[0], : totals.shape[1]] = totals
        return wide

    def _seen(self, now: Array, at_ms: int, late_ms: Mapping[str, float]) -> Seen:
        # Nobody knows when what is there at the first look was counted.
        before = now if self._seen_min is None else self._widened(self._before)
        changes = now - before
        at_min = at_ms / 60_000
        self._follow(now, changes, at_min)
        self._before = now
        late = self._late(late_ms)
        some = np.flatnonzero(changes.any(axis=1) | (late > 0))
        counts = {
            name: changes[some, column]
            for name, column in self._names.columns.items()
            if ":" not in name or name.startswith(f"{_REFUSED}:")
        }
        counts |= {name: self._of_main_currency(name, changes, now)[some] for name in MONEY}
        observations = Observations(
            [self.scopes[row] for row in some], [self._within[row] for row in some], counts, late[some]
        )
        return Seen(observations, self._places, lambda scopes: self._worths(scopes, now))

    def _late(self, late_ms: Mapping[str, float]) -> Array:
        """By scope: of platforms, and of notes that lead to one that is late."""
        late = np.zeros(len(self.scopes))
        by_scope = {Scope("platform", platform): ms for platform, ms in late_ms.items()}
        for row, scope in enumerate(self.scopes if by_scope else ()):
            of = self._within[row] if scope.kind == "note" else (scope,)
            late[row] = max((by_scope.get(one, 0.0) for one in of), default=0.0)
        return late

    def _follow(self, now: Array, changes: Array, at_min: float) -> None:
        column = self._names.columns["clicks"]
        recent = np.zeros(len(self.scopes))
        recent[: len(self._recent)] = self._recent
        if self._seen_min is None:
            self._recent = now[:, column] * FAINT
        else:
            kept = 0.5 ** (max(at_min - self._seen_min, 0.0) / HALF_LIFE_MIN)
            self._recent = recent * kept + np.maximum(changes[:, column], 0.0)
        self._seen_min = at_min

    def _currencies(self) -> dict[str, int]:
        return {
            name.partition(":")[2]: column
            for name, column in self._names.columns.items()
            if name.startswith(f"{MONEY[0]}:")
        }

    def _main_currency(self, now: Array) -> list[str]:
        """Of each scope the currency in which most was paid."""
        currencies = self._currencies()
        if not currencies:
            return [""] * len(self.scopes)
        best = np.argmax(now[:, list(currencies.values())], axis=1)
        names = list(currencies)
        return [names[place] for place in best]

    def _of_main_currency(self, name: str, changes: Array, now: Array) -> Array:
        columns = self._names.columns
        amounts = np.zeros(len(self.scopes))
        main = np.array(self._main_currency(now))
        for currency in self._currencies():
            column = columns.get(f"{name}:{currency}")
            if column is not None:
                amounts = np.where(main == currency, changes[:, column], amounts)
        return amounts

    def _places(self) -> dict[Scope, Place]:
        return {
            scope: Place(self._within[row], float(self._recent[row]))
            for row, scope in enumerate(self.scopes)
            if scope.kind == "note"
        }

    def _worths(self, scopes: Iterable[Scope], now: Array) -> dict[Scope, Worth]:
        columns, main = self._names.columns, self._main_currency(now)

        def count(row: int, name: str) -> int:
            return int(now[row, columns[name]]) if name in columns else 0

        worths: dict[Scope, Worth] = {}
        for scope in scopes:
            row = self._rows.get(scope)
            if row is not None:
                gross, refunded = (count(row, f"{name}:{main[row]}") for name in MONEY)
                worths[scope] = Worth(
                    count(row, "clicks"), count(row, "clicks_entered"), count(row, "carts"), count(row, "orders"),
                    gross - refunded, main[row],
                )  # fmt: skip
        return worths


def channel_row(cell: Cell) -> str:
    """The row of series of a cell's platform, link and note kind."""
    return f"c{cell.platform}|{cell.link}|{cell.note_kind}"


def larger_scopes(cell: Cell) -> list[Scope]:
    """The scopes that a cell is part of, but for its note and the whole."""
    return [
        Scope("platform", cell.platform),
        *(Scope("category", category) for category in ancestry(cell.category)),
        Scope("link", cell.link),
        *([] if cell.campaign_id is None else [Scope("campaign", cell.campaign_id)]),
        Scope("merchant", cell.merchant_id),
    ]
