"""Which counters a metric is made of, and how long after its click each conversion usually comes."""

from typing import Final, NamedTuple

import numpy as np

from app.alerts.model import Array, Metric, Observations


class RateSignal(NamedTuple):
    """A rate: of what comes due of `base`, how much is `counted`."""

    base: tuple[str, ...]
    counted: tuple[str, ...]
    weights: Array  # of the delay, where no history says better
    money: bool = False  # counted in orders' worth: minor units over the mean order
    counts: bool = False  # one of the base may count several times, so that numbers vary like a Poisson's


def _weights(*weights: float) -> Array:
    return np.array(weights)


_AT_ONCE: Final = _weights(1, 0, 0, 0, 0, 0, 0, 0)
_SOON: Final = _weights(0.8, 0.06, 0.06, 0.03, 0.02, 0.02, 0.01, 0)
_AFTER_A_LOOK: Final = _weights(0.15, 0.1, 0.25, 0.25, 0.1, 0.1, 0.05, 0)
_LATER: Final = _weights(0, 0.02, 0.08, 0.2, 0.15, 0.15, 0.25, 0.15)

RATES: Final[dict[Metric, RateSignal]] = {
    "entry_rate": RateSignal(("clicks",), ("clicks_entered",), _SOON),
    "order_rate": RateSignal(("clicks",), ("clicks_ordered",), _LATER),
    "cart_rate": RateSignal(("entries",), ("carts",), _AFTER_A_LOOK, counts=True),
    "refund_rate": RateSignal(("gross_minor",), ("refunded_minor",), _LATER, money=True, counts=True),
    "refused_share": RateSignal(("entries", "favourites", "carts", "orders", "refused"), ("refused",), _AT_ONCE),
    "dead_letter_share": RateSignal(("consumed",), ("invalid",), _AT_ONCE),
}

VOLUMES: Final[tuple[Metric, ...]] = ("clicks", "entries", "orders", "consumed")
OF_SHOPS: Final[tuple[Metric, ...]] = (
    "entry_rate", "cart_rate", "order_rate", "refund_rate", "refused_share", "entries", "orders",
)  # fmt: skip
"""What says nothing while the shops' facts are late."""


def summed(observations: Observations, names: tuple[str, ...]) -> Array:
    """Some counters together; 0 where nothing is told of them."""
    total = np.zeros(len(observations.scopes))
    for name in names:
        if name in observations.counts:
            total += observations.counts[name]
    return total
