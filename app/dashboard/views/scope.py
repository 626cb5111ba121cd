"""One note, campaign, merchant, platform or category: its funnel, how it went over time, and what is happening."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from app.counters import Counters, amounts
from app.dashboard import telling
from app.dashboard.address import scope_address
from app.dashboard.charts import COLOURS, Curve, Options, Points, bars, lines
from app.dashboard.numbers import Numbers
from app.dashboard.parts import Figure, Funnel, Row, Table, chart, choices, element, panel, redraw, text
from app.dashboard.texts import Texts
from app.dashboard.views.latest import LatestView
from app.viewing.series import Basis

METRICS: Final = {
    "orders": ("clicks", "entries", "orders"),
    "carts": ("favourites", "carts", "orders"),
    "money": ("gross_minor", "refunded_minor", "net_minor"),
}
REFUSED: Final = "refused:"


class Rate(NamedTuple):
    """A share with what it is a share of and its 95% interval; all None or 0 where there is nothing."""

    value: float | None
    part: int
    whole: int
    low: float | None
    high: float | None


class Chosen(NamedTuple):
    """What the address of the view says."""

    scope: str
    id: str
    metrics: str
    basis: Basis
    span: str


class Looked(NamedTuple):
    """What a view of one scope shows."""

    counters: Counters
    entry: Rate
    order: Rate
    series: Mapping[str, Points]  # by counter; money in major units of `currency`
    expected: Points  # orders that the clicks of each time are expected to come to, where they may still bring some
    immature_from_ms: int | None
    delays: Mapping[str, float]  # share of orders that came within so long after their click
    parts: Sequence[Row]


class ScopeView:
    """Built once; `show` puts in the numbers."""

    def __init__(self, texts: Texts, numbers: Numbers, chosen: Chosen, part_heads: Sequence[str]) -> None:
        self._texts, self._numbers, self._chosen = texts, numbers, chosen
        with element("div", "figures"):
            names = ("orders", "entry_rate", "order_rate", "net_minor", "gross_minor", "refunded_minor")
            self._figures = {name: Figure(texts.counters[name]) for name in names}
        with element("div", "grid"):
            with panel(texts.funnel, "w8"):
                self._funnel = self._build_funnel()
            with panel(texts.latest, "w4", texts.latest_how):
                self.latest = LatestView(texts, numbers, chosen.scope)
            self._build_series()
            with panel(texts.delay, "w6", texts.delay_how):
                self._delays = chart(self._delay_bars({}), "low")
                self._no_delays = text(texts.no_delay, "quiet", tag="p")
            with panel(texts.refused, "w6"):
                self._refused = Table((texts.reason, *texts.kinds.values()), texts.refused, save=texts.csv)
                self._none_refused = text(texts.no_refused, "quiet", tag="p")
            with panel(texts.parts):
                self._parts = Table(part_heads, texts.parts, save=texts.csv)

    def show(self, looked: Looked) -> None:
        """Put in the numbers of this moment."""
        self._show_figures(looked)
        with_reads = self._chosen.scope == "note"
        self._funnel.show(telling.funnel(looked.counters, self._texts, self._numbers, reads=with_reads))
        redraw(self._series, self._curves(looked))
        since = looked.immature_from_ms
        told = "" if since is None else self._texts.immature.format(time=self._numbers.moment(since))
        self._immature.set_text(told)
        redraw(self._delays, self._delay_bars(looked.delays))
        self._delays.set_visibility(bool(looked.delays))
        self._no_delays.set_visibility(not looked.delays)
        self._show_refused(looked.counters)
        self._parts.show(looked.parts)

    def _build_funnel(self) -> Funnel:
        steps = telling.STEPS if self._chosen.scope == "note" else telling.STEPS[1:]
        return Funnel([self._texts.counters[name] for name in steps])

    def _build_series(self) -> None:
        texts, chosen = self._texts, self._chosen
        names = texts.counters
        labels = {name: f"{names[first]}, {names[second]} …" for name, (first, second, _) in METRICS.items()}
        labels["money"] = texts.money
        with panel(texts.series, "", texts.basis_how if chosen.basis == "click" else "") as beside:
            with beside:
                choices(texts.metrics, labels, chosen.metrics, {name: self._with(metrics=name) for name in METRICS})
                choices(texts.basis, texts.bases, chosen.basis, {name: self._with(basis=name) for name in texts.bases})
                choices(texts.series, texts.ranges, chosen.span, {name: self._with(span=name) for name in texts.ranges})
            self._series = chart(lines([], locale=texts.language, label=texts.series))
            self._immature = text("", "quiet small", tag="p")

    def _with(self, **state: Any) -> str:
        scope, name, *_ = self._chosen
        wanted = self._chosen._replace(**state)
        return scope_address(scope, name, metrics=wanted.metrics, basis=wanted.basis, span=wanted.span)

    def _show_figures(self, looked: Looked) -> None:
        numbers, counters, figures = self._numbers, looked.counters, self._figures
        unsettled = [
            f"{numbers.count(counters[name])} {self._texts.counters[name]}"
            for name in ("orders_pending", "orders_held", "orders_closed")
            if counters.get(name)
        ]
        figures["orders"].show(numbers.count(counters.get("orders", 0)), " · ".join(unsettled))
        for name, rate in (("entry_rate", looked.entry), ("order_rate", looked.order)):
            figures[name].show(numbers.share(rate.value), self._interval(rate))
        money = {"net_minor": telling.net(counters)}
        money |= {name: amounts(counters, name) for name in ("gross_minor", "refunded_minor")}
        main = telling.main_currency(*money.values())
        for name, by in money.items():
            main_text = numbers.money({main: by.get(main, 0)}, compact=True)
            figures[name].show(main_text, telling.others(by, main, numbers))

    def _interval(self, rate: Rate) -> str:
        numbers, texts = self._numbers, self._texts
        if rate.value is None or rate.low is None or rate.high is None:
            return ""
        of = texts.denominator.format(part=numbers.count(rate.part), whole=numbers.count(rate.whole))
        interval = texts.interval.format(low=numbers.share(rate.low), high=numbers.share(rate.high))
        return f"{of} · {interval}"

    def _curves(self, looked: Looked) -> Options:
        names = self._texts.counters
        curves = [
            Curve(names[name], looked.series.get(name, ()), colour)
            for name, colour in zip(METRICS[self._chosen.metrics], COLOURS, strict=False)
        ]
        if looked.expected and self._chosen.metrics == "orders":
            name = self._texts.expected.format(name=names["orders"])
            curves.append(Curve(name, looked.expected, ghost=True))
        return lines(curves, locale=self._texts.language, label=self._texts.series)

    def _delay_bars(self, delays: Mapping[str, float]) -> Options:
        return bars(delays, locale=self._texts.language, label=self._texts.delay, share=True)

    def _show_refused(self, counters: Counters) -> None:
        texts = self._texts
        found = {name.removeprefix(REFUSED): count for name, count in counters.items() if name.startswith(REFUSED)}
        rows = []
        for reason, label in texts.reasons.items():
            counts = [found.get(f"{kind}/{reason}", 0) for kind in texts.kinds]
            if any(counts):
                rows.append(Row((label, *map(self._numbers.count, counts))))
        self._refused.show(rows)
        self._none_refused.set_visibility(not rows)
