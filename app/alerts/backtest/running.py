"""Run rules over history and note every alert: when it began, when it was over."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from app.alerts.evaluation import evaluate
from app.alerts.model import Direction, Metric, Observations, Scope
from app.alerts.rules import Rules, milliseconds
from app.alerts.state import State
from app.alerts.watch import MINUTE_MS

AGAIN_MIN: Final = 30  # what comes back within so many minutes was never over


class Firing(NamedTuple):
    """What a judge says at one moment about one scope."""

    rule: str
    scope: Scope
    metric: Metric
    direction: Direction
    known: bool = True  # False: too little data to say so, or that it is over


@dataclass
class Alert:
    """One alert, in minutes of the history; `end` is that of the last evaluation that said so."""

    rule: str
    scope: Scope
    metric: Metric
    direction: Direction
    start: int
    end: int


class Judge(Protocol):
    """Something that looks at what every minute brought."""

    def firings(self, observations: Observations, at_ms: int) -> Iterable[Firing]:
        """What is wrong just now."""
        ...


class RuleJudge:
    """Redcat's own evaluation."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._directions = {rule.name: rule.direction for rule in rules.rules}
        self._state = State(rules)

    @property
    def state(self) -> State:
        """What is remembered, to set delays in or to look at."""
        return self._state

    def firings(self, observations: Observations, at_ms: int) -> Iterator[Firing]:
        self._state, verdicts = evaluate(self._rules, self._state, observations, at_ms)
        for verdict in verdicts:
            if verdict.answer != "ok":
                yield Firing(
                    verdict.rule, verdict.scope, verdict.metric, self._directions[verdict.rule],
                    known=verdict.answer != "insufficient",
                )  # fmt: skip


class Waits:
    """How long what a rule says must hold before it is an alert."""

    def __init__(self, minutes: Mapping[str, float]) -> None:
        self._minutes = minutes

    def __call__(self, rule: str) -> float:
        return self._minutes.get(rule, 0.0)


def pending_of(rules: Rules) -> Waits:
    """How many minutes each rule waits."""
    return Waits({rule.name: milliseconds(rule.pending) / MINUTE_MS for rule in rules.rules})


class Recorder:
    """Puts what a judge says from minute to minute together into alerts."""

    def __init__(self, pending_min: Callable[[str], float] = lambda _: 0.0) -> None:
        self.alerts: list[Alert] = []
        self._pending_min = pending_min
        self._waiting: dict[tuple[str, Scope], Alert] = {}
        self._open: dict[tuple[str, Scope], Alert] = {}

    def take(self, firings: Iterable[Firing], minute: int) -> None:
        """Take in what is wrong at a minute."""
        for firing in firings:
            key = firing.rule, firing.scope
            known = self._open.get(key)
            if known is not None and minute - known.end <= AGAIN_MIN:
                known.end = minute
                continue
            if not firing.known:
                continue
            waiting = self._waiting.get(key)
            if waiting is None or minute - waiting.end > 1:
                waiting = self._waiting[key] = Alert(*firing[:4], start=minute, end=minute)
            waiting.end = minute
            if minute - waiting.start >= self._pending_min(firing.rule):
                alert = Alert(*firing[:4], start=minute, end=minute)
                self._open[key] = alert
                self.alerts.append(alert)


def run(
    judges: dict[str, Judge], history: Iterable[tuple[int, Observations]], start_ms: int, recorders: dict[str, Recorder]
) -> Iterator[int]:
    """Show every minute of a history to every judge; yields the minutes that are done."""
    for minute, observations in history:
        for name, judge in judges.items():
            recorders[name].take(judge.firings(observations, start_ms + (minute + 1) * MINUTE_MS), minute + 1)
        yield minute + 1
