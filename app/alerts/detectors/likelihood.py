"""How much more likely a count is under a change than without it: logarithms of likelihood ratios, in nats.

All take arrays and never divide by zero: where nothing is expected, nothing is evidence.
"""

from typing import Final

import numpy as np

from app.alerts.model import Array

LEAST: Final = 1e-9
_LEAST_LEFT: Final = 0.02  # of what is expected, under a change: what comes in spite of a break must not be impossible
_HIGHEST_CHANCE: Final = 0.95


def after_change(expected: Array, fresh: Array, change: float | Array) -> Array:
    """What is to be expected when `fresh`, the part of `expected` that a change concerns, is `1 + change` of itself."""
    left: Array = np.maximum(expected + change * fresh, _LEAST_LEFT * expected)
    return left


def binomial(observed: Array, expected: Array, changed: Array, chance: Array) -> Array:
    """Evidence of a mean `changed` against `expected`, of counts that vary like a binomial of that chance.

    log Bin(x; m, changed/m) - log Bin(x; m, expected/m) with m = expected / chance (Wald, Sequential Analysis, 1947).
    As the chance goes to 0 this becomes the Poisson's x log(changed/expected) - (changed - expected).
    """
    base, other = np.maximum(expected, LEAST), np.maximum(changed, LEAST)
    chance = np.clip(chance, 1e-6, _HIGHEST_CHANCE)
    trials = np.maximum(base, other * chance / _HIGHEST_CHANCE) / chance
    kept = np.log1p(-np.minimum(other / trials, _HIGHEST_CHANCE)) - np.log1p(-base / trials)
    evidence: Array = observed * (np.log(other / base) - kept) + trials * kept
    return np.where(expected > LEAST, evidence, 0.0)


def negative_binomial(observed: Array, expected: Array, changed: Array, dispersion: Array) -> Array:
    """The same of counts whose variance is mean + dispersion * mean**2 (Hilbe, Negative Binomial Regression, 2011).

    As the dispersion goes to 0 this becomes the Poisson's.
    """
    base, other = np.maximum(expected, LEAST), np.maximum(changed, LEAST)
    size = 1 / np.maximum(dispersion, 1e-6)
    shift = np.log1p((base - other) / (size + other))  # log((size + base) / (size + other))
    evidence: Array = observed * np.log(other / base) + (observed + size) * shift
    return np.where(expected > LEAST, evidence, 0.0)
