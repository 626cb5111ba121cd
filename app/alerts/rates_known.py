"""What is remembered of a rate: of each scope, and of each hour of the week in all of them together."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.alerts.detectors import delay
from app.alerts.model import Array, Direction, Mask, Places
from app.alerts.moment import Step

PACE_MIN: Final = 24 * 60.0
_NEAR_HALF_LIFE_MIN: Final = 4.0
_LATELY_HALF_LIFE_MIN: Final = 60.0
_LATELY_PRIOR: Final = 10.0
_SEASON_PRIOR: Final = 500.0
_SEASON_FORGET: Final = 0.7


@dataclass
class Known:
    """What is known of each scope."""

    weights: Array  # of its delay
    together: Array  # the delay's concentration
    pools: Array
    converted: Array
    due: Array  # of larger scopes: what their notes' rates made due
    hour_converted: Array
    hour_due: Array
    suspicion: Array  # the greatest of this hour, in parts of what is needed
    pace: Array  # clicks that come due in a minute
    near: Array  # clicks that came due lately
    near_converted: Array
    near_expected: Array
    lately_converted: Array  # in the last hour or so
    lately_expected: Array
    owed: Array  # how far the clicks counted are below what was counted before, which is told again
    fast_converted: Array  # since the promotion began
    fast_due: Array
    orders: Array  # of metrics in money: to know what an order is worth
    paid: Array

    @classmethod
    def nothing(cls, weights: Array) -> "Known":
        """What is known of one new scope."""
        zero = [np.zeros(1) for _ in range(16)]
        together = np.array([delay.concentration(weights, delay.step_of(1.0))])
        return cls(weights[None, :].copy(), together, np.zeros((1, delay.KINDS)), *zero)

    def news(self, came: Array, rows: Places, held: Mask) -> Array:
        """What came without what is told again: counters that went backwards say nothing new until they are back."""
        self.owed[~held] = 0.0  # what was taken back for good
        balance = came + self.owed[rows]
        self.owed[rows] = np.minimum(balance, 0.0)
        return np.maximum(balance, 0.0)

    def hear(self, observed: Array, expected: Array, due: Array, step: Step) -> None:
        """Take in what came in a step, was expected, and how many clicks came due."""
        kept = 0.5 ** (step.minutes / _NEAR_HALF_LIFE_MIN)
        self.near = self.near * kept + due
        self.near_converted = self.near_converted * kept + observed
        self.near_expected = self.near_expected * kept + expected
        kept_lately = np.where(step.held, 1.0, 0.5 ** (step.minutes / _LATELY_HALF_LIFE_MIN))
        self.lately_converted = self.lately_converted * kept_lately + observed
        self.lately_expected = self.lately_expected * kept_lately + expected
        slow = math.exp(-step.minutes / PACE_MIN)
        self.pace *= slow
        self.pace += (1 - slow) * due / step.minutes

    def level(self, direction: Direction) -> Array:
        """What came lately in parts of what was expected: for drops at most 1, for surges at least."""
        level = (self.lately_converted + _LATELY_PRIOR) / (self.lately_expected + _LATELY_PRIOR)
        return np.minimum(level, 1.0) if direction == "drop" else np.maximum(level, 1.0)


class Season:
    """How much better or worse an hour of the week is than others, in all notes together."""

    def __init__(self) -> None:
        self.sums: Array = np.zeros((2, 168))  # conversions that came, and those that the notes' rates made due

    def at(self, hour: int) -> float:
        """What rates are to be multiplied by in an hour of the week; the same hour of other days counts a quarter."""
        converted, expected = self.sums
        day = np.arange(hour % 24, 168, 24)
        own = converted[hour] + 0.25 * converted[day].sum(), expected[hour] + 0.25 * expected[day].sum()
        return float((own[0] + _SEASON_PRIOR) / (own[1] + _SEASON_PRIOR))

    def learn(self, hour: int, known: Known, of: Mask) -> None:
        """Take in what came in an hour of the week in some scopes."""
        if not of.any():
            return
        rate = known.converted[of] / np.maximum(known.due[of], 1.0)
        self.sums[:, hour] *= _SEASON_FORGET
        self.sums[0, hour] += known.hour_converted[of].sum()
        self.sums[1, hour] += (known.hour_due[of] * rate).sum()
