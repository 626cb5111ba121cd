"""The chart of a backtest as a PNG: when which rule said something, beside what was going on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from app.alerts.backtest.running import Alert
from app.alerts.calendar import SHANGHAI
from app.alerts.simulated.incidents import HARMLESS, Incident

DAY_MIN: Final = 24 * 60.0
_SHORTEST_DAYS: Final = 1 / 48  # what is shorter would not be seen


def draw(alerts: Sequence[Alert], incidents: Sequence[Incident], start_ms: int, path: Path) -> None:
    """Write the chart; minutes are counted from `start_ms`."""
    start = start_ms / 86_400_000
    names = sorted({alert.rule for alert in alerts})
    rows = len(names) + 2 * bool(incidents)
    figure = Figure(figsize=(12, 1.6 + 0.45 * max(rows, 2)), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for place, name in enumerate(names):
        axes.broken_barh(
            [_bar(a.start, a.end, start) for a in alerts if a.rule == name], (place - 0.35, 0.7), color="#cc3d3d"
        )
    labels = list(names)
    if incidents:
        for label, color, harmless in (("incidents", "#1f4e79", False), ("harmless", "#9aa7b5", True)):
            bars = [_bar(i.start, i.end, start) for i in incidents if (i.kind in HARMLESS) == harmless]
            axes.broken_barh(bars, (len(labels) - 0.35, 0.7), color=color)
            labels.append(label)
    axes.set_yticks(range(len(labels)), labels)
    locator = AutoDateLocator(tz=SHANGHAI)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=SHANGHAI))  # type: ignore[no-untyped-call]
    axes.set_xlabel("Asia/Shanghai")
    axes.grid(axis="x", alpha=0.3)
    with path.open("wb") as file:
        FigureCanvasAgg(figure).print_png(file)  # type: ignore[no-untyped-call]


def _bar(first: int, last: int, start: float) -> tuple[float, float]:
    return start + first / DAY_MIN, max((last - first) / DAY_MIN, _SHORTEST_DAYS)
