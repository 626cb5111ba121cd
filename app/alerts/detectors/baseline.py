"""What rate is normal for a scope: its own history, with that of its peers where it has little.

Beta-binomial empirical Bayes with exponential forgetting: a scope's rate is Beta(converted + m p, rest + m (1 - p)),
where p is the rate of its peers and m says how alike they are (Robbins, 1956; Efron and Morris, 1975; moments as in
Kleinman, Journal of the American Statistical Association 68, 1973).
"""

from typing import Final, NamedTuple

import numpy as np

from app.alerts.model import Array, Places

LEAST_ALIKE: Final = 2.0
MOST_ALIKE: Final = 400.0
_LEAST_DUE: Final = 100.0  # of a peer, to say how much peers differ


class Peers(NamedTuple):
    """What the scopes of each group have in common."""

    rate: Array
    alike: Array  # clicks that the group's rate is worth when a scope has none of its own
    converted: Array  # conversions that all this rests on


class Rate(NamedTuple):
    """What is known of each scope's rate."""

    mean: Array
    deviation: Array  # its standard deviation: how uncertain it is
    converted: Array  # the two parameters of its Beta distribution
    rest: Array


def peers(converted: Array, due: Array, group: Places, groups: int) -> Peers:
    """The rate of each group, and how alike its members are; a member's rate varies as Beta(alike p, alike (1 - p))."""
    sums = [np.bincount(group, values, groups).astype(float) for values in (converted, due)]
    rate = np.clip((sums[0] + 0.5) / (sums[1] + 1.0), 1e-6, 1 - 1e-6)
    known = due >= _LEAST_DUE
    own = np.where(known, converted / np.maximum(due, 1.0), 0.0)
    chance = rate[group] * (1 - rate[group])
    surplus = np.where(known, np.square(own - rate[group]) - chance / np.maximum(due, 1.0), 0.0)
    count = np.bincount(group, known, groups)
    spread = np.bincount(group, surplus, groups) / np.maximum(count, 1)
    alike = rate * (1 - rate) / np.maximum(spread, 1e-9) - 1
    return Peers(rate, np.where(count >= 5, np.clip(alike, LEAST_ALIKE, MOST_ALIKE), 10.0), sums[0])


def posterior(converted: Array, due: Array, prior: Array, alike: Array) -> Rate:
    """What is known of the rates after so many conversions of clicks that came due."""
    first = converted + alike * prior
    second = np.maximum(due - converted, 0.0) + alike * (1 - prior)
    total = first + second
    mean = first / total
    return Rate(mean, np.sqrt(mean * (1 - mean) / (total + 1)), first, second)
