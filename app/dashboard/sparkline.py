"""Sparklines: a series as one small line, drawn as SVG text.  Pure."""

from collections.abc import Sequence
from typing import Final

WIDTH: Final = 100
HEIGHT: Final = 24
EDGE: Final = 2  # above and below, so that the line's own width is not cut off


def sparkline(values: Sequence[float]) -> str:
    """An SVG of the values from left to right, from zero at the bottom to the greatest; decoration for who sees."""
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="spark-area" d="{_area(values)}"/><path class="spark-line" d="{line(values)}"/></svg>'
    )


def line(values: Sequence[float]) -> str:
    """The path of the line; a single value is a level one, no value draws nothing."""
    if not values:
        return ""
    points = list(values) if len(values) > 1 else [*values, *values]
    top = max(*points, 0) or 1
    step = WIDTH / (len(points) - 1)
    heights = (HEIGHT - EDGE - max(value, 0) / top * (HEIGHT - 2 * EDGE) for value in points)
    return "M" + "L".join(f"{place * step:.4g} {height:.4g}" for place, height in enumerate(heights))


def _area(values: Sequence[float]) -> str:
    return f"{line(values)}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z" if values else ""
