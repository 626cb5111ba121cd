"""Figures: counters as they are shown, with their rates, denominators and intervals.  Pure."""

from collections.abc import Mapping
from math import sqrt
from typing import Final, TypeAlias

import msgspec

from app.counters import COUNTS, MONEY, amounts

Z95: Final = 1.959963984540054  # of the normal distribution, two-sided 95 %

CounterValue: TypeAlias = int | dict[str, int]
"""A count, or money in minor units by currency."""


class Rate(msgspec.Struct, frozen=True):
    """A share with what it is a share of; `low` and `high` hold the true one with 95 %.

    Shares of money have no interval: they are no share of independent trials.
    """

    value: float
    numerator: int
    denominator: int
    low: float | None = None
    high: float | None = None


class Rates(msgspec.Struct, frozen=True, omit_defaults=True):
    """All rates; absent where there is nothing to take a share of."""

    entry_rate: Rate | None = None
    order_rate: Rate | None = None
    refund_rate: dict[str, Rate] = {}  # by currency


class Figures(msgspec.Struct, frozen=True):
    """Counters by their names, those that are 0 left out, and the rates between them."""

    counters: dict[str, CounterValue]
    rates: Rates

    def count(self, name: str) -> int:
        """A counter that is no money."""
        value = self.counters.get(name, 0)
        return value if isinstance(value, int) else 0

    def money(self, name: str) -> dict[str, int]:
        """A counter of money by currency; `net_minor` is what of the gross was not refunded."""
        if name == "net_minor":
            refunded = self.money("refunded_minor")
            return {
                currency: gross - refunded.get(currency, 0) for currency, gross in self.money("gross_minor").items()
            }
        value = self.counters.get(name, {})
        return value if isinstance(value, dict) else {}


def figures_of(flat: Mapping[str, int]) -> Figures:
    """Figures of counters by name, money as "gross_minor:CNY"; what is not counted for a note is left out."""
    counters: dict[str, CounterValue] = {name: flat[name] for name in COUNTS if flat.get(name)}
    for name in MONEY:
        by_currency = {currency: amount for currency, amount in amounts(flat, name).items() if amount}
        if by_currency:
            counters[name] = by_currency
    return Figures(counters, _rates(flat))


def refused_of(flat: Mapping[str, int]) -> dict[str, int]:
    """Refused facts by KIND/REASON, counted at their nearest click."""
    return {name.removeprefix("refused:"): count for name, count in sorted(flat.items()) if _refused(name) and count}


def rate_of(numerator: int, denominator: int) -> Rate | None:
    """A share of independent trials with its Wilson interval; None without trials.

    Corrections that were released apart from what they correct can leave numbers that are no share.
    """
    if denominator <= 0 or not 0 <= numerator <= denominator:
        return None
    low, high = wilson(numerator, denominator)
    return Rate(numerator / denominator, numerator, denominator, low, high)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, J. Am. Stat. Assoc. 22, 1927, 209-212); `trials` is above 0."""
    share = min(max(successes / trials, 0.0), 1.0)
    spread = Z95 * Z95 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = Z95 * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _rates(flat: Mapping[str, int]) -> Rates:
    clicks = flat.get("clicks", 0)
    gross, refunded = amounts(flat, "gross_minor"), amounts(flat, "refunded_minor")
    return Rates(
        entry_rate=rate_of(flat.get("clicks_entered", 0), clicks),
        order_rate=rate_of(flat.get("clicks_ordered", 0), clicks),
        refund_rate={
            currency: Rate(refunded.get(currency, 0) / amount, refunded.get(currency, 0), amount)
            for currency, amount in gross.items()
            if amount > 0
        },
    )


def _refused(name: str) -> bool:
    return name.startswith("refused:")
