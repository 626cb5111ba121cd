"""How long after a click its entry or order comes, so that young clicks never look like a drop.

A delay is described by a mixture of exponentials with fixed time constants (Feldmann and Whitt, "Fitting mixtures of
exponentials to long-tail distributions", Performance Evaluation 31, 1998; for conversions Chapelle, "Modeling delayed
feedback in display advertising", KDD 2014).  Then clicks that still wait need no history by minute: one *pool* for each
exponential says how many there are, and each step a known share of it comes due.
"""

from typing import Final, NamedTuple

import numpy as np

from app.alerts.model import Array

TIME_CONSTANTS_MIN: Final[Array] = np.array([0.05, 1.2, 20.0, 240.0, 2_400.0, 11_500.0])
"""From three seconds to eight days."""

KINDS: Final = len(TIME_CONSTANTS_MIN)
_ROUNDS: Final = 400  # of expectation maximization; the likelihood changes in the fifth digit by then
_PRIOR_CONVERSIONS: Final = 300.0  # that the pooled curve counts for beside a category's own


class Step(NamedTuple):
    """What a step of some minutes does to the pools of all exponentials."""

    kept: Array  # share of a pool that is there after the step
    fresh_kept: Array  # share of the clicks of the step, which come evenly, that is there after it


def step_of(minutes: float) -> Step:
    """The shares of a step; `minutes` is above 0."""
    steps = minutes / TIME_CONSTANTS_MIN
    return Step(np.exp(-steps), -np.expm1(-steps) / steps)


def advance(pools: Array, clicks: Array, weights: Array, step: Step) -> Array:
    """Let a step pass: change `pools` (scopes, kinds) in place and return how many clicks came due in each scope.

    `weights` (scopes, kinds) are the shares of the exponentials in each scope's delay; they sum to 1.
    """
    fresh = clicks[..., None] * weights
    due: Array = pools @ (1 - step.kept) + fresh @ (1 - step.fresh_kept)
    pools *= step.kept
    pools += fresh * step.fresh_kept
    return due


def matured(ages_min: Array, weights: Array) -> Array:
    """The share of conversions that has come at some ages: 0 at once, 1 in the end."""
    shares: Array = -np.expm1(-np.maximum(ages_min, 0)[..., None] / TIME_CONSTANTS_MIN) @ weights
    return shares


def concentration(weights: Array, step: Step, steps: int = 64) -> float:
    """The chance that two conversions of one click's step come in the same step: near 1 where all come at once.

    The number of conversions in a step varies like that of a binomial of chance `rate * concentration`.
    """
    shares = [float(weights @ (1 - step.fresh_kept))]
    waiting = weights * step.fresh_kept
    for _ in range(steps):
        shares.append(float(waiting @ (1 - step.kept)))
        waiting = waiting * step.kept
    return float(np.square(shares).sum())


def fit(ages_min: Array, clicks: Array, converted: Array, prior: Array | None = None) -> Array:
    """The weights that explain best how many of the clicks of each age have converted, however many ever will.

    Maximum of the Poisson likelihood by expectation maximization (Shepp and Vardi, 1982).  Thin data are pooled with
    `prior`, the weights of a larger group.
    """
    reached = -np.expm1(-np.maximum(ages_min, 0)[:, None] / TIME_CONSTANTS_MIN) * clicks[:, None]
    exposure = reached.sum(axis=0)
    rates = np.full(KINDS, (converted.sum() + 1) / (clicks.sum() + 1) / KINDS)
    for _ in range(_ROUNDS):
        expected = np.maximum(reached @ rates, 1e-12)
        rates *= (reached.T @ (converted / expected)) / np.maximum(exposure, 1e-12)
    # What is to come late has hardly been seen yet: an exponential without exposure says nothing.
    own = rates / rates.sum() if rates.sum() > 0 else np.full(KINDS, 1 / KINDS)
    if prior is None:
        return own
    known = float(converted.sum())
    pooled: Array = (own * known + prior * _PRIOR_CONVERSIONS) / (known + _PRIOR_CONVERSIONS)
    return pooled
