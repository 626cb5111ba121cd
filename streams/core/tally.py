"""Tally: what the outcomes of a journey add to the counters and to the ledger."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, get_args

from streams.core.credit import JudgedClick, Outcome, Outcomes, Reason, State
from streams.core.facts import Click
from streams.core.policy import Stage

MINUTE_MS: Final = 60_000

CellKey: TypeAlias = tuple[str, str | None, str, str, str, str, str]
"""The finest group of clicks with counters: note, campaign, merchant, platform, category, link, note kind."""

When: TypeAlias = tuple[int | None, int, str]
"""A counter at a time: the minute of the fact that counts (None for a click as such), the minute of the click it counts
for, the counter's name."""

Won: TypeAlias = dict[tuple[str, str], tuple[Click, int]]
"""By counter and click id: a click that won credited results of a kind, and when the first of them was."""


class Tally:
    """Changes of counters by cell and in time, and of ledger lines, added up over many journeys."""

    def __init__(self) -> None:
        self.moments: dict[CellKey, dict[When, int]] = {}
        self.ledger: dict[str, int] = {}

    def cells(self) -> dict[CellKey, dict[str, int]]:
        """The changes of counters by cell, whenever they were."""
        cells: dict[CellKey, dict[str, int]] = {}
        for cell, moments in self.moments.items():
            counters = cells[cell] = {}
            for (_, _, name), change in moments.items():
                counters[name] = counters.get(name, 0) + change
        return cells

    def change(self, before: Outcomes | None, after: Outcomes) -> None:
        """Take the outcomes of a journey before away, and add those after."""
        if before is None:
            self._clicks(after.clicks, 1)
            if after.results:
                self._results(after.results, {}, 1)
                self._won(won(after.results), {}, 1)
            return
        if before.clicks != after.clicks:
            self._clicks(before.clicks, -1)
            self._clicks(after.clicks, 1)
        if before.results:
            self._results(before.results, after.results, -1)
        self._results(after.results, before.results, 1)
        won_before, won_after = won(before.results), won(after.results)
        self._won(won_before, won_after, -1)
        self._won(won_after, won_before, 1)

    def count_click(self, judged: JudgedClick, sign: int) -> None:
        """Add a click as such, whatever it won."""
        self._count(judged.click, None, "clicks" if judged.refusal is None else "clicks_refused", sign)

    def _clicks(self, clicks: Sequence[JudgedClick], sign: int) -> None:
        for judged in clicks:
            self.count_click(judged, sign)
        # All but the first, so that clicks less these are tokens, each in the cell where it began.
        for judged in clicks[:-1]:
            self._count(judged.click, None, "clicks_repeated", sign)

    def _results(self, results: Mapping[str, Outcome], others: Mapping[str, Outcome], sign: int) -> None:
        """Count the results that are not the same among the others."""
        for result_id, result in results.items():
            if others.get(result_id) != result:
                self._result(result, sign)

    def _won(self, clicks: Won, others: Won, sign: int) -> None:
        for key, (click, at_ms) in clicks.items():
            if others.get(key) != (click, at_ms):
                self._count(click, at_ms, key[0], sign)

    def _result(self, result: Outcome, sign: int) -> None:
        _add(self.ledger, LINES[result.kind, result.state, result.reason], sign)
        if result.mismatched:
            _add(self.ledger, "currency_mismatch", sign * result.mismatched)
        winner, nearest, at_ms = result.winner, result.nearest, result.at_ms
        if winner is not None:
            self._count(winner, at_ms, COUNTER_OF[result.kind if result.kind != "order" else result.state], sign)
            if result.gross_minor:
                self._count(winner, at_ms, f"gross_minor:{result.currency}", sign * result.gross_minor)
            if result.refunded_minor:
                self._count(winner, at_ms, f"refunded_minor:{result.currency}", sign * result.refunded_minor)
        elif nearest is not None:
            self._count(nearest, at_ms, f"refused:{result.kind}/{result.reason}", sign)

    def _count(self, click: Click, at_ms: int | None, name: str, change: int) -> None:
        cell = (
            click.note_id, click.campaign_id, click.merchant_id, click.platform, click.category, click.link,
            click.note_kind,
        )  # fmt: skip
        moment = None if at_ms is None else at_ms // MINUTE_MS, click.at_ms // MINUTE_MS, name
        moments = self.moments.get(cell)
        if moments is None:
            self.moments[cell] = {moment: change}
        else:
            moments[moment] = moments.get(moment, 0) + change


def won(results: Mapping[str, Outcome]) -> Won:
    """The clicks that won a credited entry or order; each counts once, at the time of the first that it won."""
    clicks: Won = {}
    for result in results.values():
        click = result.winner
        if click is not None and result.state == "credited" and result.kind in WON:
            key = WON[result.kind], click.event_id
            known = clicks.get(key)
            if known is None or result.at_ms < known[1]:
                clicks[key] = click, result.at_ms
    return clicks


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
