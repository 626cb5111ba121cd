"""How long conversions take in a simulated world, thinking and telling together, in minutes."""

from collections.abc import Callable
from typing import Final

import numpy as np

from app.alerts.detectors.delay import fit
from app.alerts.model import Array, Places
from app.alerts.simulated.population import CATEGORIES
from app.simulator.pace import DAY_MS, ENTRY_THINKING, HOUR_MS, MINUTE_MS, ORDER_THINKING, Thinking

_SAMPLE: Final = 200_000
_CLICKS: Final = 10_000.0  # of each minute of age, in a day of hourly looks at 400 clicks a minute
_BY_MINUTE: Final = 6 * 60.0
_SECOND_MIN: Final = 1 / 60
_JUMP: Final = ((0.88, 6 * _SECOND_MIN), (0.09, 2.5), (0.03, 60.0))
"""Shares and mean delays of entries through a link that opens the shop's app: loading, a detour, another time."""


TOPS: Final = tuple(category.partition(".")[0] for category in CATEGORIES)


def learnt(
    random: np.random.Generator,
    drawn: Callable[[np.random.Generator, Places], Array],
    most_min: float,
    category: int | None = None,
) -> Array:
    """The weights of a delay as `app.alerts.maturing` learns them: cohorts of minutes, older ones of hours."""
    categories = random.integers(len(CATEGORIES), size=_SAMPLE) if category is None else np.full(_SAMPLE, category)
    delays = np.sort(random.random(_SAMPLE) + drawn(random, categories))
    ages = np.concatenate([np.arange(1.0, _BY_MINUTE), np.arange(_BY_MINUTE + 30.0, most_min, 60)])
    clicks = np.where(ages < _BY_MINUTE, _CLICKS, 60 * _CLICKS)
    share = np.searchsorted(delays, ages) / _SAMPLE
    return fit(ages, clicks, random.poisson(clicks * 0.3 * share).astype(float))


def entries_at_once(random: np.random.Generator, categories: Places) -> Array:
    """Delays of entries of readers who jump straight to the shop."""
    kind = random.choice(len(_JUMP), len(categories), p=[share for share, _ in _JUMP])
    means = np.array([mean for _, mean in _JUMP])
    return random.exponential(means[kind])


def entries_thought_over(random: np.random.Generator, categories: Places) -> Array:
    """Delays of entries as the traffic simulator draws them: many take minutes, some hours or days."""
    return _thought(random, categories, ENTRY_THINKING)


def carts_of_clicks(random: np.random.Generator, categories: Places) -> Array:
    """Delays from a click to a cart, of readers who jump straight to the shop."""
    return entries_at_once(random, categories) + carts(random, len(categories))


def carts(random: np.random.Generator, count: int) -> Array:
    """Delays from an entry to a cart: most look around for some minutes, some come back."""
    return random.exponential(np.where(random.random(count) < 0.7, 8.0, 180.0))


def orders(random: np.random.Generator, categories: Places) -> Array:
    """Delays of orders as the traffic simulator draws them."""
    return _thought(random, categories, ORDER_THINKING)


def _thought(random: np.random.Generator, categories: Places, known: dict[str, Thinking]) -> Array:
    """The draw of `simulator.pace.Thinking`, for many at once."""
    table = np.array([known[top] for top in TOPS])[categories]
    kind, where = random.random((2, len(categories)))
    minutes = (2_000 + where * where * 30 * MINUTE_MS) / MINUTE_MS
    hours = (0.5 + where * where * 20) * (HOUR_MS / MINUTE_MS)
    days = (1 + where * (table[:, 2] - 1)) * (DAY_MS / MINUTE_MS)
    by_hours = np.where(kind < table[:, 0] + table[:, 1], hours, days)
    thought: Array = np.where(kind < table[:, 0], minutes, by_hours)
    return thought
