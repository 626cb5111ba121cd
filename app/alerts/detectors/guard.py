"""The last look at a rate before somebody is woken: enough sample, and no chance result of an uncertain baseline."""

import math
from typing import Final, NamedTuple

from app.alerts.model import Answer

_Z_95: Final = 1.959963984540054


class Interval(NamedTuple):
    """Where a rate lies."""

    low: float
    high: float


def wilson(converted: float, sample: float, z: float = _Z_95) -> Interval:
    """Wilson's score interval (Journal of the American Statistical Association 22, 1927); all of [0, 1] of nothing."""
    if sample <= 0:
        return Interval(0.0, 1.0)
    share = min(max(converted / sample, 0.0), 1.0)
    scale = 1 + z * z / sample
    middle = (share + z * z / (2 * sample)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / sample + z * z / (4 * sample * sample))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def beta_binomial_at_most(converted: int, sample: int, alpha: float, beta: float) -> float:
    """The chance of at most so many conversions when the rate itself is only known as Beta(alpha, beta).

    The predictive distribution of a rate learnt from alpha conversions and beta clicks without one (Gelman et al.,
    Bayesian Data Analysis, section 2.4).
    """
    if converted < 0:
        return 0.0
    if converted >= sample:
        return 1.0
    beta_ab = math.lgamma(alpha) + math.lgamma(beta) - math.lgamma(alpha + beta)
    log_chance = math.lgamma(beta + sample) - math.lgamma(alpha + beta + sample) + math.lgamma(alpha) - beta_ab
    total = math.exp(log_chance)
    for count in range(converted):
        # P(k + 1) / P(k), so that no factorial of a large number is needed
        log_chance += math.log((sample - count) * (alpha + count) / ((count + 1) * (beta + sample - count - 1)))
        total += math.exp(log_chance)
    return min(total, 1.0)


def judged_rate(
    converted: float, sample: float, alpha: float, beta: float, *, least_sample: float, chance: float
) -> Answer:
    """`insufficient` below the least sample; `drop` if so few conversions are less likely than `chance`; else `ok`.

    No data is never taken for zero.
    """
    if sample < max(least_sample, 1.0):
        return "insufficient"
    few = beta_binomial_at_most(math.floor(converted + 0.5), math.ceil(sample), alpha, beta)
    return "drop" if few < chance else "ok"
