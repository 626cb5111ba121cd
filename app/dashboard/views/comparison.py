"""Two notes, campaigns or merchants side by side."""

from collections.abc import Sequence
from typing import Final

from app.counters import Counters, rates
from app.dashboard import telling
from app.dashboard.charts import COLOURS, Curve, Options, lines
from app.dashboard.numbers import NONE, Numbers
from app.dashboard.parts import Row, Table, chart, element, panel, redraw
from app.dashboard.texts import Texts
from app.dashboard.views.scope import Looked

COUNTS: Final = ("reads", "clicks", "clicks_refused", "entries", "favourites", "carts", "orders")
DRAWN: Final = ("clicks", "orders")


class ComparisonView:
    """Built once; `show` puts in the numbers."""

    def __init__(self, texts: Texts, numbers: Numbers, ids: tuple[str, str]) -> None:
        self._texts, self._numbers, self._ids = texts, numbers, ids
        with element("div", "grid"):
            with panel(texts.compare, "w6"):
                self._table = Table(("", *ids, texts.difference), texts.compare, save=texts.csv)
            with element("div", "w6 stack"):
                self._charts = []
                for name in DRAWN:
                    with panel(texts.counters[name]):
                        self._charts.append((name, chart(self._curves(name, ()), "low")))

    def show(self, looked: tuple[Looked, Looked]) -> None:
        """Put in the numbers of this moment."""
        self._table.show(self._rows(looked[0].counters, looked[1].counters))
        for name, drawn in self._charts:
            redraw(drawn, self._curves(name, looked))

    def _rows(self, first: Counters, second: Counters) -> list[Row]:
        names, numbers = self._texts.counters, self._numbers
        rows = [self._row(names[name], first.get(name, 0), second.get(name, 0)) for name in COUNTS]
        for name, pick in (("entry_rate", 0), ("order_rate", 1)):
            one, other = rates(first)[pick], rates(second)[pick]
            points = NONE
            if isinstance(one, float) and isinstance(other, float):
                points = self._texts.points.format(points=f"{(one - other) * 100:+.1f}")
            shares = [numbers.share(rate if isinstance(rate, float) else None) for rate in (one, other)]
            rows.append(Row((names[name], *shares, points)))
        one_net, other_net = telling.net(first), telling.net(second)
        for currency in sorted(one_net | other_net):
            one_minor, other_minor = one_net.get(currency, 0), other_net.get(currency, 0)
            texts = [numbers.money({currency: minor}) for minor in (one_minor, other_minor)]
            rows.append(Row((f"{names['net_minor']} {currency}", *texts, numbers.change(one_minor, other_minor))))
        return rows

    def _row(self, name: str, one: int, other: int) -> Row:
        return Row((name, self._numbers.count(one), self._numbers.count(other), self._numbers.change(one, other)))

    def _curves(self, name: str, looked: Sequence[Looked]) -> Options:
        curves = [
            Curve(label, one.series.get(name, ()), colour)
            for label, one, colour in zip(self._ids, looked, COLOURS, strict=False)
        ]
        return lines(curves, locale=self._texts.language, label=self._texts.counters[name])
