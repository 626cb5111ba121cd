"""Counters as people and programs see them: chosen cells of a note added up, and the rates between them.  Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from app.redis_store.reader import Cell

Counters: TypeAlias = Mapping[str, int]
"""Values by counter name; money per currency as "gross_minor:CNY"."""

Cells: TypeAlias = Sequence[tuple[Cell, Counters]]
"""The cells of one note with their counters."""

COUNTS: Final = (
    "clicks", "clicks_refused", "entries", "favourites", "carts",
    "orders", "orders_pending", "orders_held", "orders_closed", "clicks_entered", "clicks_ordered",
    "reads", "likes", "saves", "comments", "shares",
)  # fmt: skip
MONEY: Final = ("gross_minor", "refunded_minor")


class Selection(NamedTuple):
    """Which cells to add up: those that agree with everything that is given."""

    campaign: str | None = None
    merchant: str | None = None
    platform: str | None = None
    category: str | None = None  # with everything below it by dots

    def takes(self, cell: Cell) -> bool:
        """Whether the cell is chosen."""
        return (
            self.campaign in (None, cell.campaign_id)
            and self.merchant in (None, cell.merchant_id)
            and self.platform in (None, cell.platform)
            and (self.category is None or f"{cell.category}.".startswith(f"{self.category}."))
        )


class Rates(NamedTuple):
    """Shares from 0 to 1; None where there is nothing to take a share of."""

    entry: float | None
    order: float | None
    refund: dict[str, float]  # by currency


def counters_of(cells: Cells, selection: Selection) -> Counters:
    """The counters of a note in the chosen cells; what is 0 is absent."""
    return add_up(counters for cell, counters in cells if selection.takes(cell))


def add_up(parts: Iterable[Counters]) -> Counters:
    """The sum of cells, or of notes; without zeros, and without what is not counted for a note but beside it."""
    sums: dict[str, int] = {}
    for counters in parts:
        for name, value in counters.items():
            if name in COUNTS or name.startswith(MONEY):
                sums[name] = sums.get(name, 0) + value
    return {name: value for name, value in sums.items() if value}


def amounts(counters: Counters, name: str) -> dict[str, int]:
    """A counter of money in minor units by currency."""
    return {key.partition(":")[2]: counters[key] for key in sorted(counters) if key.startswith(f"{name}:")}


def rates(counters: Counters) -> Rates:
    """The rates of a note, or of a sum."""
    clicks = counters.get("clicks", 0)
    gross, refunded = amounts(counters, "gross_minor"), amounts(counters, "refunded_minor")
    return Rates(
        entry=counters.get("clicks_entered", 0) / clicks if clicks else None,
        order=counters.get("clicks_ordered", 0) / clicks if clicks else None,
        refund={currency: refunded.get(currency, 0) / amount for currency, amount in gross.items() if amount},
    )


def by_orders(notes: Mapping[str, Counters]) -> list[str]:
    """The ids of the notes, those with the most orders first, then those with the most clicks."""
    return sorted(notes, key=lambda note: (-notes[note].get("orders", 0), -notes[note].get("clicks", 0), note))


def json_of(notes: Mapping[str, Counters]) -> dict[str, Any]:
    """What `redcat counters --json` prints: money by name, then by currency; notes without counters left out."""
    return {"notes": {note_id: _nested(notes[note_id]) for note_id in sorted(notes) if notes[note_id]}}


def _nested(counters: Counters) -> dict[str, Any]:
    counts: dict[str, Any] = {name: counters[name] for name in COUNTS if name in counters}
    money = {name: amounts(counters, name) for name in MONEY}
    return counts | {name: by_currency for name, by_currency in money.items() if by_currency}
