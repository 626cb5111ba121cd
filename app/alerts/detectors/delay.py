"""How long after a click its entry or order comes, so that young clicks never look like a drop.

A delay is described by a mixture of exponentials with fixed time constants (Feldmann and Whitt, "Fitting mixtures of
exponentials to long-tail distributions", Performance Evaluation 31, 1998; for conversions Chapelle, "Modeling delayed
feedback in display advertising", KDD 2014).  Then clicks that still wait need no history by minute: one *pool* for each
exponential says how many there are, and each step a known share of it comes due.
"""

from typing import Final, NamedTuple

import numpy as np

from app.alerts.model import Array, Mask

TIME_CONSTANTS_MIN: Final[Array] = np.array([0.05, 0.5, 4.0, 20.0, 100.0, 500.0, 2_400.0, 11_500.0])
"""From three seconds to eight days; far enough apart to be told from each other, near enough to leave no gap.

With fewer of them a tail of one hour becomes one of four: of a whole day's clicks those would be missed at night.
"""

KINDS: Final = len(TIME_CONSTANTS_MIN)
_ROUNDS: Final = 3  # of weighing by what is expected
_MISFIT: Final = 0.02
_LEAST_GAIN: Final = 1e-9
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
    # Flat, since numpy multiplies a stack of small matrices by a vector one by one.
    waiting = (pools.reshape(-1, KINDS) @ (1 - step.kept)).reshape(pools.shape[:-1])
    due: Array = waiting + clicks * (weights @ (1 - step.fresh_kept))
    pools *= step.kept
    pools += clicks[..., None] * (weights * step.fresh_kept)
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

    The age of the clicks of one minute is how long ago that minute began: at least 1.  Ages ascend.  Weighted least
    squares with no weight below 0.  Thin data are pooled with `prior`, the weights of a larger group.
    """
    minute = step_of(1.0).fresh_kept
    reached = (1 - minute * np.exp(-np.maximum(ages_min - 1, 0)[:, None] / TIME_CONSTANTS_MIN)) * clicks[:, None]
    # Ages of nearly the same logarithm say nearly the same.
    first = np.flatnonzero(np.diff(np.round(8 * np.log2(np.maximum(ages_min, 1.0))), prepend=-1))
    reached, counts = np.add.reduceat(reached, first), np.add.reduceat(converted, first)
    expected = counts
    for _ in range(_ROUNDS):
        # Exponentials are never quite right: where very many clicks are, a small share of error is no evidence.
        scale = 1 / np.sqrt(np.maximum(expected, 1.0) + np.square(_MISFIT * expected))
        rates = not_negative(reached * scale[:, None], counts * scale)
        expected = reached @ rates
    own = rates / rates.sum() if rates.sum() > 0 else np.full(KINDS, 1 / KINDS)
    if prior is None:
        return own
    known = float(converted.sum())
    pooled: Array = (own * known + prior * _PRIOR_CONVERSIONS) / (known + _PRIOR_CONVERSIONS)
    return pooled


def not_negative(matrix: Array, values: Array) -> Array:
    """The least squares solution without negative parts (Lawson and Hanson, Solving Least Squares Problems, ch. 23)."""
    size = np.sqrt(np.square(matrix).sum(axis=0))
    matrix = matrix / size
    best, used = np.zeros(len(size)), np.zeros(len(size), bool)
    for _ in range(3 * len(size)):
        gains = np.where(used, 0.0, matrix.T @ (values - matrix @ best))
        most = int(np.argmax(gains))
        if gains[most] <= _LEAST_GAIN * np.linalg.norm(values):
            break
        used[most] = True
        best, used = _inside(matrix, values, best, used)
    found: Array = best / size
    return found


def _inside(matrix: Array, values: Array, best: Array, used: Mask) -> tuple[Array, Mask]:
    """The least squares solution of the columns used; those that would become negative are given up one by one."""
    while used.any():
        wanted = np.zeros(len(used))
        wanted[used] = np.linalg.lstsq(matrix[:, used], values, rcond=None)[0]
        below = used & (wanted <= 0)
        if not below.any():
            return wanted, used
        share = float((best[below] / (best[below] - wanted[below])).min())
        best = best + share * (wanted - best)
        used = used & (best > _LEAST_GAIN * best.max())
    return np.zeros(len(used)), used
