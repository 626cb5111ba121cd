"""All notes: ranked, searched and sorted by the server, which sends the rows that are in sight."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from nicegui import events, ui

from app.counters import Counters, amounts, rates
from app.dashboard import telling
from app.dashboard.address import address, scope_address
from app.dashboard.note_table import PAGE, NoteRow, NoteTable
from app.dashboard.numbers import Numbers
from app.dashboard.parts import element, empty, text
from app.dashboard.sparkline import line
from app.dashboard.texts import Texts

COLUMNS: Final = ("reads", "clicks", "entry_rate", "carts", "orders", "order_rate", "net_minor", "refund_rate")


class Order(NamedTuple):
    """Which notes, in which order; `scope` and `id` name what they have to be part of."""

    sort: str = "orders"
    descending: bool = True
    search: str = ""
    scope: str = ""
    id: str = ""


class Ranked(NamedTuple):
    """A page of notes: how many there are in all, and each with its counters and how its orders went lately."""

    total: int
    notes: Sequence[tuple[str, Counters, Sequence[float]]]


Rank = Callable[[Order, int, int], Awaitable[Ranked]]
"""The notes from a place on, at most so many."""


class NotesView:
    """Built once; `refresh` asks for the rows in sight again."""

    def __init__(self, texts: Texts, numbers: Numbers, order: Order, rank: Rank) -> None:
        self._texts, self._numbers, self.order, self._rank = texts, numbers, order, rank
        self._shown: dict[int, list[NoteRow]] = {}
        with element("section", "panel") as section:
            section.props["aria-label"] = texts.notes
            with element("div", "panel-head"):
                self._build_search()
                self._found = text("", "quiet small").props("role=status")
                with element("div", "bar") as self.beside:
                    pass
                self._compare = ui.element("div").classes("bar")
                with self._compare:
                    text(texts.choose_compare, "quiet small")
            columns = {name: texts.counters[name] for name in COLUMNS}
            names = {"rank": texts.rank, "note": texts.scopes["note"], "trend": texts.trend, "choose": texts.compare}
            self._table = NoteTable(columns, names, texts.notes, (order.sort, order.descending))
            self._table.on_want(self._want)
            self._table.on("sort", self._sort)
            self._table.on("chosen", self._choose)
            with element("div") as self._none:
                empty(texts.no_match, texts.no_match_how)

    async def refresh(self) -> None:
        """Ask for the rows in sight again; what has changed is sent to the browser."""
        for page in self._table.wanted or [0]:
            ranked = await self._rank(self.order, page * PAGE, PAGE)
            self._table.set_total(ranked.total)
            self._found.set_text(self._texts.found.format(count=self._numbers.count(ranked.total)))
            self._table.set_visibility(ranked.total > 0)
            self._none.set_visibility(ranked.total == 0)
            rows = [self._row(*note) for note in ranked.notes]
            if rows != self._shown.get(page):
                self._shown[page] = rows
                self._table.show(page, rows)

    def _build_search(self) -> None:
        field = ui.element("input").classes("field")
        field.props["type"] = "search"
        field.props["placeholder"] = field.props["aria-label"] = self._texts.search_notes
        field.props["value"] = self.order.search
        field.props["data-search"] = True
        field.on("input", self._search, js_handler="(event) => emit(event.target.value)", throttle=0.2)

    async def _want(self) -> None:
        # The browser keeps the pages it has; they are sent again in case they have changed while out of sight.
        self._shown.clear()
        await self.refresh()

    async def _search(self, event: events.GenericEventArguments) -> None:
        await self._reorder(self.order._replace(search=str(event.args)[:128].strip()))

    async def _sort(self, event: events.GenericEventArguments) -> None:
        name = event.args.get("name")
        if name in COLUMNS:
            again = name == self.order.sort
            await self._reorder(self.order._replace(sort=name, descending=not self.order.descending if again else True))

    async def _reorder(self, order: Order) -> None:
        if order == self.order:
            return
        self.order = order
        self._shown.clear()
        self._table.wanted = [0]
        self._table.forget((order.sort, order.descending))
        await self.refresh()
        ui.run_javascript(f"redcat.note({orjson.dumps(_state(order)).decode()})")

    def _choose(self, event: events.GenericEventArguments) -> None:
        ids = [str(one) for one in event.args.get("ids", [])][:2]
        self._compare.clear()
        with self._compare:
            if len(ids) == 2:
                one = ui.element("a").classes("tool")
                one.props["href"] = scope_address("note", ids[0], **{"with": ids[1]})
                with one:
                    text(f"{self._texts.compare}: {ids[0]} · {ids[1]}")
            else:
                text(self._texts.choose_compare, "quiet small")

    def _row(self, note_id: str, counters: Counters, trend: Sequence[float]) -> NoteRow:
        numbers = self._numbers
        cells = [_cell(counters, name, numbers) for name in COLUMNS]
        return NoteRow(note_id, scope_address("note", note_id), line(trend), cells)


def order_of(query: Mapping[str, str]) -> Order:
    """What the address of the view says; what it cannot say is as if it were not said."""
    sort = query.get("sort", "")
    scope = next((scope for scope in ("campaign", "merchant", "platform") if query.get(scope)), "")
    return Order(
        sort=sort if sort in COLUMNS else "orders",
        descending=query.get("order") != "asc",
        search=query.get("q", "")[:128],
        scope=scope,
        id=query.get(scope, "") if scope else "",
    )


def notes_address(scope: str, name: str) -> str:
    """The address of the notes of a campaign, merchant or platform."""
    return address("notes", **{scope: name})


def value_of(counters: Counters, name: str) -> float:
    """What notes are sorted by; money in the main currency, no rate at all comes below a rate of 0."""
    if name.endswith("_rate"):
        found = _rate(counters, name)
        return -1.0 if found is None else found
    if name == "net_minor":
        return telling.net(counters).get(telling.MAIN_CURRENCY, 0)
    return counters.get(name, 0)


def _cell(counters: Counters, name: str, numbers: Numbers) -> str:
    if name.endswith("_rate"):
        return numbers.share(_rate(counters, name))
    if name == "net_minor":
        return telling.money_line(telling.net(counters), numbers)
    return numbers.compact(counters.get(name, 0))


def _rate(counters: Counters, name: str) -> float | None:
    found = rates(counters)
    if name == "refund_rate":
        return found.refund.get(telling.main_currency(amounts(counters, "gross_minor")))
    return found.entry if name == "entry_rate" else found.order


def _state(order: Order) -> dict[str, Any]:
    sort = "" if order.sort == "orders" else order.sort
    return {"sort": sort, "order": "" if order.descending else "asc", "q": order.search}
