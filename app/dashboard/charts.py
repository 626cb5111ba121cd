"""What ECharts is told to draw.  Pure.

Charts are drawn as SVG and coloured by the page's own variables, so that they follow light and dark by themselves.
What is compared with or expected is dashed, so that nothing is told by colour alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

INK: Final = "var(--ink-2)"
TEXT: Final = {"color": INK, "fontSize": 12, "fontFamily": "system-ui, sans-serif"}
LINE: Final = "var(--line)"
COLOURS: Final = tuple(f"var(--c{number})" for number in range(1, 7))
GHOST: Final = "var(--ghost)"
DAY_MS: Final = 24 * 3_600_000
EAST_MS: Final = 8 * 3_600_000  # times are drawn as Shanghai's clock, so that ticks stand at its midnights
CLOCK_JS: Final = "new Date(value).toISOString()"

Options = dict[str, Any]
Points = Sequence[tuple[int, float | None]]


class Curve(NamedTuple):
    """A series as it is drawn; `ghost` is what another is compared with, `ahead` is expected and not yet seen."""

    name: str
    points: Points
    colour: str = COLOURS[0]
    ghost: bool = False
    area: bool = False


def lines(curves: Sequence[Curve], *, locale: str, label: str, day_ms: int | None = None) -> Options:
    """Curves over time: as far as they go, or over the whole day that begins at `day_ms`."""
    axis = _time_axis()
    if day_ms is not None:
        axis |= {"min": day_ms + EAST_MS, "max": day_ms + EAST_MS + DAY_MS}
    return _base(label, legend=[curve.name for curve in curves]) | {
        "xAxis": axis,
        "yAxis": [_value_axis(locale)],
        "tooltip": _tooltip(locale),
        "series": [_curve(curve) for curve in curves],
    }


def bars(values: Mapping[str, float], *, locale: str, label: str, share: bool = False) -> Options:
    """A column for each name, in their order."""
    told = _percent() if share else _grouped(locale)
    axis = _value_axis(locale)
    if share:
        axis |= {"minInterval": 0, "max": 1, "axisLabel": {**TEXT, ":formatter": told}}
    columns = {"type": "bar", "data": list(values.values()), "itemStyle": {"color": COLOURS[0]}, "barMaxWidth": 48}
    return _base(label) | {
        "xAxis": {"type": "category", "data": list(values), "axisLabel": TEXT, **_quiet_axis()},
        "yAxis": [axis],
        "tooltip": _tooltip(locale) | {":valueFormatter": told},
        "series": [columns],
    }


def _base(label: str, legend: Sequence[str] = ()) -> Options:
    return {
        "useUTC": True,
        "animationDuration": 300,
        "animationDurationUpdate": 200,
        "aria": {"enabled": True, "label": {"description": label}},
        "textStyle": TEXT,
        "grid": {"left": 8, "right": 22, "top": 34 if len(legend) > 1 else 12, "bottom": 4, "containLabel": True},
        "legend": {
            "show": len(legend) > 1,
            "top": 0,
            "left": 0,
            "icon": "roundRect",
            "itemWidth": 14,
            "itemHeight": 6,
            "itemGap": 18,
            "textStyle": TEXT,
            "data": list(legend),
        },
    }


def _placed(points: Points) -> list[tuple[int, float | None]]:
    return [(at_ms + EAST_MS, value) for at_ms, value in points]


def _curve(curve: Curve) -> Options:
    colour = GHOST if curve.ghost else curve.colour
    series = {
        "type": "line",
        "name": curve.name,
        "data": _placed(curve.points),
        "showSymbol": len(curve.points) == 1,
        "lineStyle": {
            "color": colour,
            "width": 1.5 if curve.ghost else 2.2,
            "type": "dashed" if curve.ghost else "solid",
        },
        "itemStyle": {"color": colour},
        "emphasis": {"disabled": True},
    }
    return series | {"areaStyle": {"color": colour, "opacity": 0.1}} if curve.area else series


def _time_axis() -> Options:
    text = f"(value) => {{const t = {CLOCK_JS}; return t.slice(11, 16) === '00:00' ? t.slice(5, 10) : t.slice(11, 16)}}"
    when = f"({{value}}) => {CLOCK_JS}.slice(0, 16).replace('T', ' ')"
    return {
        "type": "time",
        "axisLabel": {**TEXT, "hideOverlap": True, ":formatter": text},
        "axisTick": {"show": False},
        "axisPointer": {"lineStyle": {"color": INK}, "label": {":formatter": when}},
        **_quiet_axis(),
    }


def _quiet_axis() -> Options:
    return {"axisLine": {"lineStyle": {"color": LINE}}, "splitLine": {"show": False}}


def _value_axis(locale: str) -> Options:
    return {
        "type": "value",
        "minInterval": 1,
        "splitNumber": 4,
        "axisLabel": {**TEXT, ":formatter": _short(locale)},
        "splitLine": {"lineStyle": {"color": LINE}},
    }


def _tooltip(locale: str) -> Options:
    return {
        "trigger": "axis",
        "confine": True,
        "backgroundColor": "var(--card)",
        "borderColor": LINE,
        "textStyle": {"color": "var(--ink)"},
        ":valueFormatter": _grouped(locale),
    }


def _short(locale: str) -> str:
    return (
        f"(value) => new Intl.NumberFormat('{locale}', {{notation: 'compact', maximumFractionDigits: 1}}).format(value)"
    )


def _grouped(locale: str) -> str:
    return f"(value) => value == null ? '–' : new Intl.NumberFormat('{locale}').format(value)"  # noqa: RUF001


def _percent() -> str:
    return "(value) => value == null ? '' : (value * 100).toFixed(value < 0.1 ? 1 : 0) + '%'"
