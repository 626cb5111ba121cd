"""How cohorts of clicks mature: the delays of conversions, learnt from what a running system has seen.  Pure.

Now and then all cohorts are looked at: of the clicks of a minute or hour, how many have converted by now?  A cohort is
seen again and again while it ages, so every age is learnt from clicks of all hours and days, and a rate that differs
between these does not look like a delay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from app.alerts.curves import Curves
from app.alerts.detectors.delay import fit
from app.alerts.model import Array, Metric, Scope

DAY_MIN: Final = 24 * 60.0
CLASSES: Final = 120  # of ages, eight for each doubling
HALF_LIFE_MIN: Final = 3 * DAY_MIN
LEAST_CONVERTED: Final = 300.0  # conversions of all categories together, to know how long they take
LEAST_OF_CATEGORY: Final = 30.0


class Ages(NamedTuple):
    """When something can be said of a metric."""

    known_min: float  # as long as cohorts must have been followed
    most_min: float  # older ones say nothing more


AGES: Final[Mapping[Metric, Ages]] = {
    "entry_rate": Ages(DAY_MIN, 3 * DAY_MIN),
    "order_rate": Ages(7 * DAY_MIN, 15 * DAY_MIN),
    "refund_rate": Ages(7 * DAY_MIN, 15 * DAY_MIN),
    "cart_rate": Ages(DAY_MIN, 7 * DAY_MIN),  # since the click, which stands in for the entry
}


class Cohorts(NamedTuple):
    """The cohorts of one category at one moment."""

    ages_min: Array  # since each began: at least 1
    clicks: Array  # or orders' worth
    converted: Array


@dataclass
class Seen:
    """What was seen of some categories, by class of age."""

    categories: list[str] = field(default_factory=list)
    sums: Array = field(default_factory=lambda: np.zeros((0, 3, CLASSES)))  # clicks, conversions, clicks times age
    looks: Array = field(default_factory=lambda: np.zeros(0))
    at_min: float = 0.0
    oldest_min: float = 0.0  # the greatest age of a cohort so far


class Maturing:
    """What is known of all delays."""

    def __init__(self) -> None:
        self.seen: dict[Metric, Seen] = {metric: Seen() for metric in AGES}

    def take(self, metric: Metric, by_category: Mapping[str, Cohorts], at_min: float) -> None:
        """Take in what cohorts look like at a moment; categories that are left out stay as they are known."""
        seen = self.seen[metric]
        kept = 0.5 ** (max(at_min - seen.at_min, 0.0) / HALF_LIFE_MIN) if seen.at_min else 1.0
        seen.sums *= kept
        seen.looks *= kept
        seen.at_min = at_min
        for category, cohorts in by_category.items():
            some = (cohorts.clicks > 0) & (cohorts.ages_min <= AGES[metric].most_min)
            if some.any():
                ages, clicks, converted = (values[some] for values in cohorts)
                place = _place(seen, category)
                classes = np.minimum(np.round(8 * np.log2(ages)).astype(np.intp), CLASSES - 1)
                for part, values in enumerate((clicks, converted, clicks * ages)):
                    seen.sums[place, part] += np.bincount(classes, values, CLASSES)
                seen.looks[place] += 1.0
                seen.oldest_min = max(seen.oldest_min, float(ages.max()))

    def curves(self, metric: Metric) -> Curves | None:
        """The delays of a metric, pooled where data are thin; None as long as too little is known."""
        seen = self.seen[metric]
        if not seen.categories or seen.oldest_min < AGES[metric].known_min:
            return None
        # A cohort counts once, however often it was looked at.
        sums = seen.sums / np.maximum(seen.looks, 1.0)[:, None, None]
        converted = sums[:, 1].sum(axis=1)
        if converted.sum() < LEAST_CONVERTED:
            return None
        pooled = _fitted(sums.sum(axis=0), None)
        curves: dict[Scope | None, Array] = {None: pooled}
        for place in np.flatnonzero(converted >= LEAST_OF_CATEGORY).tolist():
            curves[Scope("category", seen.categories[place])] = _fitted(sums[place], pooled)
        return curves


def _place(seen: Seen, category: str) -> int:
    if category not in seen.categories:
        seen.categories.append(category)
        seen.sums = np.concatenate([seen.sums, np.zeros((1, 3, CLASSES))])
        seen.looks = np.append(seen.looks, 0.0)
    return seen.categories.index(category)


def _fitted(sums: Array, prior: Array | None) -> Array:
    clicks, converted, aged = sums
    some = np.flatnonzero(clicks > 0)
    return fit(np.maximum(aged[some] / clicks[some], 1.0), clicks[some], converted[some], prior)
