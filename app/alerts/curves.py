"""Which delay a scope has: that of its category, as far as one is known, else that of all."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.alerts.detectors import delay
from app.alerts.model import Array, Scope

Curves = Mapping[Scope | None, Array]
"""Weights of delays by category; those of all other scopes under None."""


def weights_of(
    curves: Curves, usual: Array, scopes: Sequence[Scope], within: Sequence[tuple[Scope, ...]]
) -> tuple[Array, Array]:
    """The weights of the delay of each scope, and its concentration; `usual` is what stands in where nothing is known.

    A note has the curve of the smallest category that it lies in.
    """
    known = {scope: place for place, scope in enumerate((one for one in curves if one is not None), 1)}
    choices = np.array([curves.get(None, usual), *(curves[scope] for scope in known)])
    step = delay.step_of(1.0)
    together = np.array([delay.concentration(weights, step) for weights in choices])
    chosen = np.array([_choice(known, scope, larger) for scope, larger in zip(scopes, within, strict=True)], np.intp)
    return choices[chosen], together[chosen]


def _choice(known: Mapping[Scope, int], scope: Scope, larger: Sequence[Scope]) -> int:
    if not known:
        return 0
    own = known.get(scope)
    if own is not None or scope.kind != "note":
        return own or 0
    found = [one for one in larger if one in known]
    return known[max(found, key=lambda one: len(one.id))] if found else 0
