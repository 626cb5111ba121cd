"""Tally: what the outcomes of a journey add to the counters and to the ledger."""

from collections.abc import Collection
from typing import TypeAlias, get_args

from streams.core.credit import JudgedClick, Outcome, Outcomes, Reason, State
from streams.core.facts import Click
from streams.core.policy import Stage

CellKey: TypeAlias = tuple[str, str | None, str, str, str, str, str]
"""The finest group of clicks with counters: note, campaign, merchant, platform, category, link, note kind."""


class Tally:
    """Changes of counters by cell, and of ledger lines, added up over many journeys."""

    def __init__(self) -> None:
        self.cells: dict[CellKey, dict[str, int]] = {}
        self.ledger: dict[str, int] = {}

    def change(self, before: Outcomes | None, after: Outcomes) -> None:
        """Take the outcomes of a journey before away, and add those after."""
        if before is not None:
            if before.clicks == after.clicks and not before.results:
                self._count_results(after.results.values(), 1)
                return
            self.count(before, -1)
        self.count(after, 1)

    def count(self, outcomes: Outcomes, sign: int) -> None:
        """Add the outcomes of a journey, or take them away again with sign -1."""
        for judged in outcomes.clicks:
            self.count_click(judged, sign)
        if outcomes.results:
            self._count_results(outcomes.results.values(), sign)

    def count_click(self, judged: JudgedClick, sign: int) -> None:
        """Add a click as such, whatever it won."""
        _add(self._cell(judged.click), "clicks" if judged.refusal is None else "clicks_refused", sign)

    def _count_results(self, results: Collection[Outcome], sign: int) -> None:
        won: dict[tuple[str, str], Click] = {}
        for result in results:
            self._count_result(result, sign)
            if result.state == "credited" and result.winner is not None and result.kind in WON:
                won[WON[result.kind], result.winner.event_id] = result.winner
        for (name, _), click in won.items():
            _add(self._cell(click), name, sign)

    def _count_result(self, result: Outcome, sign: int) -> None:
        _add(self.ledger, LINES[result.kind, result.state, result.reason], sign)
        if result.mismatched:
            _add(self.ledger, "currency_mismatch", sign * result.mismatched)
        if result.winner is not None:
            counters = self._cell(result.winner)
            _add(counters, COUNTER_OF[result.kind if result.kind != "order" else result.state], sign)
            if result.gross_minor:
                _add(counters, f"gross_minor:{result.currency}", sign * result.gross_minor)
            if result.refunded_minor:
                _add(counters, f"refunded_minor:{result.currency}", sign * result.refunded_minor)
        elif result.nearest is not None:
            _add(self._cell(result.nearest), f"refused:{result.kind}/{result.reason}", sign)

    def _cell(self, click: Click) -> dict[str, int]:
        key = (
            click.note_id, click.campaign_id, click.merchant_id, click.platform, click.category, click.link,
            click.note_kind,
        )  # fmt: skip
        counters = self.cells.get(key)
        if counters is None:
            counters = self.cells[key] = {}
        return counters


LINES = {
    (kind, state, reason): f"outcome:{kind}:{state}/{reason or ''}"
    for kind in get_args(Stage)
    for state in get_args(State)
    for reason in (None, *get_args(Reason))
}
"""The ledger line of a result by kind, state and reason."""

WON = {"entry": "clicks_entered", "order": "clicks_ordered"}
"""What a click counts under, once, when it wins at least one credited result of a kind."""

COUNTER_OF = {
    "entry": "entries",
    "favourite": "favourites",
    "cart": "carts",
    "credited": "orders",
    "pending": "orders_pending",
    "held": "orders_held",
    "withdrawn": "orders_closed",
}


def _add(counters: dict[str, int], name: str, change: int) -> None:
    counters[name] = counters.get(name, 0) + change
