"""Maturity: which periods are not final yet, and what they are expected to come to.  Pure.

Orders come hours to weeks after their click.  A period of clicks is *immature* as long as the order window of any of
them is open, and its orders are then too few by nature.

How orders spread over the time since their click is taken from mature cohorts: clicks of days whose windows have all
closed.  Their orders by class of delay give the *delay curve* F(age), the share of all orders that have come by an
age, linear within a class; together with their clicks they give the usual orders per click, r.

The expected final value is the one of Bornhuetter and Ferguson ("The Actuary and IBNR", 1972): what was seen plus
what is still to come by exposure, `seen + clicks * rate * (1 - F(age))`.  Their prior rate is here made to learn from
the cohort itself by credibility (Buehlmann, 1967): with the weight of WEIGHT orders for r,

    rate = (WEIGHT + seen) / (WEIGHT / r + clicks * F(age))

so that it is r for the youngest clicks, where next to nothing was seen, and the cohort's own rate later on.  What is to
come is then negative binomial (a Poisson count whose rate is gamma distributed), with mean m and variance
m + m^2 / (WEIGHT + seen); `low` and `high` are 1.96 of its standard deviations away, and never below what was seen.
"""

from bisect import bisect_right
from collections.abc import Mapping
from math import sqrt
from typing import Final, NamedTuple

from app.viewing.figures import Z95
from app.viewing.series import Expected
from streams.rollups import DELAYS_MIN

DAY_MS: Final = 86_400_000
MATURE_DAYS: Final = 14  # the latest ones that are mature make the curve
FEWEST_ORDERS: Final = 50  # of mature cohorts; from fewer nothing is expected
WEIGHT: Final = 10.0

GROWING: Final = ("orders", "clicks_ordered")
"""What grows by late orders; a click that has one rarely gets another, so that both follow one curve."""


class DelayCurve(NamedTuple):
    """How the orders of mature clicks came; `shares` grows to 1, by the ends of the classes of delays."""

    shares: list[float]
    orders: int
    clicks: int

    def share(self, age_ms: float) -> float:
        """The share of all orders that have come when their clicks are so old."""
        age = age_ms / 60_000
        place = bisect_right(DELAYS_MIN, age)
        begin = DELAYS_MIN[place - 1] if place else 0
        done = self.shares[place - 1] if place else 0.0
        if place == len(DELAYS_MIN):
            return self.shares[place]
        return done + (self.shares[place] - done) * (age - begin) / (DELAYS_MIN[place] - begin)


def mature_days(now_ms: int, window_ms: int) -> range:
    """The latest days since 1970 of whose clicks no order window is open."""
    end = (now_ms - window_ms) // DAY_MS
    return range(end - MATURE_DAYS, end)


def delay_curve(counts: Mapping[str, int], clicks: int) -> DelayCurve | None:
    """The curve of orders by class of delay (`orders:CLASS`) and their clicks; None if those are too few."""
    by_class = [max(0, counts.get(f"orders:{number:02d}", 0)) for number in range(len(DELAYS_MIN) + 1)]
    orders = sum(by_class)
    if orders < FEWEST_ORDERS or clicks < orders:
        return None
    shares, known = [], 0
    for count in by_class:
        known += count
        shares.append(known / orders)
    return DelayCurve(shares, orders, clicks)


def expected(seen: int, clicks: int, age_ms: float, curve: DelayCurve) -> Expected:
    """What the orders of clicks that are so old will come to."""
    share, usual = curve.share(age_ms), curve.orders / curve.clicks
    rate = (WEIGHT + seen) / (WEIGHT / usual + clicks * share)
    to_come = clicks * rate * (1 - share)
    spread = Z95 * sqrt(to_come + to_come * to_come / (WEIGHT + seen))
    return Expected(seen + to_come, seen + max(0.0, to_come - spread), seen + to_come + spread)
