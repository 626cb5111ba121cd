"""What counters show: whole numbers per cell, and their sums per note."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from tests.oracle.credit import Click, moment
from tests.oracle.intake import Fields
from tests.oracle.results import Result

Place = TypeVar("Place", "Cell", str)

METRICS = ("reads", "likes", "saves", "comments", "shares")
CREDITED = {"entry": "entries", "favourite": "favourites", "cart": "carts", "order": "orders"}
UNCREDITED = {"pending": "orders_pending", "held": "orders_held", "withdrawn": "orders_closed"}
CLICK_WITH = {"entry": "clicks_entered", "order": "clicks_ordered"}


class Cell(NamedTuple):
    """The finest place where anything is counted: all of it is said by one click-out."""

    note_id: str
    campaign_id: str | None
    merchant_id: str
    platform: str
    category: str
    link: str
    note_kind: str


class Booking(NamedTuple):
    """An amount in one cell; only money has a currency, and a click as such has no time but its own."""

    cell: Cell
    name: str
    currency: str | None
    amount: int
    click_at_ms: int
    at_ms: int | None = None


class Refused(NamedTuple):
    """Where a refused fact is counted; without any click there is no nearest note."""

    nearest_note_id: str | None
    kind: str
    reason: str


def cell_of(click: Click) -> Cell:
    """The cell of a click; everything credited to it is booked there."""
    return Cell._make(click.fields.get(name) for name in Cell._fields)


def bookings(clicks: Sequence[Click], results: Sequence[Result]) -> Iterator[Booking]:
    """Everything that one journey adds to the counters."""
    for click in clicks:
        cell, click_at_ms = cell_of(click), click.fields["at_ms"]
        yield Booking(cell, "clicks_refused" if click.refusal else "clicks", None, 1, click_at_ms)
        if moment(click.fields) > min(moment(other.fields) for other in clicks):
            yield Booking(cell, "clicks_repeated", None, 1, click_at_ms)
        for kind, name in CLICK_WITH.items():
            won = [
                result.fields["at_ms"] for result in results if _is_credited(result, kind) and result.winner is click
            ]
            # A click counts once here, however many entries or orders it wins.
            if won:
                yield Booking(cell, name, None, 1, click_at_ms, min(won))
    for result in results:
        if result.winner is not None:
            yield from _bookings_of(result, result.winner)


def refusals(clicks: Sequence[Click], results: Sequence[Result]) -> Iterator[Booking]:
    """Every refused entry, action and order, at the cell of the nearest click."""
    by_id = {click.fields["event_id"]: click for click in clicks}
    for result in results:
        nearest = by_id.get(result.fields["nearest_click_id"])
        if nearest is not None:
            name = f"refused:{result.fields['kind']}/{result.fields['reason']}"
            yield Booking(cell_of(nearest), name, None, 1, nearest.fields["at_ms"], result.fields["at_ms"])


def latest_metric(metrics: Iterable[Fields]) -> Counter[str]:
    """A note's figures: its latest record as a whole; what that one leaves out is 0."""
    latest = max(metrics, key=moment)
    return Counter({name: latest.get(name, 0) for name in METRICS})


def refused(results: Iterable[Fields]) -> Counter[Refused]:
    """How many entries, actions and orders were refused, by nearest note, kind and reason."""
    return Counter(
        Refused(result["nearest_note_id"], result["kind"], result["reason"])
        for result in results
        if result["outcome"] == "refused"
    )


def by_cell(booked: Iterable[Booking]) -> dict[Cell, dict[str, Any]]:
    """Counters of each cell; zero values, empty objects and empty cells left out."""
    return _summed(booked, lambda booking: booking.cell)


def by_note(booked: Iterable[Booking]) -> dict[str, dict[str, Any]]:
    """Counters of each note, as the counters command prints them."""
    shown = (booking for booking in booked if booking.name != "clicks_repeated")
    return _summed(shown, lambda booking: booking.cell.note_id)


def _bookings_of(result: Result, winner: Click) -> Iterator[Booking]:
    """Credited facts count as such, orders that wait, are held or are withdrawn count without money."""
    kind, outcome, currency = result.fields["kind"], result.fields["outcome"], result.fields["currency"]
    cell, click_at_ms, at_ms = cell_of(winner), winner.fields["at_ms"], result.fields["at_ms"]
    yield Booking(cell, CREDITED[kind] if outcome == "credited" else UNCREDITED[outcome], None, 1, click_at_ms, at_ms)
    if _is_credited(result, "order"):
        for name in ("gross_minor", "refunded_minor"):
            yield Booking(cell, name, currency, result.fields[name], click_at_ms, at_ms)


def _is_credited(result: Result, kind: str) -> bool:
    return (result.fields["kind"], result.fields["outcome"]) == (kind, "credited")


def _summed(booked: Iterable[Booking], place: Callable[[Booking], Place]) -> dict[Place, dict[str, Any]]:
    totals: Counter[tuple[Place, str, str | None]] = Counter()
    for booking in booked:
        totals[place(booking), booking.name, booking.currency] += booking.amount
    shown: dict[Place, dict[str, Any]] = {}
    for (where, name, currency), total in totals.items():
        if total and currency is None:
            shown.setdefault(where, {})[name] = total
        elif total:
            shown.setdefault(where, {}).setdefault(name, {})[currency] = total
    return shown
