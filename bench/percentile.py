"""Percentiles of what was timed."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` of all do not exceed; of none it is no number."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else math.nan
