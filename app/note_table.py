"""The table of notes with their counters, as wide as the terminal allows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from rich.table import Table
from rich.text import Text

from app.counters import Counters, add_up, amounts, rates
from app.money import money
from app.texts import Texts

NARROW, SMALL, MEDIUM, WIDE, WIDER, VAST, WIDEST = 0, 48, 64, 94, 130, 220, 250
CHANGED: Final = "bold green"
NONE: Final = Text("-", "dim")


class Column(NamedTuple):
    """One column: its header, the least width of the terminal that has room for it, and what stands in it."""

    header: str
    least_width: int
    lines: Callable[[Counters], Iterable[str]]


class NoteTable:
    """Notes as rows; `compact`: one line a row."""

    def __init__(self, texts: Texts, width: int, *, compact: bool = False) -> None:
        self._texts = texts
        self._columns = [column for column in _columns(texts) if column.least_width <= width]
        self._compact = compact

    def render(
        self, notes: Mapping[str, Counters], chosen: Sequence[str], before: Mapping[str, Counters] | None = None
    ) -> Table:
        """The `chosen` notes, and below them the sum of all `notes`; what differs from `before` is green."""
        table = Table(
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            expand=self._compact,
            header_style="bold",
            footer_style="bold",
            show_footer=True,
        )
        total = add_up(notes.values())
        whole = Text(self._texts.all_notes.format(notes=f"{len(notes):,}"), no_wrap=True, overflow="ellipsis")
        table.add_column(self._texts.note, whole, overflow="ellipsis" if self._compact else "fold")
        for column in self._columns:
            table.add_column(column.header, self._cell(column, total, None), justify="right", no_wrap=True)
        for note_id in chosen:
            known = None if before is None else before.get(note_id, {})
            table.add_row(note_id, *(self._cell(column, notes[note_id], known) for column in self._columns))
        return table

    def _cell(self, column: Column, counters: Counters, before: Counters | None) -> Text:
        lines = list(column.lines(counters))
        if not lines:
            return NONE
        changed = before is not None and list(column.lines(before)) != lines
        if self._compact and len(lines) > 1:
            lines = [f"{lines[0]} +"]
        return Text("\n".join(lines), CHANGED if changed else "")


def _columns(texts: Texts) -> list[Column]:
    """All columns but the note's, from left to right."""
    return [
        Column(texts.reads, WIDER, _count("reads")),
        Column(texts.reactions, WIDEST, _each("likes", "saves", "comments", "shares")),
        Column(texts.clicks, NARROW, _count("clicks")),
        Column(texts.refused, VAST, _count("clicks_refused")),
        Column(texts.entries, MEDIUM, _count("entries")),
        Column(texts.entry_rate, WIDE, lambda of: _percent([rates(of).entry])),
        Column(texts.of_clicks, VAST, _share("clicks_entered")),
        Column(texts.favourites, WIDER, _count("favourites")),
        Column(texts.carts, WIDER, _count("carts")),
        Column(texts.orders, NARROW, _count("orders")),
        Column(texts.order_rate, WIDE, lambda of: _percent([rates(of).order])),
        Column(texts.of_clicks, VAST, _share("clicks_ordered")),
        Column(texts.unsettled, VAST, _each("orders_pending", "orders_held", "orders_closed")),
        Column(texts.gross, SMALL, lambda of: _money(of, amounts(of, "gross_minor"))),
        Column(texts.refunded, VAST, lambda of: _money(of, amounts(of, "refunded_minor"))),
        Column(texts.refund_rate, WIDE, lambda of: _percent(map(rates(of).refund.get, _currencies(of)))),
        Column(texts.net, VAST, lambda of: _money(of, _net(of))),
    ]


def _count(name: str) -> Callable[[Counters], list[str]]:
    return lambda counters: [f"{counters[name]:,}"] if counters.get(name) else []


def _share(name: str) -> Callable[[Counters], list[str]]:
    def share(counters: Counters) -> list[str]:
        clicks = counters.get("clicks", 0)
        return [f"{counters.get(name, 0):,}/{clicks:,}"] if clicks else []

    return share


def _percent(shares: Iterable[float | None]) -> list[str]:
    return [f"{share:.1%}" for share in shares if share is not None]


def _each(*names: str) -> Callable[[Counters], list[str]]:
    def each(counters: Counters) -> list[str]:
        values = [counters.get(name, 0) for name in names]
        return ["/".join(f"{value:,}" for value in values)] if any(values) else []

    return each


def _currencies(counters: Counters) -> list[str]:
    """Those of the gross amounts, the greatest first, so that all money of a row stands in the same order."""
    gross = amounts(counters, "gross_minor")
    return sorted(gross, key=lambda currency: (-gross[currency], currency))


def _money(counters: Counters, by_currency: Mapping[str, int]) -> list[str]:
    return [money(by_currency.get(currency, 0), currency) for currency in _currencies(counters)]


def _net(counters: Counters) -> dict[str, int]:
    refunded = amounts(counters, "refunded_minor")
    return {currency: gross - refunded.get(currency, 0) for currency, gross in amounts(counters, "gross_minor").items()}
