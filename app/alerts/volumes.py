"""Volumes of all scopes at work: how much comes, against what usually comes at that hour of the week."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.alerts.columns import Table, moved, resized
from app.alerts.detectors import likelihood
from app.alerts.detectors.seasonal import HourOfWeek
from app.alerts.model import Array, Direction, Mask, Metric, Observations, Places
from app.alerts.moment import Step
from app.alerts.rates import QUIET_SHARE, STALE_MIN
from app.alerts.rules import Rule
from app.alerts.signals import OF_SHOPS, summed
from app.alerts.watch import SETTLED_CHANGE, Watch

_LEAST_DISPERSION: Final = 0.01  # traffic is burstier than a Poisson's, always


@dataclass
class Now:
    """The present hour, by scope."""

    counts: Array
    minutes: Array  # over which these were counted
    suspicion: Array  # the greatest so far, in parts of what is needed
    recent: Array  # what was expected lately


class Volumes:
    """One volume in the scopes that its rules are about."""

    def __init__(self, metric: Metric, rules: list[Rule]) -> None:
        self.metric = metric
        self.watches = [Watch(rule) for rule in rules]
        self.kinds = {kind for rule in rules for kind in rule.scopes}
        self.rows: Places = np.zeros(0, np.intp)
        self.season = HourOfWeek.unknown(0)
        self.promotion = False  # whether one was on
        self.now = Now(*(np.zeros(0) for _ in range(4)))

    def resize(self, kept: Places, table: Table, at_min: float) -> None:
        """Go on with the rows `kept`, which come first now, and new ones."""
        self.rows, old = moved(self.rows, kept, table.of_kinds(self.kinds))
        fresh = len(self.rows) - len(old)
        resized(self.season, old, fresh, HourOfWeek.unknown(1))
        resized(self.now, old, fresh, Now(*(np.zeros(1) for _ in range(4))))
        for watch in self.watches:
            chosen = table.of_kinds(watch.rule.scopes)[self.rows]
            watch.resize(old, chosen, [table.scopes[row] for row in self.rows.tolist()], at_min)

    def advance(self, observations: Observations, rows: Places, step: Step) -> None:
        """Take in a step.  `rows` are those of the observed scopes among all."""
        everything = np.zeros(len(step.held))
        everything[rows] = summed(observations, (self.metric,))
        counts = np.maximum(everything[self.rows], 0.0)
        held = step.held[self.rows] & (step.disturbed or self.metric in OF_SHOPS)
        on = step.promotion_min is not None
        if on and not self.promotion:
            self.season.begin_promotion()
        self.promotion = on
        plain = self.season.expected(step.hours) * step.minutes
        level = self.season.level(promotion=on)
        known = ~np.isnan(plain) & ~held
        plain_known = np.where(known, plain, 0.0)
        self.now.recent *= 0.5 ** (step.minutes / 15)
        self.now.recent += plain_known * level
        for watch in self.watches:
            usual = plain_known * (level if on else _beyond(level, watch.rule.direction))
            self._judge(watch, np.where(known, counts, 0.0), usual, step)
        calm = (self.now.suspicion < QUIET_SHARE) | on
        self.season.follow(counts, plain, step.minutes, known & calm, promotion=on)
        self._learn(counts, held, step)

    def _judge(self, watch: Watch, counts: Array, expected: Array, step: Step) -> None:
        shape = (len(watch.rows), len(watch.changes))
        awaited = np.broadcast_to(expected[watch.rows, None], shape)
        came = np.broadcast_to(counts[watch.rows, None], shape)
        dispersion = np.maximum(self.season.dispersion[watch.rows], _LEAST_DISPERSION)[:, None]
        changed = likelihood.after_change(awaited, awaited, watch.changes)
        evidence = likelihood.negative_binomial(came, awaited, changed, dispersion)
        if step.promotion_min is not None and watch.rule.direction == "surge":
            evidence = np.zeros(shape)
        elif step.unsettled:
            evidence[:, np.abs(watch.changes) < SETTLED_CHANGE] = 0.0
        watch.runs.add(evidence, came, awaited, awaited, awaited)
        watch.notice(evidence, step.minutes)
        watch.runs.clear(np.full(shape[0], step.learning), step.at_min)
        watch.runs.rest(watch.needed, step.at_min)
        stale = step.at_min - watch.runs.earliest_min() > STALE_MIN
        top = np.where(stale, 0.0, watch.runs.foremost(watch.needed))
        self.now.suspicion[watch.rows] = np.maximum(self.now.suspicion[watch.rows], top)

    def _learn(self, counts: Array, held: Mask, step: Step) -> None:
        if step.new_hour:
            calm = (self.now.suspicion < QUIET_SHARE) & (step.promotion_min is None)
            self.season.learn(self.now.counts, self.now.minutes, (step.hour - 1) % 168, calm)
            self.season.turn(step.hour)
            for values in (self.now.counts, self.now.minutes, self.now.suspicion):
                values[:] = 0.0
            for watch in self.watches:
                watch.need(np.ones(len(self.rows)))
        self.now.counts += np.where(held, 0.0, counts)
        self.now.minutes += np.where(held, 0.0, step.minutes)


def _beyond(level: Array, direction: Direction) -> Array:
    """The level that a change must go beyond: the end of a busy day is no drop, nor that of a quiet one a surge."""
    return np.minimum(level, 1.0) if direction == "drop" else np.maximum(level, 1.0)
