"""What is remembered of a rate: of each scope, and of each hour of the week in all of them together."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.alerts.detectors import delay
from app.alerts.model import Array, Mask

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
    fast_converted: Array  # since the promotion began
    fast_due: Array
    orders: Array  # of metrics in money: to know what an order is worth
    paid: Array

    @classmethod
    def nothing(cls, weights: Array) -> "Known":
        """What is known of one new scope."""
        zero = [np.zeros(1) for _ in range(13)]
        together = np.array([delay.concentration(weights, delay.step_of(1.0))])
        return cls(weights[None, :].copy(), together, np.zeros((1, delay.KINDS)), *zero)


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
