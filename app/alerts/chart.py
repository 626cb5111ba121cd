"""The chart of an alert as a PNG: what was observed, what was expected, since when.  No browser, no display."""

import io
from collections.abc import Sequence
from typing import Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure

from app.alerts.background import Point
from app.alerts.calendar import SHANGHAI
from app.alerts.record import AlertRecord
from app.alerts.triage import RATES

# Labels are ASCII: fonts with Chinese characters are not everywhere, the message beside the chart says it in words.
WIDTH_IN, HEIGHT_IN, DPI = 8.0, 3.2, 110
LONGEST_ID: Final = 40
DAY_MS: Final = 24 * 3_600_000


def draw(record: AlertRecord, points: Sequence[Point]) -> bytes | None:
    """The chart, or None where there is nothing to see."""
    if sum(point.value is not None for point in points) < 2:
        return None
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 9}):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        scale = 100.0 if record.metric in RATES else 1.0
        times = [_day(point.at_ms) for point in points]
        values = [float("nan") if point.value is None else point.value * scale for point in points]
        axes.plot(times, values, color="#1f4e79", marker=".", label="observed")
        if record.metric in RATES:
            axes.axhline(record.expected * scale, color="#6aa84f", linestyle="--", label="expected")
        axes.axvspan(_day(record.since_ms), _day(max(record.at_ms, points[-1].at_ms)), color="#cc0000", alpha=0.12)
        axes.axvline(_day(record.since_ms), color="#cc0000", linewidth=1.2, label="since")
        axes.set_ylim(bottom=0)
        axes.set_ylabel("%" if record.metric in RATES else record.metric.replace("_", " "))
        axes.xaxis.set_major_formatter(DateFormatter("%m-%d\n%H:%M", tz=SHANGHAI))  # type: ignore[no-untyped-call]
        axes.set_title(_ascii(f"{record.metric}  {record.scope} {record.id[:LONGEST_ID]}  ({record.rule})"))
        axes.grid(alpha=0.3)
        axes.legend(loc="best", framealpha=0.8)
        image = io.BytesIO()
        FigureCanvasAgg(figure).print_png(image)  # type: ignore[no-untyped-call]
    return image.getvalue()


def _day(at_ms: int) -> float:
    """A moment as matplotlib counts: days since 1970."""
    return at_ms / DAY_MS


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
