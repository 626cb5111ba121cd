"""A journey explained: the lines that `redcat explain` prints."""

from collections.abc import Iterable

from app.dashboard.parts import element, text
from app.explaining.view import Line

STYLES = ("bold", "dim", "green", "red", "yellow", "strike")


def show_journey(lines: Iterable[Line]) -> None:
    """Put the lines here; what a line begins with stands in a column of its own."""
    with element("div", "journey", "tabindex=0 role=region"):
        for one in lines:
            with element("div") as row:
                row.style(f"padding-left: {0 if one.head else one.indent}ch")
                if one.head:
                    text(f"{one.head}  ", _classes(one.head_style))
                text(one.text or "\u00a0", _classes(one.style))


def _classes(style: str) -> str:
    return " ".join(word for word in style.split() if word in STYLES)
