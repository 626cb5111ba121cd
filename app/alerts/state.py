"""All that is remembered between evaluations."""

import numpy as np

from app.alerts.columns import Table
from app.alerts.curves import Curves, weights_of
from app.alerts.maturing import Maturing
from app.alerts.model import Array, Metric, Places, Scope
from app.alerts.rates import QUIET_SHARE, Rates
from app.alerts.rules import Rule, Rules
from app.alerts.signals import RATES, VOLUMES, RateSignal
from app.alerts.volumes import Volumes
from app.alerts.watch import MINUTE_MS


class State:
    """All that is remembered between evaluations; `evaluate` uses it up and gives it back changed."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.at_ms: int | None = None
        self.table = Table()
        by_metric: dict[Metric, list[Rule]] = {}
        for rule in rules.rules:
            by_metric.setdefault(rule.metric, []).append(rule)
        self.rates = {
            (metric, reason): Rates(_signal(metric, reason), [rule for rule in of if rule.reason == reason])
            for metric, of in by_metric.items()
            if metric in RATES
            for reason in dict.fromkeys(rule.reason for rule in of)
        }
        self.volumes = {metric: Volumes(metric, of) for metric, of in by_metric.items() if metric in VOLUMES}
        self.lateness = by_metric.get("lateness_s", [])
        self.late: set[tuple[str, Scope]] = set()
        self.late_since_ms: dict[Scope, int] = {}
        self.held_until_min: Array = np.zeros(0)
        self.disturbed_until_min = 0.0
        self.curves: dict[Metric, Curves] = {}
        self.maturing = Maturing()
        self.matured_hour: int | None = None  # when it was looked how cohorts mature
        self.judging_from_ms: int | None = None
        self.promotion_ms: int | None = None
        self.settled_min = 0.0

    def set_delays(self, metric: Metric, curves: Curves) -> None:
        """Use delays learnt from history (`detectors.delay.fit`) in place of those there were."""
        self.curves[metric] = curves
        self._use_delays(0)

    def disturbed(self, at_ms: int) -> bool:
        """Whether nothing can be said just now: all is late, or counters are being rebuilt."""
        return self.disturbed_until_min > at_ms / MINUTE_MS

    def calm_categories(self, at_ms: int) -> list[str]:
        """The categories in which nothing seems to be wrong, those with most clicks first."""
        pace: Array = np.zeros(len(self.table.scopes))
        calm = self.table.of_kinds(["category"]) & (self.held_until_min <= at_ms / MINUTE_MS)
        for rates in self.rates.values():
            calm &= rates.known.suspicion < QUIET_SHARE
            pace = np.maximum(pace, rates.known.pace)
        rows = np.flatnonzero(calm)
        return [self.table.scopes[row].id for row in rows[np.argsort(-pace[rows], kind="stable")].tolist()]

    def resize(self, kept: Places, at_min: float) -> None:
        """Go on with the rows `kept` of the table as it was, which come first in it now, and new ones."""
        fresh = len(self.table.scopes) - len(kept)
        self.held_until_min = np.concatenate([self.held_until_min[kept], np.zeros(fresh)])
        for rates in self.rates.values():
            rates.resize(kept, self.table, at_min)
        for volumes in self.volumes.values():
            volumes.resize(kept, self.table, at_min)
        self._use_delays(len(kept))

    def _use_delays(self, first: int) -> None:
        """Let the scopes from row `first` on have the delays that are set."""
        scopes, within = self.table.scopes[first:], self.table.within[first:]
        for (metric, _), rates in self.rates.items():
            if scopes and metric in self.curves:
                rates.set_delays(first, *weights_of(self.curves[metric], rates.signal.weights, scopes, within))


def _signal(metric: Metric, reason: str | None) -> RateSignal:
    signal = RATES[metric]
    return signal if reason is None else signal._replace(counted=(f"refused:{reason}",))
