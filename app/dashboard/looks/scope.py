"""What the view of one note, campaign, merchant or platform shows."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.counters import Counters, rates
from app.dashboard.address import SCOPES, scope_address
from app.dashboard.charts import Points
from app.dashboard.looks.flat import flat
from app.dashboard.looks.times import COUNTED as COUNTED_OVER_TIME
from app.dashboard.looks.times import DAY_MS, HOUR_MS, ZONE, counters_of
from app.dashboard.numbers import NONE, Numbers
from app.dashboard.parts import Row
from app.dashboard.telling import drawn, main_currency, money_line, net
from app.dashboard.views.scope import METRICS, Chosen, Looked, Rate
from app.dashboard.visit import Visit
from app.viewing.figures import Rate as Share
from app.viewing.periods import cut
from app.viewing.scopes import Dimension
from app.viewing.series import Point, SeriesQuery
from app.viewing.view import View

SPANS: Final = {
    "1d": (DAY_MS, 3_600),
    "3d": (3 * DAY_MS, 3_600),
    "14d": (14 * DAY_MS, 21_600),
    "60d": (60 * DAY_MS, 86_400),
}
"""How far back a series goes, in ms, and its step in seconds."""

PARTS: Final[Mapping[str, Sequence[Dimension]]] = {
    "note": ("merchant_id", "campaign_id", "platform"),
    "campaign": ("merchant_id", "platform"),
    "merchant": ("platform", "campaign_id"),
    "platform": ("merchant_id", "category"),
}
"""What the parts of each scope are told apart by."""

MOST_PARTS: Final = 50
LINKED: Final = {"campaign_id": "campaign", "merchant_id": "merchant", "platform": "platform"}
AGES_MS: Final = (HOUR_MS // 6, HOUR_MS, 6 * HOUR_MS, *(days * DAY_MS for days in (1, 2, 3, 5, 7, 10, 15, 30, 60)))
COUNTED: Final = ("clicks", "entries", "orders")


async def look_at(visit: Visit, chosen: Chosen) -> Looked | None:
    """All of it as far as the party sees; None if nothing of it exists for the party."""
    view, scope = visit.site.model.view(visit.party), SCOPES[chosen.scope]
    figures = view.figures(scope, chosen.id)
    if figures is None:
        return None
    refused = {f"refused:{name}": count for name, count in view.refused(scope, chosen.id).items()}
    counters = {**flat(figures), **refused}
    points = await _points(visit, chosen)
    immature = [point for point in points if point.immature]
    return Looked(
        counters=counters,
        entry=_rate(figures.rates.entry_rate),
        order=_rate(figures.rates.order_rate),
        series=_series(points, main_currency(net(counters))),
        expected=[(point.from_ms, point.expected["orders"].value) for point in immature if "orders" in point.expected],
        immature_from_ms=immature[0].from_ms if immature else None,
        delays=await _delays(visit, chosen),
        parts=parts_of(view, chosen, visit.numbers),
    )


async def _points(visit: Visit, chosen: Chosen) -> list[Point]:
    length_ms, step_s = SPANS[chosen.span]
    now_ms = visit.site.model.clock()
    periods = cut(now_ms - length_ms, now_ms, step_s, ZONE)
    query = SeriesQuery(SCOPES[chosen.scope], chosen.id, COUNTED_OVER_TIME, periods, step_s, chosen.basis)
    return await visit.site.history.points(visit.party, query) or []


async def _delays(visit: Visit, chosen: Chosen) -> dict[str, float]:
    """The share of orders that came within so long after their click; nothing where too few are known."""
    if visit.party.grouped:
        return {}
    cohorts = await visit.site.history.cohorts(visit.party, SCOPES[chosen.scope], chosen.id)
    if cohorts.curve is None:
        return {}
    ages = [age_ms for age_ms in AGES_MS if age_ms <= cohorts.window_ms]
    return {visit.numbers.span(age_ms): cohorts.curve.share(age_ms) for age_ms in ages}


def parts_of(view: View, chosen: Chosen, numbers: Numbers) -> list[Row]:
    """The cells of an id by what tells them apart, those with the most orders first."""
    dimensions = PARTS[chosen.scope]
    rows = view.cells.of_shops(view.rows_of(SCOPES[chosen.scope], chosen.id))
    grouped: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        names = tuple(view.cells.name(dimension, row) for dimension in dimensions)
        grouped.setdefault(names, []).append(int(row))
    counted = [(names, view.cells.sums(some)) for names, some in grouped.items()]
    counted.sort(key=lambda one: (-one[1].get("orders", 0), -one[1].get("clicks", 0), one[0]))
    return [_part(dimensions, names, counters, numbers) for names, counters in counted[:MOST_PARTS]]


def _part(dimensions: Sequence[Dimension], names: Sequence[str], counters: Counters, numbers: Numbers) -> Row:
    """A line of the table; it leads to the first of its names that has a view."""
    named = [
        (LINKED[dimension], name) for dimension, name in zip(dimensions, names, strict=True) if dimension in LINKED
    ]
    target = next((one for one in named if one[1]), None)
    cells = (
        *(name or NONE for name in names),
        *(numbers.count(counters.get(counter, 0)) for counter in COUNTED),
        numbers.share(rates(counters).order),
        money_line(net(counters), numbers),
    )
    return Row(cells, scope_address(*target) if target else "")


def _series(points: Sequence[Point], currency: str) -> dict[str, Points]:
    """Counters over time by name, money in whole units of one currency."""
    steps = [(point.from_ms, counters_of(point)) for point in points]
    names = {name for metrics in METRICS.values() for name in metrics}
    return {name: [(at_ms, drawn(counters, name, currency)) for at_ms, counters in steps] for name in names}


def _rate(share: Share | None) -> Rate:
    if share is None:
        return Rate(None, 0, 0, None, None)
    return Rate(share.value, share.numerator, share.denominator, share.low, share.high)
