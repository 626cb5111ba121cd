"""Figures with one name for each number, as the dashboard counts with them.  Pure."""

from app.counters import Counters
from app.viewing.figures import Figures


def flat(figures: Figures) -> Counters:
    """Counters by name; money as "gross_minor:CNY"."""
    counters: dict[str, int] = {}
    for name, value in figures.counters.items():
        if isinstance(value, int):
            counters[name] = value
        else:
            counters.update({f"{name}:{currency}": amount for currency, amount in value.items()})
    return counters
