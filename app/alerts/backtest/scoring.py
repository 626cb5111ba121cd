"""How good alerts were, where the truth is known: what was found and how fast, what was false and why."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from app.alerts.backtest.running import Alert
from app.alerts.model import Array, Scope
from app.alerts.simulated.incidents import HARMLESS, Incident, IncidentKind
from app.alerts.simulated.population import Population

AFTER_MIN: Final = 120  # an alert so soon after an incident may still be about it
FOLD_MIN: Final = 5  # an alert about a part is none of its own if one about the whole follows so soon
CONCERNED: Final = 0.05  # of a scope's usual clicks: incidents that concern so many together concern the scope
CONCERNED_BY_REFUSALS: Final = 0.01  # usually one fact in fifty is refused: one click in a hundred makes a difference
WEEK_MIN: Final = 7 * 24 * 60


class Found(NamedTuple):
    """An incident and how many minutes after its beginning the first alert about it came; None: there was none."""

    incident: Incident
    delay_min: int | None


class FalseAlarm(NamedTuple):
    """An alert that nothing excuses, and what only seemed to be wrong at the time, if anything did."""

    alert: Alert
    beside: IncidentKind | None


class Score(NamedTuple):
    """What became of all incidents, and all alerts that were false."""

    found: list[Found]
    false: list[FalseAlarm]
    weeks: float

    @property
    def false_per_week(self) -> float:
        return len(self.false) / self.weeks

    @property
    def false_per_week_at_most(self) -> float:
        """The upper end of the one-sided 95 % interval of a Poisson's mean."""
        return poisson_upper(len(self.false)) / self.weeks


def poisson_upper(count: int, confidence: float = 0.95) -> float:
    """The mean of which a Poisson is at most `count` with the chance 1 - confidence (Garwood, Biometrika 28, 1936)."""
    low, high = 0.0, 10.0 + 3.0 * count
    for _ in range(100):
        middle = (low + high) / 2
        chance = sum(math.exp(-middle + k * math.log(middle) - math.lgamma(k + 1)) for k in range(count + 1))
        low, high = (middle, high) if chance > 1 - confidence else (low, middle)
    return high


class Truth:
    """What was going on, to hold alerts against."""

    def __init__(self, population: Population, incidents: Sequence[Incident]) -> None:
        self._within = dict(zip(population.scopes, population.within, strict=True))
        self._place = {scope: place for place, scope in enumerate(population.scopes)}
        self._population = population
        self.incidents = incidents
        self._platforms: dict[Scope, list[Scope]] = {}  # of campaigns and merchants
        self._shares = [self._share(incident) for incident in incidents]

    def score(self, alerts: Sequence[Alert], *, first: int, last: int) -> Score:
        """Judge the alerts that began from minute `first` to `last`."""
        others = _Others(alerts)
        counted = [alert for alert in alerts if first <= alert.start < last and not self._folded(alert, others)]
        false = []
        for alert in counted:
            beside = [number for number in range(len(self.incidents)) if self._at_the_time(alert, number)]
            harmful = sum(self._share_of(alert, n) for n in beside if self.incidents[n].kind not in HARMLESS)
            concerned = [self.incidents[number] for number in beside if self._concerns(alert, number)]
            if harmful < _least_of(alert) and not any(_excuses(alert, incident) for incident in concerned):
                false.append(FalseAlarm(alert, concerned[0].kind if concerned else None))
        found = [Found(incident, self._delay(number, alerts)) for number, incident in enumerate(self.incidents)]
        return Score(found, false, (last - first) / WEEK_MIN)

    def _delay(self, number: int, alerts: Sequence[Alert]) -> int | None:
        incident = self.incidents[number]
        delays = [
            alert.start - incident.start
            for alert in alerts
            if incident.start < alert.start <= incident.end + 5
            and self._concerns(alert, number)
            and _excuses(alert, incident)
            and (len(incident.notes) == 1 or alert.scope.kind != "note")
        ]
        return min(delays, default=None)

    def _concerns(self, alert: Alert, number: int) -> bool:
        return self._at_the_time(alert, number) and self._share_of(alert, number) >= _least_of(alert)

    def _at_the_time(self, alert: Alert, number: int) -> bool:
        incident = self.incidents[number]
        return incident.start < alert.start <= incident.end + AFTER_MIN

    def _share_of(self, alert: Alert, number: int) -> float:
        """How much of the clicks of an alert's scope an incident concerns."""
        if alert.scope.kind == "topic":
            return float(self.incidents[number].scope.kind == "all")
        return float(self._shares[number][self._place[alert.scope]])

    def _share(self, incident: Incident) -> Array:
        """The share of each scope's clicks that an incident concerns."""
        population = self._population
        concerned = population.per_hour * 0
        usual = population.per_hour.copy()
        if incident.kind == "bot_flood":
            usual[incident.notes] *= 1 + incident.strength
        concerned[incident.notes] = usual[incident.notes]
        share: Array = population.with_larger(concerned) / np.maximum(population.with_larger(usual), 1e-9)
        return share

    def _folded(self, alert: Alert, others: "_Others") -> bool:
        """Whether an alert about something larger tells it already."""
        larger = others.of((*self._within.get(alert.scope, ()), *self._crossed(alert.scope)))
        if alert.scope.kind != "topic":
            larger += others.about_topics
        return any(
            other.start - FOLD_MIN <= alert.start <= other.end + FOLD_MIN and other.direction == alert.direction
            for other in larger
        )

    def _crossed(self, scope: Scope) -> list[Scope]:
        """The platforms that a campaign or merchant lies in to a good part: what befalls one befalls that part."""
        if scope.kind not in ("campaign", "merchant"):
            return []
        if scope not in self._platforms:
            population = self._population
            notes = np.flatnonzero((population.parents == self._place[scope]).any(axis=1))
            clicks: dict[Scope, float] = {}
            for note in notes.tolist():
                platform = population.within[note][0]
                clicks[platform] = clicks.get(platform, 0.0) + float(population.per_hour[note])
            total = sum(clicks.values())
            self._platforms[scope] = [one for one, count in clicks.items() if count >= CONCERNED * total]
        return self._platforms[scope]


class _Others:
    """Alerts by their scopes: rivals raise so many that each cannot be held against each."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        self._by_scope: dict[Scope, list[Alert]] = {}
        for alert in alerts:
            self._by_scope.setdefault(alert.scope, []).append(alert)
        self.about_topics = [alert for alert in alerts if alert.scope.kind == "topic"]

    def of(self, scopes: Iterable[Scope]) -> list[Alert]:
        """The alerts about some scopes."""
        return [alert for scope in scopes for alert in self._by_scope.get(scope, ())]


_ITS_OWN: Final[Mapping[IncidentKind, tuple[str, ...]]] = {
    "late_feed": ("platform", "category", "topic"),
    "promotion_surge": (),
    "mix_shift": (),
    "replay": (),
    "duplicates_storm": (),
}
"""What a harmless incident makes true of which scopes: a feed that is silent for an hour is silent."""


def _least_of(alert: Alert) -> float:
    """How much of the clicks of an alert's scope must be concerned for the alert to be about that."""
    return CONCERNED_BY_REFUSALS if alert.metric == "refused_share" else CONCERNED


def _excuses(alert: Alert, incident: Incident) -> bool:
    if incident.kind not in HARMLESS:
        return True
    if alert.metric == "lateness_s" or (alert.metric in ("clicks", "consumed") and alert.direction == "surge"):
        return True
    return alert.scope.kind in _ITS_OWN[incident.kind]
