"""Series, delays and what immature periods are expected to come to, read for one party."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from app.explaining.explanation import policy_set
from app.redis_store.told_rows import Span
from app.viewing.grouping import add
from app.viewing.maturity import GROWING, DelayCurve, delay_curve, expected, mature_days
from app.viewing.model import ReadModel
from app.viewing.party import Party
from app.viewing.periods import HOUR_S, WrongPeriods, hours_of
from app.viewing.releasing import text_of
from app.viewing.scopes import Dimension, Scope
from app.viewing.series import Point, SeriesQuery, counted, points, rows_of, spans_of
from app.viewing.turns import Turns
from app.viewing.view import View
from streams.core.facts import Click
from streams.core.terms import PolicySet, work_out
from streams.rollups import BASES, HOUR_MS, Rows

HOURS: Final = 24
CLICK: Final = BASES["click"]
MOST_RELEASED: Final = 500_000  # fields read for a series of what was released
MOST_CURVES: Final = 256
MOST_COMBINATIONS: Final = 200  # whose order windows are looked up one by one


class Cohorts(NamedTuple):
    """What is known of clicks that are mature, and when a click is."""

    window_ms: int
    curve: DelayCurve | None


class History:
    """Reads series for parties; remembers delay curves for an hour."""

    def __init__(self, model: ReadModel) -> None:
        self._model = model
        self._curves: dict[tuple[Party, Scope | None, str], tuple[int, Cohorts]] = {}

    async def points(self, party: Party, query: SeriesQuery) -> list[Point] | None:
        """The points of a series; None if its id does not exist for the party.

        WrongPeriods if they cannot be read as asked.
        """
        model = self._model
        view = model.view(party)
        if query.scope is not None and view.figures(query.scope, query.id) is None:
            return None
        if party.grouped:
            return points(query, await self._released(view, query))
        rows = rows_of(view, query.scope, query.id)
        sums = counted(query, await model.series.rows(spans_of(query, rows)))
        found = points(query, sums)
        if query.basis == "event":
            return found
        cohorts = await self.cohorts(party, query.scope, query.id)
        return [self._with_future(point, counts, query, cohorts) for point, counts in zip(found, sums, strict=True)]

    async def _released(self, view: View, query: SeriesQuery) -> list[dict[str, int]]:
        """What was released in each period: for who is shown groups only, nothing else has a time."""
        if query.basis != "event":
            raise WrongPeriods("what is shown to this party is booked when it is released: take basis=event")
        if query.step_s < HOUR_S:
            raise WrongPeriods(f"what is shown to this party is released by the hour: take a step of at least {HOUR_S}")
        cells, hours = view.cells, hours_of(query.periods)
        rows = view.rows() if query.scope is None else view.rows_of(query.scope, query.id)
        shop_rows = cells.of_shops(rows).tolist()
        if len(shop_rows) * len(hours) > MOST_RELEASED:
            raise WrongPeriods("this is too much to read at once: take a shorter time")
        turns, texts = Turns(), list[str]()
        for row in shop_rows:
            texts.append(text_of(cells.key(row)))
            await turns.pause()
        sums: list[dict[str, int]] = [{} for _ in query.periods.starts_ms]
        for hour, of_rows in (await self._model.releases.hours(hours, texts)).items():
            place = query.periods.place(hour * HOUR_MS)
            for counts in of_rows.values() if place is not None else ():
                add(sums[place or 0], counts)
        return sums

    async def delays(self, party: Party, scope: Scope | None, name: str, days: range) -> dict[str, int]:
        """Orders by class of delay (`orders:CLASS`) of the clicks of some days since 1970."""
        rows = rows_of_days(self._model.view(party), scope, name)
        return _total(await self._model.series.rows({("days", day): rows for day in days}))

    async def cohorts(self, party: Party, scope: Scope | None, name: str) -> Cohorts:
        """The order window of an id's clicks, and the delay curve of those that are mature.

        Where an id has too few of them, all that the party sees make the curve: never what it does not see.
        """
        hour, key = self._model.clock() // HOUR_MS, (party, scope, name)
        known = self._curves.get(key)
        if known is not None and known[0] == hour:
            return known[1]
        window_ms = order_window_ms(self._model.view(party), scope, name, self._policies())
        curve = await self._curve(party, scope, name, window_ms)
        if curve is None and scope is not None:
            curve = (await self.cohorts(party, None, "")).curve
        if len(self._curves) >= MOST_CURVES:
            self._curves.pop(next(iter(self._curves)))
        cohorts = Cohorts(window_ms, curve)
        self._curves[key] = hour, cohorts
        return cohorts

    async def _curve(self, party: Party, scope: Scope | None, name: str, window_ms: int) -> DelayCurve | None:
        days = mature_days(self._model.clock(), window_ms)
        rows = rows_of_days(self._model.view(party), scope, name)
        delays = await self.delays(party, scope, name, days)
        spans: dict[Span, list[str]] = {
            ("hours", hour): [CLICK + row for row in rows] for hour in range(days.start * HOURS, days.stop * HOURS)
        }
        clicks = _total(await self._model.series.rows(spans)).get("clicks", 0) if delays else 0
        return delay_curve(delays, clicks)

    def _policies(self) -> PolicySet:
        return policy_set([], self._model.reader.namespace.in_force)

    def _with_future(self, point: Point, counts: Mapping[str, int], query: SeriesQuery, cohorts: Cohorts) -> Point:
        now_ms = self._model.clock()
        if point.to_ms + cohorts.window_ms <= now_ms:
            return point
        clicks, curve = counts.get("clicks", 0), cohorts.curve
        if curve is None or clicks <= 0:
            return msgspec.structs.replace(point, immature=True)
        age_ms = max(0, now_ms - (point.from_ms + min(point.to_ms, now_ms)) // 2)
        return msgspec.structs.replace(
            point,
            immature=True,
            expected={
                name: expected(max(0, counts.get(name, 0)), clicks, age_ms, curve)
                for name in GROWING
                if name in query.metrics
            },
        )


def rows_of_days(view: View, scope: Scope | None, name: str) -> list[str]:
    """The rows that orders are counted in by delay; a note has none of its own, its campaigns stand for it."""
    if scope != "notes" or view.party.grouped:
        return rows_of(view, scope, name)
    shop_rows = view.cells.of_shops(view.rows_of(scope, name))
    return sorted({f"m{'|'.join(parts)}" for parts in view.cells.distinct(shop_rows, _SHOP)})


_SHOP: Final[tuple[Dimension, ...]] = ("merchant_id", "platform", "category")


def order_window_ms(view: View, scope: Scope | None, name: str, policies: PolicySet) -> int:
    """The longest order window of any click of an id under any policy; of all there are where those are too many."""
    cells = view.cells
    rows = cells.of_shops(view.rows() if scope is None else view.rows_of(scope, name))
    combinations = cells.distinct(rows, ("campaign_id", "platform", "category"))
    if len(combinations) > MOST_COMBINATIONS or not combinations:
        return max(max(policy.windows_ms()) for policy in policies.policies)
    return max(_windows_ms(policies, combinations))


def _windows_ms(policies: PolicySet, combinations: Iterable[tuple[str, ...]]) -> Iterable[int]:
    for campaign_id, platform, category in combinations:
        click = Click("t", "e", 0, "n", "ad", "note", platform, "m", category, campaign_id or None)
        for policy in policies.policies:
            yield work_out(policy, click).windows_ms["order"]


def _total(found: Mapping[Span, Rows]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for rows in found.values():
        for counts in rows.values():
            for name, count in counts.items():
                sums[name] = sums.get(name, 0) + count
    return sums
