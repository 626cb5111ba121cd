"""The overview: a day against the same time a week ago, and what it is made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from nicegui import ui

from app.alerts.record import AlertRecord
from app.counters import Counters, amounts, rates
from app.dashboard import telling
from app.dashboard.address import address, scope_address
from app.dashboard.charts import COLOURS, Curve, Options, Points, lines
from app.dashboard.numbers import Numbers
from app.dashboard.parts import Figure, Funnel, Row, Split, Table, chart, choices, element, link, panel, redraw, text
from app.dashboard.texts import Texts
from app.dashboard.views.alerts import AlertsView

FUNNELS: Final = ("all", "day")
PARTS: Final = {"in_app_against": ("in_app", "outside"), "ads_against": ("ads", "ordinary")}
CHARTS: Final = ("orders", "clicks")
RATES: Final = ("entries_per_click", "orders_per_click", "refund_rate")
WEEK_MS: Final = 7 * 24 * 3_600_000
MONEY: Final = ("gross_minor", "refunded_minor", "net_minor")


class Day(NamedTuple):
    """A day so far: its counters, and those of each of its hours by when that begins."""

    counters: Counters
    hours: Mapping[int, Counters]


class Overview(NamedTuple):
    """What the overview shows; the parts are of all time by the names of `PARTS`."""

    day_ms: int
    day: Day
    week_ago: Day  # until the same time
    whole_week_ago: Day
    all_time: Counters
    parts: Mapping[str, Counters]
    platforms: Mapping[str, Counters]
    top: Sequence[tuple[str, Counters]]


NOTHING: Final = Overview(0, Day({}, {}), Day({}, {}), Day({}, {}), {}, {}, {}, ())


class OverviewView:
    """Built once; `show` puts in the numbers."""

    def __init__(self, texts: Texts, numbers: Numbers, funnel: str, day: str | None) -> None:
        self._texts = texts
        self._numbers = numbers
        self._funnel_of = funnel
        names = texts.counters
        with element("div", "figures"):
            self._figures = {name: Figure(names[name]) for name in (*MONEY[2:], "orders", "clicks")}
            self._rates = {name: Figure(names[name]) for name in RATES}
        with element("div", "grid"):
            self._build_funnel(day)
            self._build_alerts()
            self._charts = {name: self._build_chart(name) for name in CHARTS}
            with element("div", "w4 stack"):
                self._splits = {title: self._build_split(title, parts) for title, parts in PARTS.items()}
            self._money = self._build_money()
            self._platforms = self._build_platforms()
            self._top = self._build_top()

    def show(self, overview: Overview) -> None:
        """Put in the numbers of this moment."""
        self._show_figures(overview.day, overview.week_ago)
        whole = overview.all_time if self._funnel_of == "all" else overview.day.counters
        with_reads = self._funnel_of == "all"
        self._funnel.show(telling.funnel(whole, self._texts, self._numbers, reads=with_reads))
        for name, drawn in self._charts.items():
            redraw(drawn, self._curves(overview, name))
        for title, names in PARTS.items():
            self._splits[title].show(self._shares([overview.parts[name] for name in names]))
        self._show_money(overview.day.counters, overview.all_time)
        rows = self._rows(overview.platforms.items(), lambda name: scope_address("platform", name))
        refused = [self._numbers.compact(one.get("clicks_refused", 0)) for one in overview.platforms.values()]
        self._platforms.show([row._replace(cells=(*row.cells, more)) for row, more in zip(rows, refused, strict=True)])
        self._top.show(self._rows(overview.top, lambda name: scope_address("note", name)))

    def show_alerts(self, alerts: Sequence[AlertRecord]) -> None:
        """Put in what is firing."""
        firing = [one for one in alerts if one.state == "firing"]
        self._alerts.show(firing)
        self._no_alerts.set_visibility(not firing)

    def _build_funnel(self, day: str | None) -> None:
        texts = self._texts
        with panel(texts.funnel, "w8") as beside:
            with beside:
                options = dict(zip(FUNNELS, (texts.all_time, texts.of_day), strict=True))
                hrefs = {name: address("", funnel=name, day=day) for name in FUNNELS}
                choices(texts.funnel, options, self._funnel_of, hrefs)
            steps = telling.STEPS if self._funnel_of == "all" else telling.STEPS[1:]
            self._funnel = Funnel([texts.counters[name] for name in steps])
            if self._funnel_of == "day":
                text(texts.reads_hint, "quiet small", tag="p")

    def _build_alerts(self) -> None:
        texts = self._texts
        with panel(texts.firing, "w4") as beside:
            with beside:
                link(texts.alerts, address("alerts"))
            self._alerts = AlertsView(texts, self._numbers)
            with element("div") as self._no_alerts:
                text(texts.nothing_firing, tag="p")
                text(texts.nothing_firing_how, "quiet small", tag="p")

    def _build_chart(self, name: str) -> ui.echart:
        with panel(self._texts.hours.format(metric=self._texts.counters[name]), "w6"):
            return chart(self._curves(NOTHING, name), "low")

    def _build_split(self, title: str, names: Sequence[str]) -> Split:
        texts = self._texts
        heading = getattr(texts, title)
        with panel(heading, "", texts.share_of_orders):
            heads = (texts.share, texts.counters["orders"], texts.counters["order_rate"])
            return Split([getattr(texts, name) for name in names], heads, f"{heading}: {texts.share_of_orders}")

    def _build_money(self) -> Table:
        texts = self._texts
        heads = [f"{texts.counters[name]}, {span.lower()}" for span in (texts.of_day, texts.all_time) for name in MONEY]
        with panel(texts.money, "w8"):
            table = Table((texts.currency, *heads), texts.money, save=texts.csv)
            text(texts.hours.format(metric=texts.counters["net_minor"]), tag="h3")
            self._charts["net_minor"] = chart(self._curves(NOTHING, "net_minor"), "low")
            return table

    def _build_platforms(self) -> Table:
        texts = self._texts
        with panel(texts.platforms, "w6", texts.all_time):
            return Table(
                (*self._heads(texts.scopes["platform"]), texts.counters["clicks_refused"]),
                texts.platforms,
                save=texts.csv,
            )

    def _build_top(self) -> Table:
        texts = self._texts
        with panel(texts.top_notes, "w6", texts.all_time) as beside:
            with beside:
                link(texts.all_notes, address("notes"))
            return Table(self._heads(texts.scopes["note"]), texts.top_notes, save=texts.csv)

    def _heads(self, first: str) -> tuple[str, ...]:
        names = self._texts.counters
        return (first, names["clicks"], names["entry_rate"], names["orders"], names["order_rate"], names["net_minor"])

    def _show_figures(self, day: Day, before: Day) -> None:
        numbers = self._numbers
        money, money_before = telling.net(day.counters), telling.net(before.counters)
        main = telling.main_currency(money, money_before)
        now, then = money.get(main, 0), money_before.get(main, 0)
        hours = [telling.net(counters).get(main, 0) for counters in day.hours.values()]
        self._figures["net_minor"].show(
            numbers.money({main: now}, compact=True),
            self._against(now, then, money=main),
            telling.tone(now, then),
            hours,
        )
        for name in ("orders", "clicks"):
            now, then = day.counters.get(name, 0), before.counters.get(name, 0)
            spark = [counters.get(name, 0) for counters in day.hours.values()]
            self._figures[name].show(numbers.compact(now), self._against(now, then), telling.tone(now, then), spark)
        self._show_rates(day, before, main)

    def _show_rates(self, day: Day, before: Day, main: str) -> None:
        for name, figure in self._rates.items():
            now, then = _rate(day.counters, name, main), _rate(before.counters, name, main)
            spark = [_rate(counters, name, main) or 0 for counters in day.hours.values()]
            less = name == "refund_rate"
            tone = telling.tone(now or 0, then or 0, less_is_better=less)
            against = self._texts.no_week
            if now is not None and then:
                change = self._numbers.change(now, then)
                against = self._texts.against.format(change=change, before=self._numbers.share(then))
            figure.show(self._numbers.share(now), against, tone, spark)

    def _against(self, now: float, before: float, money: str | None = None) -> str:
        if not before:
            return self._texts.no_week
        numbers = self._numbers
        earlier = numbers.money({money: int(before)}, compact=True) if money else numbers.compact(before)
        return self._texts.against.format(change=numbers.change(now, before), before=earlier)

    def _curves(self, overview: Overview, name: str) -> Options:
        texts, hours, before = self._texts, overview.day.hours, overview.whole_week_ago.hours
        net = [telling.net(counters) for counters in (*hours.values(), *before.values())]
        currency = telling.main_currency(*net)
        curves = [
            Curve(texts.week_ago, _points(before, name, currency, WEEK_MS), ghost=True),
            Curve(texts.this_day, _points(hours, name, currency), COLOURS[0], area=True),
        ]
        label = texts.hours.format(metric=texts.counters[name])
        return lines(curves, locale=texts.language, label=label, day_ms=overview.day_ms or None)

    def _shares(self, parts: Sequence[Counters]) -> list[tuple[float, Sequence[str]]]:
        numbers = self._numbers
        orders = [part.get("orders", 0) for part in parts]
        return [
            (
                telling.share(count, sum(orders)) or 0,
                (
                    telling.percent(count, sum(orders), numbers),
                    numbers.compact(count),
                    numbers.share(rates(part).order),
                ),
            )
            for count, part in zip(orders, parts, strict=True)
        ]

    def _show_money(self, *spans: Counters) -> None:
        sums = [telling.net(one) if name == "net_minor" else amounts(one, name) for one in spans for name in MONEY]
        currencies = sorted({one for by in sums for one in by}, key=lambda one: (one != telling.MAIN_CURRENCY, one))
        cells = {one: [self._numbers.money({one: by.get(one, 0)}) for by in sums] for one in currencies}
        self._money.show([Row((currency, *texts)) for currency, texts in cells.items()])

    def _rows(self, parts: Iterable[tuple[str, Counters]], href: Callable[[str], str]) -> list[Row]:
        numbers = self._numbers
        return [
            Row(
                (
                    name,
                    numbers.compact(one.get("clicks", 0)),
                    numbers.share(rates(one).entry),
                    numbers.count(one.get("orders", 0)),
                    numbers.share(rates(one).order),
                    telling.money_line(telling.net(one), numbers),
                ),
                href(name),
            )
            for name, one in parts
        ]


def _rate(counters: Counters, name: str, currency: str) -> float | None:
    """What of a day's money was refunded, or what a day's clicks and a day's orders come to, whatever brought those."""
    if name == "refund_rate":
        return rates(counters).refund.get(currency)
    return telling.share(counters.get(name.removesuffix("_per_click"), 0), counters.get("clicks", 0))


def _points(hours: Mapping[int, Counters], name: str, currency: str, later_ms: int = 0) -> Points:
    return [(at_ms + later_ms, telling.drawn(counters, name, currency)) for at_ms, counters in hours.items()]
