"""How much happens at an hour of the week, learnt scope by scope.

Means by hour of the week with exponential forgetting and a level that follows the last day (seasonal exponential
smoothing: Winters, Management Science 6, 1960), with the hour of the day where an hour of the week is new.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.alerts.model import Array, Mask

HOURS: Final = 168
_FORGET: Final = 0.75  # of an hour of the week, a week later
_LEVEL_HALF_LIFE_MIN: Final = 24 * 60.0
_PROMOTION_HALF_LIFE_MIN: Final = 60.0
_LEAST_LEVEL, _MOST_LEVEL = 0.2, 5.0


@dataclass
class HourOfWeek:
    """What comes in a minute, by scope (first axis) and hour of the week in Asia/Shanghai."""

    sums: Array  # (scopes, 168): counts, and over how many minutes
    minutes: Array
    seen: Array  # (scopes,): counts of the last day, and what was expected
    foreseen: Array
    seen_on: Array  # the same since a promotion began
    foreseen_on: Array
    dispersion: Array  # of counts in a minute around the expected: variance = mean + dispersion * mean**2

    @classmethod
    def unknown(cls, scopes: int) -> "HourOfWeek":
        """Nothing seen so far."""
        sums, minutes = np.zeros((2, scopes, HOURS))
        seen, foreseen, seen_on, foreseen_on = np.zeros((4, scopes))
        return cls(sums, minutes, seen, foreseen, seen_on, foreseen_on, np.full(scopes, 0.01))

    def expected(self, hour: float) -> Array:
        """The count of an ordinary minute, given in hours since Monday 00:00; nan where no such hour was seen."""
        place = hour - 0.5  # a mean belongs to the middle of its hour
        first = int(np.floor(place))
        share = place - first
        here, there = self._mean(first % HOURS), self._mean((first + 1) % HOURS)
        both: Array = np.where(np.isnan(here), there, np.where(np.isnan(there), here, here + share * (there - here)))
        return both

    def level(self, *, promotion: bool) -> Array:
        """How much busier the last day was than the weeks before; in a promotion, its last hours."""
        seen, foreseen = (self.seen_on, self.foreseen_on) if promotion else (self.seen, self.foreseen)
        return np.clip((seen + 1.0) / (foreseen + 1.0), _LEAST_LEVEL, _MOST_LEVEL)

    def begin_promotion(self) -> None:
        """What an ordinary day is like stays as it is until the promotion is over."""
        self.seen_on[:], self.foreseen_on[:] = self.seen, self.foreseen

    def learn(self, counts: Array, minutes: Array, hour: int, where: Mask) -> None:
        """Take in what came in some minutes of one hour."""
        self.sums[where, hour] += counts[where]
        self.minutes[where, hour] += minutes[where]

    def follow(self, counts: Array, plain: Array, minutes: float, where: Mask, *, promotion: bool) -> None:
        """Let the level follow: `plain` is what was to be expected without it."""
        kept = 0.5 ** (minutes / (_PROMOTION_HALF_LIFE_MIN if promotion else _LEVEL_HALF_LIFE_MIN))
        where = where & ~np.isnan(plain)
        seen, foreseen = (self.seen_on, self.foreseen_on) if promotion else (self.seen, self.foreseen)
        seen[where] = seen[where] * kept + counts[where]
        foreseen[where] = foreseen[where] * kept + plain[where]
        surplus = np.square(counts - plain) - plain
        ratio = np.clip(surplus / np.maximum(np.square(plain), 1.0), 0.0, 1.0)
        slow = 0.002 * minutes
        usable = where & (plain > 5)
        self.dispersion[usable] += min(slow, 1.0) * (ratio[usable] - self.dispersion[usable])

    def turn(self, hour: int) -> None:
        """An hour of the week begins: what it was in the weeks before counts less from now on."""
        self.sums[:, hour] *= _FORGET
        self.minutes[:, hour] *= _FORGET

    def _mean(self, hour: int) -> Array:
        own_minutes = self.minutes[:, hour]
        same = np.arange(hour % 24, HOURS, 24)
        day_minutes = self.minutes[:, same].sum(axis=1)
        day = np.where(day_minutes > 0, self.sums[:, same].sum(axis=1) / np.maximum(day_minutes, 1.0), np.nan)
        own = self.sums[:, hour] / np.maximum(own_minutes, 1.0)
        return np.where(own_minutes >= 30, own, day)
