"""One rule at work: its CUSUMs over the scopes that it is about, and what it says of them."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from app.alerts.columns import moved, resized
from app.alerts.detectors import delay
from app.alerts.detectors.cusum import Runs
from app.alerts.detectors.run_length import MOST_NEEDED, WEEK_MIN, needed_evidence
from app.alerts.model import Array, Mask, Places, Scope
from app.alerts.rules import Rule

MINUTE_MS: Final = 60_000
MOST_CHANGE: Final = 0.98  # a count that can be only 0 would be disproved by a single straggler
_DRIFT_MIN: Final = 6 * 60.0
_UNKNOWN_DRIFT: Final = 0.2
LEAST_PACE: Final = 0.05  # clicks a minute, of scopes that are new
STILL: Final = 0.5  # of what a rule asks for: with more than that it goes on
PASSING: Final = 1.0  # nats below its peak: what passes before it could be told is told no more
LEAST_RECENT: Final = 5.0  # clicks that came due in the last minutes: with fewer nothing is known of the present
RECENT_MIN: Final = 6.0  # how long those minutes are, about
SETTLED_CHANGE: Final = 0.7  # changes above it are no promotion's doing


class Watch:
    """What a rule has seen so far of each scope it is about."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.rows: Places = np.zeros(0, np.intp)  # of the scopes among those of the signal
        sign = -1.0 if rule.direction == "drop" else 1.0
        self.changes: Array = sign * np.array(sorted(rule.changes, reverse=True))
        if rule.direction == "drop":
            self.changes = np.maximum(self.changes, -MOST_CHANGE)
        self.runs = Runs.rested(0, len(self.changes))
        self.answered: Mask = np.zeros(0, bool)
        self.muted: Mask = np.zeros(0, bool)
        self.least_relative: Array = np.zeros(0)
        self.least_absolute: Array = np.zeros(0)
        self.least_sample: Array = np.zeros(0)
        self.needed: Array = np.full(len(self.changes), MOST_NEEDED)
        self.drift: Array = np.zeros((0, len(self.changes)))

    def resize(self, kept: Places, chosen: Mask, scopes: Sequence[Scope], at_min: float) -> None:
        """Go on with those of the signal's scopes that had the rows `kept`, which come first now, and with new ones.

        `chosen` says which of `scopes` the rule is about.
        """
        self.rows, old = moved(self.rows, kept, chosen)
        fresh = [scopes[row] for row in self.rows[len(old) :].tolist()]
        empty = Runs.rested(1, len(self.changes))
        empty.since_min[:] = at_min
        resized(self.runs, old, len(fresh), empty)
        self.drift = np.concatenate([self.drift[old], np.full((len(fresh), len(self.changes)), _UNKNOWN_DRIFT)])
        least = [self.rule.at_least_of(scope) for scope in fresh]
        self.answered = np.concatenate([self.answered[old], np.zeros(len(fresh), bool)])
        self.muted = np.concatenate([self.muted[old], np.array([self.rule.muted(scope) for scope in fresh], bool)])
        for name in ("relative", "absolute", "sample"):
            values = np.array([getattr(one, name) for one in least])
            setattr(self, f"least_{name}", np.concatenate([getattr(self, f"least_{name}")[old], values]))

    def notice(self, evidence: Array, minutes: float) -> None:
        """Follow how much evidence a minute takes away from each CUSUM on the average."""
        kept = math.exp(-minutes / _DRIFT_MIN)
        self.drift *= kept
        self.drift += (1 - kept) / minutes * np.maximum(-evidence, 0.0)

    def need(self, trials_per_min: Array) -> None:
        """Set the evidence needed from how much traffic there is to raise false alarms, change by change."""
        steps = np.clip(trials_per_min[self.rows], LEAST_PACE, 1.0)[:, None]
        often = np.minimum(steps, self.drift).sum(axis=0) * WEEK_MIN
        wished = self.rule.false_alarms_per_week / len(self.changes)
        self.needed = np.array([needed_evidence(times, wished) for times in often])

    def advance(self, clicks: Array, weights: Array, step: delay.Step) -> Array:
        """Clicks since each run's rest that come due in this step."""
        return delay.advance(self.runs.pools, clicks[self.rows, None], weights[self.rows, None, :], step)

    def blind(self, recent: Array) -> Mask:
        """Where too little came lately to say how it is now; `recent` is what did, by scope."""
        few: Mask = recent < np.minimum(self.least_sample, LEAST_RECENT)
        return few

    def let_go(self, recent: Array, at_min: float) -> None:
        """Forget evidence that came too thinly to be told; else it would be when traffic grows, and all is over."""
        runs = self.runs
        sure: Mask = runs.evidence >= self.needed
        if sure.any():
            thin = runs.sample * RECENT_MIN < LEAST_RECENT * (at_min - runs.since_min)
            runs.clear(sure & thin & (self.blind(recent) & ~self.answered)[:, None], at_min)

    def firing(self) -> Mask:
        """By scope and change: where all that the rule asks for holds."""
        runs = self.runs
        sure: Mask = runs.evidence >= self.needed
        if not sure.any():
            return sure
        relative = np.abs(self.relative())
        # What was told ends with its evidence, not because a little less is missing than when it began.
        part = np.where(self.answered, STILL, 1.0)[:, None]
        rate = np.where(runs.sample > 0, runs.fresh / np.maximum(runs.sample, 1e-9), 0.0)
        enough: Mask = (
            sure
            & (self.answered[:, None] | (runs.evidence >= runs.peak - PASSING))
            & (relative >= part * self.least_relative[:, None])
            & (relative * rate >= part * self.least_absolute[:, None])
            & (runs.sample >= self.least_sample[:, None])
            & ~self.muted[:, None]
        )
        return enough

    def relative(self) -> Array:
        """How much of what the change concerns is missing (negative) or too many."""
        runs = self.runs
        change = np.where(runs.fresh > 0, (runs.observed - runs.expected) / np.maximum(runs.fresh, 1e-9), 0.0)
        wanted: Array = np.clip(change, -1.0, 0.0) if self.rule.direction == "drop" else np.maximum(change, 0.0)
        return wanted
