"""Which notes the table of notes shows."""

import time
from collections.abc import Sequence
from typing import Final

from app.counters import Counters
from app.dashboard.looks.flat import flat
from app.dashboard.looks.times import HOUR_MS
from app.dashboard.views.notes import Order, Ranked
from app.viewing.model import ReadModel
from app.viewing.party import Party
from app.viewing.ranking import RankQuery, window
from app.viewing.scopes import Filters
from app.viewing.series import rows_of
from app.viewing.turns import Turns
from app.viewing.view import View

TREND_HOURS: Final = 72
TREND_STEP: Final = 4  # hours in a point
TREND_FOR_S: Final = 15.0  # a trend is shown for so long before it is read again
MOST_TRENDS: Final = 2_000
EVENT: Final = "e"
FILTERS: Final = {"campaign": "campaign_id", "merchant": "merchant_id", "platform": "platform"}


class Notes:
    """Looks up notes by rank for one party."""

    def __init__(self, model: ReadModel, party: Party) -> None:
        self._model, self._party = model, party
        self._trends: dict[str, tuple[float, Sequence[float]]] = {}

    async def rank(self, order: Order, start: int, limit: int) -> Ranked:
        """So many notes from a place in that order on."""
        view = self._model.view(self._party)
        page = await window(view, rank_query(order), start, limit)
        trends = await self._trends_of(view, [item.id for item in page.items])
        return Ranked(page.total, [(item.id, flat(item.figures), trends[item.id]) for item in page.items])

    async def all(self, order: Order, limit: int) -> list[tuple[str, Counters]]:
        """The first so many notes in that order."""
        turns, found = Turns(), list[tuple[str, Counters]]()
        for item in (await window(self._model.view(self._party), rank_query(order), 0, limit)).items:
            found.append((item.id, flat(item.figures)))
            await turns.pause()
        return found

    async def _trends_of(self, view: View, notes: Sequence[str]) -> dict[str, Sequence[float]]:
        now = time.monotonic()
        known = {note: one for note, one in self._trends.items() if now - one[0] < TREND_FOR_S or note not in notes}
        missing = [note for note in notes if note not in known]
        known.update((note, (now, trend)) for note, trend in (await self._read(view, missing)).items())
        self._trends = dict(list(known.items())[-MOST_TRENDS:])
        return {note: known[note][1] for note in notes}

    async def _read(self, view: View, notes: Sequence[str]) -> dict[str, Sequence[float]]:
        """Orders of the last hours, some hours to a point; nothing where a party sees only what was released."""
        if view.party.grouped or not notes:
            return dict.fromkeys(notes, ())
        end = self._model.clock() // HOUR_MS + 1
        hours = range(end - TREND_HOURS, end)
        note_of = {EVENT + row: note for note in notes for row in rows_of(view, "notes", note)}
        found = await self._model.series.rows({("hours", hour): list(note_of) for hour in hours})
        trends = {note: [0.0] * (TREND_HOURS // TREND_STEP) for note in notes}
        for (_, hour), rows in found.items():
            for row, counts in rows.items():
                trends[note_of[row]][(hour - hours.start) // TREND_STEP] += counts.get("orders", 0)
        return dict(trends)


def rank_query(order: Order) -> RankQuery:
    """The question that the order of the table is."""
    filters = Filters(**{FILTERS[order.scope]: order.id}) if order.scope else Filters()
    return RankQuery("notes", order.sort, ascending=not order.descending, filters=filters, search=order.search)
