"""The usual practice, to be compared with: a fixed threshold, and a z-score, both on the last minutes' rate."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from app.alerts.backtest.running import Firing
from app.alerts.model import Array, Mask, Observations, ScopeKind

WATCHED: Final[tuple[ScopeKind, ...]] = ("note", "campaign", "merchant", "platform", "category")


class _Window:
    """Clicks and entries of the last minutes."""

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._past: list[tuple[Array, Array]] = []
        self.clicks: Array = np.zeros(0)
        self.entered: Array = np.zeros(0)
        self.watched: Mask = np.zeros(0, bool)

    def add(self, observations: Observations) -> None:
        if not len(self.clicks):
            self.clicks, self.entered = np.zeros((2, len(observations.scopes)))
            self.watched = np.array([scope.kind in WATCHED for scope in observations.scopes])
        now = observations.counts["clicks"], observations.counts["clicks_entered"]
        self._past.append(now)
        self.clicks += now[0]
        self.entered += now[1]
        if len(self._past) > self._minutes:
            clicks, entered = self._past.pop(0)
            self.clicks -= clicks
            self.entered -= entered

    @property
    def rate(self) -> Array:
        return self.entered / np.maximum(self.clicks, 1.0)


class Threshold:
    """Alert when the rate of the last minutes is under `least`, given so many clicks."""

    def __init__(self, *, least: float, minutes: int, sample: float) -> None:
        self._least, self._sample = least, sample
        self._window = _Window(minutes)

    def firings(self, observations: Observations, at_ms: int) -> Iterator[Firing]:
        del at_ms
        window = self._window
        window.add(observations)
        low = window.watched & (window.clicks >= self._sample) & (window.rate < self._least)
        return _fired(low, observations)


class ZScore:
    """Alert when the rate of the last minutes is `z` standard deviations under that of the last day of the scope."""

    def __init__(self, *, z: float, minutes: int, sample: float) -> None:
        self._z, self._sample = z, sample
        self._window, self._day = _Window(minutes), _Window(24 * 60)

    def firings(self, observations: Observations, at_ms: int) -> Iterator[Firing]:
        del at_ms
        window, day = self._window, self._day
        window.add(observations)
        day.add(observations)
        usual = np.clip(day.rate, 0.01, 0.99)
        deviation = np.sqrt(usual * (1 - usual) / np.maximum(window.clicks, 1.0))
        enough = window.watched & (window.clicks >= self._sample) & (day.clicks >= 4 * self._sample)
        return _fired(enough & (window.rate < usual - self._z * deviation), observations)


def _fired(low: Mask, observations: Observations) -> Iterator[Firing]:
    for place in np.flatnonzero(low).tolist():
        yield Firing("rival", observations.scopes[place], "entry_rate", "drop")
