"""CUSUMs over many scopes at once, each with what has happened since it last rested at 0.

Page's test (Biometrika 41, 1954) on logarithms of likelihood ratios, which detects a change as fast as any test with as
few false alarms (Moustakides, Annals of Statistics 14, 1986).  Since conversions come late, a change that began at s
concerns only what clicks since s were to bring: each CUSUM has pools of its own for them, emptied whenever it rests.
What older clicks bring meanwhile says nothing of the change, but has to be told apart: as much of it is expected as
came of what was expected just before s.
The evidence is then that of "changed since s" against "not changed", as in Lai's tests for dependent observations
(IEEE Transactions on Information Theory 44, 1998), and the last rest estimates the moment of the change.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np

from app.alerts.detectors import delay
from app.alerts.model import Array, Mask

CEILING: Final = 1.5
"""Evidence stops at so many times what is needed, so that a CUSUM comes down soon after a long incident."""

OVER: Final = 8.0
"""A change that was told is over when what came since its peak is so much more likely without it, in nats: Page's test
turned round."""


@dataclass
class Runs:
    """CUSUMs by scope and change; all arrays begin with these two axes."""

    evidence: Array
    peak: Array  # the greatest evidence since the rest
    observed: Array
    expected: Array
    fresh: Array  # of expected: what clicks since the rest were to bring
    sample: Array  # clicks since the rest that came due
    since_min: Array  # the last rest, in minutes
    level: Array  # what came just before the rest, in parts of what was expected
    pools: Array  # clicks since the rest that wait, by exponential of the delay

    @classmethod
    def rested(cls, scopes: int, changes: int) -> "Runs":
        """CUSUMs that have seen nothing."""
        evidence, peak, observed, expected, fresh, sample, since_min = np.zeros((7, scopes, changes))
        level, pools = np.ones((scopes, changes)), np.zeros((scopes, changes, delay.KINDS))
        return cls(evidence, peak, observed, expected, fresh, sample, since_min, level, pools)

    def add(self, evidence: Array, observed: Array, expected: Array, fresh: Array, sample: Array) -> None:
        """Let a step's evidence and what it rests on come in."""
        self.evidence += evidence
        self.observed += observed
        self.expected += expected
        self.fresh += fresh
        self.sample += sample

    def begin_at(self, level: Array, at_min: float) -> None:
        """Note how scopes did just now, for the runs that begin now."""
        np.copyto(self.level, level[:, None], where=self.since_min == at_min)

    def foremost(self, needed: Array) -> Array:
        """The greatest evidence of each scope, in parts of what is needed."""
        # Column by column: there are few, and numpy is slow at rows so short.
        return reduce(np.maximum, (self.evidence / needed).T)

    def earliest_min(self) -> Array:
        """The last rest of the run of each scope that has gone on for longest."""
        return reduce(np.minimum, self.since_min.T)

    def rest(self, needed: Array, at_min: float) -> None:
        """Begin anew where nothing speaks for a change, or a change is over; keep evidence below the ceiling."""
        np.minimum(self.evidence, CEILING * needed, out=self.evidence)
        np.maximum(self.peak, self.evidence, out=self.peak)
        over: Mask = (self.peak >= needed) & (self.evidence <= self.peak - OVER)
        self.clear(over | (self.evidence <= 0), at_min)

    def clear(self, scopes: Mask, at_min: float) -> None:
        """Forget what has been seen in some scopes, or in some of their runs."""
        if not scopes.any():
            return
        for values in (self.evidence, self.peak, self.observed, self.expected, self.fresh, self.sample):
            values[scopes] = 0.0
        self.since_min[scopes] = at_min
        self.pools[scopes] = 0.0
