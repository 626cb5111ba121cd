"""What more or less patience costs: the same rules at several rates of false alarms, in one pass over a history.

A CUSUM's path does not depend on where its threshold is.  So one run with the loosest threshold sees all that any
stricter one would have said, and when.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from app.alerts.backtest.running import Firing, Recorder
from app.alerts.backtest.scoring import Score
from app.alerts.rules import Rules, milliseconds

RATES: Final = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
"""False alarms a week that a rule may be set to, loosest first."""

MINUTE_MS: Final = 60_000


def loosest(rules: Rules) -> Rules:
    """The rules with the loosest thresholds that are tried."""
    loose = [msgspec.structs.replace(rule, false_alarms_per_week=RATES[0]) for rule in rules.rules]
    return msgspec.structs.replace(rules, rules=loose)


class Trade:
    """A recorder for each rate."""

    def __init__(self, rules: Rules) -> None:
        waits = pending_of(rules)
        self.recorders: Mapping[float, Recorder] = {rate: Recorder(waits) for rate in RATES}

    def take(self, firings: Iterable[Firing], minute: int) -> None:
        """Take in what the loosest rules say at a minute."""
        said = list(firings)
        for rate, recorder in self.recorders.items():
            more = math.log(RATES[0] / rate)
            recorder.take((one for one in said if one.surplus >= more or one.metric == "lateness_s"), minute)


class Waits:
    """How long what a rule says must hold before it is an alert."""

    def __init__(self, minutes: Mapping[str, float]) -> None:
        self._minutes = minutes

    def __call__(self, rule: str) -> float:
        return self._minutes.get(rule, 0.0)


def pending_of(rules: Rules) -> Waits:
    """How many minutes each rule waits."""
    return Waits({rule.name: milliseconds(rule.pending) / MINUTE_MS for rule in rules.rules})


def proposal(scores: Mapping[float, Score], wish: float) -> float | None:
    """The loosest setting that keeps within so many false alarms a week, as do all that are stricter; None: none does.

    Among few false alarms a looser setting may have fewer by luck.
    """
    proposed = None
    for rate in sorted(scores):
        if scores[rate].false_per_week > wish:
            break
        proposed = rate
    return proposed
