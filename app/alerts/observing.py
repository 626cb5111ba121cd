"""From the counters in Redis to observations: what changed in every scope since the last look."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import numpy as np

from app.alerts.causes import Place
from app.alerts.changed_notes import ChangedNotes, following
from app.alerts.counted import EVERYTHING, REFUSED, Columns, Counted, Scopes
from app.alerts.lateness import Lateness
from app.alerts.model import Array, Observations, Places, Scope
from app.alerts.triage import Worth
from app.redis_store.reader import Reader
from streams.topics import METRIC_TOPICS, TOKEN_TOPICS

HALF_LIFE_MIN: Final = 360.0  # of the traffic that says how much of one scope lies in another
FAINT: Final = 1e-6  # of all clicks ever: what scopes share is known from the first look on
MONEY: Final = ("gross_minor", "refunded_minor")
TOPICS: Final = tuple(Scope("topic", topic) for topic in (*TOKEN_TOPICS, *METRIC_TOPICS))


class Seen(NamedTuple):
    """One look at all counters."""

    observations: Observations
    places: Callable[[], dict[Scope, Place]]
    worths: Callable[[Iterable[Scope]], dict[Scope, Worth]]


class Observer:
    """Compares all counters with what they were at the look before."""

    def __init__(self) -> None:
        self.scopes = Scopes()
        self.columns = Columns()
        self.lateness = Lateness()
        self.totals: Array = np.zeros((0, 0))  # counters of scopes at the last look, by row and column
        self.recent: Array = np.zeros(0)  # clicks of scopes, older ones forgotten by and by
        self.seen_min: float | None = None
        self._changed: ChangedNotes | None = None
        self._counted = Counted(self.scopes, self.columns)
        self._ledger: dict[tuple[Scope, str], int] = {}
        self._begun = False  # whether the reader that is followed was looked at
        for scope in (EVERYTHING, *TOPICS):
            self.scopes.row(scope)
        for name in ("clicks", "consumed", "invalid", REFUSED, f"{REFUSED}:no_click"):
            self.columns.column(name)

    def become(self, other: "Observer") -> None:
        """Go on where another one was; not while anything is followed."""
        self.scopes, self.columns, self.lateness = other.scopes, other.columns, other.lateness
        self.totals, self.recent, self.seen_min = other.totals, other.recent, other.seen_min

    @asynccontextmanager
    async def following(self, reader: Reader) -> AsyncIterator[None]:
        """Follow what changes, so that looks need not read everything; looks are made while this is entered."""
        async with following(reader) as self._changed:
            # Another reader may read another generation: its cells are told from the beginning.
            self._counted, self._ledger, self._begun = Counted(self.scopes, self.columns), {}, False
            yield

    async def look(self, reader: Reader, at_ms: int) -> Seen:
        """What changed since the look before."""
        if self._changed is None:
            raise RuntimeError("looks are made while changes are followed")
        async for place, cells in self._changed.read():
            self._counted.take(place, cells)
        told = self._widened(self._counted.settle())
        self._take_ledger(told, await reader.ledger())
        late_ms = await self.lateness.of(reader, self._counted.channels, at_ms)
        return self._seen(told, at_ms, late_ms)

    def _take_ledger(self, told: Array, lines: Mapping[str, int]) -> None:
        """Add what stands in the ledger alone: records of topics, and facts whose token was never clicked."""
        ledger: dict[tuple[Scope, str], int] = {}
        for scope in TOPICS:
            invalid = sum(count for line, count in lines.items() if line.startswith(f"{scope.id}:invalid/"))
            ledger[scope, "consumed"], ledger[scope, "invalid"] = lines.get(f"{scope.id}:consumed", 0), invalid
        ledger[EVERYTHING, REFUSED] = ledger[EVERYTHING, f"{REFUSED}:no_click"] = sum(
            count for line, count in lines.items() if line.startswith("outcome:") and line.endswith("refused/no_click")
        )
        for (scope, name), count in ledger.items():
            change = count - self._ledger.get((scope, name), 0)
            told[self.scopes.rows[scope], self.columns.column(name)] += change
        self._ledger = ledger

    def _widened(self, values: Array) -> Array:
        """With all rows and columns that there are by now."""
        wide = np.zeros((len(self.scopes.scopes), len(self.columns.by_name)))
        wide[: values.shape[0], : values.shape[1]] = values
        return wide

    def _seen(self, told: Array, at_ms: int, late_ms: Mapping[str, float]) -> Seen:
        """`told` is what changed; of a reader that was not looked at before, everything there is."""
        before = self._widened(self.totals)
        if not self._begun and self.seen_min is None:
            before = told  # nobody knows when what is there at the very first look was counted
        changes = told if self._begun else told - before
        now = before + changes
        self._begun = True
        self._follow(now, changes, at_ms / 60_000)
        self.totals = now
        late = self._late(late_ms)
        some = np.flatnonzero(changes.any(axis=1) | (late > 0))
        main = self._main_currency(now)
        counts = {
            name: changes[some, column]
            for name, column in self.columns.by_name.items()
            if ":" not in name or name.startswith(f"{REFUSED}:")
        }
        counts |= {name: self._of_main_currency(name, changes, main)[some] for name in MONEY}
        scopes, within = self.scopes.scopes, self.scopes.within
        observations = Observations(
            [scopes[row] for row in some.tolist()], [within[row] for row in some.tolist()], counts, late[some]
        )
        return Seen(observations, self._places, lambda scopes: self._worths(scopes, now))

    def _late(self, late_ms: Mapping[str, float]) -> Array:
        """By scope: of platforms, and of notes that lead to one that is late."""
        late = np.zeros(len(self.scopes.scopes))
        by_scope = {Scope("platform", platform): ms for platform, ms in late_ms.items()}
        for row, scope in enumerate(self.scopes.scopes if by_scope else ()):
            of = self.scopes.within[row] if scope.kind == "note" else (scope,)
            late[row] = max((by_scope.get(one, 0.0) for one in of), default=0.0)
        return late

    def _follow(self, now: Array, changes: Array, at_min: float) -> None:
        column = self.columns.by_name["clicks"]
        recent = np.zeros(len(self.scopes.scopes))
        recent[: len(self.recent)] = self.recent
        if self.seen_min is None:
            self.recent = now[:, column] * FAINT
        else:
            kept = 0.5 ** (max(at_min - self.seen_min, 0.0) / HALF_LIFE_MIN)
            self.recent = recent * kept + np.maximum(changes[:, column], 0.0)
        self.seen_min = at_min

    def _main_currency(self, now: Array) -> Places:
        """Of each scope the column of the currency in which most was paid; -1 before anything was."""
        columns = [at for name, at in self.columns.by_name.items() if name.startswith(f"{MONEY[0]}:")]
        if not columns:
            return np.full(len(now), -1, np.intp)
        main: Places = np.array(columns, np.intp)[np.argmax(now[:, columns], axis=1)]
        return main

    def _of_main_currency(self, name: str, changes: Array, main: Places) -> Array:
        amounts = np.zeros(len(main))
        for paid, column in self._money(name):
            amounts = np.where(main == paid, changes[:, column], amounts)
        return amounts

    def _money(self, name: str) -> list[tuple[int, int]]:
        """By currency: the column of what was paid, and that of `name`."""
        columns = self.columns.by_name
        pairs = [
            (at, columns.get(f"{name}:{paid.partition(':')[2]}"))
            for paid, at in columns.items()
            if paid.startswith(f"{MONEY[0]}:")
        ]
        return [(paid, column) for paid, column in pairs if column is not None]

    def _places(self) -> dict[Scope, Place]:
        return {
            scope: Place(within, recent)
            for scope, within, recent in zip(self.scopes.scopes, self.scopes.within, self.recent.tolist(), strict=True)
            if scope.kind == "note"
        }

    def _worths(self, scopes: Iterable[Scope], now: Array) -> dict[Scope, Worth]:
        known = {scope: row for scope in scopes if (row := self.scopes.rows.get(scope)) is not None}
        rows = np.array(list(known.values()), np.intp)
        main = self._main_currency(now[rows])
        gross, refunded = (self._of_main_currency(name, now[rows], main) for name in MONEY)
        currencies = {at: name.partition(":")[2] for name, at in self.columns.by_name.items()}
        worths: dict[Scope, Worth] = {}
        for place, (scope, row) in enumerate(known.items()):
            clicks, entered, carts, orders = (
                int(now[row, at]) if (at := self.columns.by_name.get(name)) is not None else 0
                for name in ("clicks", "clicks_entered", "carts", "orders")
            )
            net_minor = int(gross[place] - refunded[place])
            worths[scope] = Worth(clicks, entered, carts, orders, net_minor, currencies.get(int(main[place]), ""))
        return worths
