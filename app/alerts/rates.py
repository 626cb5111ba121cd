"""Rates of all scopes at work: what was to be expected of a step, what came, what speaks for a change."""

from typing import Final, NamedTuple

import numpy as np

from app.alerts.columns import Table, resized
from app.alerts.detectors import baseline, delay, likelihood
from app.alerts.kin import Kin
from app.alerts.model import Array, Mask, Observations, Places
from app.alerts.moment import Step
from app.alerts.rates_known import PACE_MIN, Known, Season
from app.alerts.rules import Rule
from app.alerts.signals import RateSignal, summed
from app.alerts.watch import SETTLED_CHANGE, Watch

DOUBT: Final = 2.0  # standard deviations of the baseline that are given to those who seem to drop
MISFIT: Final = 0.3  # of what clicks long past are to bring, since no delay is quite a mixture of exponentials
EXPLAINED: Final = 0.7  # of what peers should bring just now: with less, the trouble is theirs too
QUIET_SHARE: Final = 0.5  # of the needed evidence: what is more suspicious is not learnt as normal
STALE_MIN: Final = 2 * 24 * 60.0  # after so long a new rate is the normal one, whatever the suspicion
_HALF_LIFE_H: Final = 4 * 24.0
_FAST_HALF_LIFE_MIN: Final = 120.0
_PEER_PRIOR: Final = 20.0
_FAST_PRIOR: Final = 30.0
_RATIO_PRIOR: Final = 20.0
_LEAST_CONVERTED: Final = 10.0  # conversions that a scope must have had to know what is normal, or its peers
_LEAST_OF_PEERS: Final = 50.0
_MOSTLY: Final = 0.95  # of a larger scope's clicks must come from notes that something is known of


class _Traffic(NamedTuple):
    """A step in all scopes: clicks that came, what was observed, clicks that came due, what is expected of them."""

    clicks: Array
    observed: Array
    due: Array
    expected: Array
    doubt: Array  # standard deviation of the expected, as a part of it
    explained: Mask  # scopes whose peers do so badly that they are not to blame


class Rates:
    """One rate in all scopes, and the rules about it."""

    def __init__(self, signal: RateSignal, rules: list[Rule]) -> None:
        self.signal = signal
        self.watches = [Watch(rule) for rule in rules]
        self.known = Known.nothing(signal.weights)
        resized(self.known, np.zeros(0, np.intp), 0, self.known)
        self.season = Season()
        self._kin = Kin()
        self._prior = baseline.Peers(np.array([0.1]), np.array([10.0]), np.array([0.0]))
        self._usual = baseline.Rate(*(np.zeros(0) for _ in range(4)))
        self._covered: Mask = np.zeros(0, bool)  # larger scopes most of whose clicks are of notes with a known rate
        self.fast = False
        self.watched_min = 0.0
        self.awake = False  # until the first conversion: before, there is nothing to judge by

    def resize(self, kept: Places, table: Table, at_min: float) -> None:
        """Go on with the rows `kept`, which come first now, and new ones."""
        fresh = len(table.scopes) - len(kept)
        resized(self.known, kept, fresh, Known.nothing(self.signal.weights))
        for watch in self.watches:
            watch.resize(kept, table.of_kinds(watch.rule.scopes), table.scopes, at_min)
        # A scope that turns out to be made of notes has learnt something else so far.
        changed = self._kin.relate(kept, table)
        for values in (self.known.converted, self.known.due, self.known.hour_converted, self.known.hour_due):
            values[changed] = 0.0
        self.refresh()

    def set_delays(self, first: int, weights: Array, together: Array) -> None:
        """Use other delays for the scopes from row `first` on, from now on; `together` are their concentrations."""
        self.known.weights[first:] = weights
        self.known.together[first:] = together

    def is_larger(self, row: int) -> bool:
        """Whether a scope is made of notes."""
        return bool(self._kin.larger[row])

    def belief(self, row: int, rate: float) -> tuple[float, float]:
        """The Beta distribution of a scope's rate, moved to the mean that is expected just now."""
        known = float(self.known.due[row] + self._prior.alike[self._kin.group[row]])
        share = min(max(rate, 1e-6), 1 - 1e-6)
        return known * share, known * (1 - share)

    def refresh(self) -> None:
        """What peers have in common, and how much traffic there is: looked at every hour."""
        known = self.known
        # What larger scopes have learnt is no rate, but a ratio to what their notes make of it.
        own = np.where(self._kin.larger, 0.0, known.converted), np.where(self._kin.larger, 0.0, known.due)
        self._prior = baseline.peers(*own, self._kin.group, self._kin.groups)
        self._usual = self._usual_rate()
        for watch in self.watches:
            watch.need(known.pace / -np.expm1(-max(self.watched_min, 1.0) / PACE_MIN))

    def advance(self, observations: Observations, rows: Places, step: Step) -> None:
        """Take in a step.  `rows` are those of the observed scopes."""
        if step.new_hour:
            self._learn(step)
        size = len(self.known.due)
        clicks, observed = np.zeros(size), np.zeros(size)
        observed[rows] = summed(observations, self.signal.counted)
        self.awake = self.awake or bool(observed.any())
        if not self.awake:
            return
        clicks[rows] = self.known.news(summed(observations, self.signal.base), rows, step.held)
        if self.signal.money:
            clicks, observed = self._in_orders(clicks, observed, observations, rows)
        shares = delay.step_of(step.minutes)
        due = delay.advance(self.known.pools, clicks, self.known.weights, shares)
        rate, unit = self._rate(due)
        usual = np.where(step.held, 0.0, unit * rate.mean * self.season.at(step.hour))
        observed = np.where(step.held, 0.0, observed)
        self._follow(observed, usual, unit, due, step)
        doubt = rate.deviation / np.maximum(rate.mean, 1e-9)
        share = self._peers_share()
        traffic = _Traffic(clicks, observed, due, usual * share, doubt, share < EXPLAINED)
        for watch in self.watches:
            self._judge(watch, traffic, shares, step)

    def _in_orders(self, paid: Array, refunded: Array, observations: Observations, rows: Places) -> tuple[Array, Array]:
        """Money in units of a mean order, so that its variation is about that of orders."""
        known = self.known
        known.orders[rows] += np.maximum(summed(observations, ("orders",)), 0.0)
        known.paid += paid
        mean = np.maximum(known.paid / np.maximum(known.orders, 1.0), 1.0)
        return paid / mean, refunded / mean

    def _rate(self, due: Array) -> tuple[baseline.Rate, Array]:
        """Each scope's rate, and what it is a rate of: its clicks due, of larger scopes what their notes make of them.

        A larger scope's expectation is the sum of its notes', so that a mere shift of traffic between them is no change
        (direct standardization); its own rate is only what the sum has to be multiplied by.
        """
        known, rate = self.known, self._usual
        unit = due
        if len(self._kin.parents):
            made = self._kin.of_notes(np.where(self._kin.notes, due * rate.mean, 0.0))
            unit = np.where(self._kin.larger, np.where(self._covered, made, 0.0), due)
        if self.fast:
            total = known.fast_due + _FAST_PRIOR
            rate = rate._replace(mean=(known.fast_converted + _FAST_PRIOR * rate.mean) / total)
        return rate, unit

    def _usual_rate(self) -> baseline.Rate:
        """Each scope's rate as it has been; 0 where too little is known."""
        known, prior = self.known, self._prior
        rate = baseline.posterior(known.converted, known.due, prior.rate[self._kin.group], prior.alike[self._kin.group])
        informed = (known.converted >= _LEAST_CONVERTED) | (prior.converted[self._kin.group] >= _LEAST_OF_PEERS)
        ratio = (known.converted + _RATIO_PRIOR) / (known.due + _RATIO_PRIOR)
        doubt = ratio / np.sqrt(known.converted + _RATIO_PRIOR)
        self._covered = self._kin.of_notes(known.pace * informed) > _MOSTLY * self._kin.of_notes(known.pace)
        return rate._replace(
            mean=np.where(self._kin.larger, ratio, np.where(informed, rate.mean, 0.0)),
            deviation=np.where(self._kin.larger, doubt, rate.deviation),
        )

    def _follow(self, observed: Array, expected: Array, unit: Array, due: Array, step: Step) -> None:
        known = self.known
        known.hear(observed, expected, due, step)
        self.watched_min += step.minutes
        seen = np.where(step.held, 0.0, unit)
        known.hour_converted += np.where(seen > 0, observed, 0.0)
        known.hour_due += seen
        if step.promotion_min is not None:
            self._follow_fast(observed, seen, step)
        elif self.fast:
            self.fast = False

    def _follow_fast(self, observed: Array, seen: Array, step: Step) -> None:
        """In a promotion yesterday's rates say little: those of the last hours count."""
        known = self.known
        if not self.fast:
            known.fast_converted[:] = 0.0
            known.fast_due[:] = 0.0
            self.fast = True
        kept = 0.5 ** (step.minutes / _FAST_HALF_LIFE_MIN)
        calm = known.suspicion < QUIET_SHARE
        for values, now in ((known.fast_converted, observed), (known.fast_due, seen)):
            values[calm] = values[calm] * kept + now[calm]

    def _peers_share(self) -> Array:
        """How its peers do just now, at most 1: what befalls all of a platform is not the fault of one note.

        A note's peers are the other notes of its group; those of a campaign or merchant are its notes' peers.
        """
        known = self.known
        came, awaited = map(self._kin.of_peers, (known.near_converted, known.near_expected))
        share = np.clip((came + _PEER_PRIOR) / (awaited + _PEER_PRIOR), 0.02, 1.0)
        share = np.where(self._kin.notes, share, 1.0)
        awaited_of_notes = self._kin.of_notes(known.near_expected)
        of_notes = (self._kin.of_notes(known.near_expected * share) + 1e-3) / (awaited_of_notes + 1e-3)
        return np.where(self._kin.crossing, np.minimum(of_notes, 1.0), share)

    def _judge(self, watch: Watch, traffic: _Traffic, shares: delay.Step, step: Step) -> None:
        rows, held = watch.rows, step.held[watch.rows]
        due = traffic.due[rows]
        fresh_due = watch.advance(traffic.clicks, self.known.weights, shares)
        per_click = np.where(due > 0, traffic.expected[rows] / np.maximum(due, 1e-9), 0.0)
        awaited, fresh = self._awaited(watch, traffic, fresh_due * per_click[:, None])
        chance = np.zeros_like(due) if self.signal.counts else per_click * self.known.together[rows]
        changed = likelihood.after_change(awaited, fresh, watch.changes)
        observed = traffic.observed[rows, None]
        evidence = likelihood.binomial(observed, awaited, changed, chance[:, None])
        evidence[held] = 0.0
        if step.unsettled:
            evidence[:, np.abs(watch.changes) < SETTLED_CHANGE] = 0.0
        watch.runs.add(evidence, observed, awaited, fresh, np.where(held[:, None], 0.0, fresh_due))
        watch.notice(evidence, step.minutes)
        watch.runs.clear(held | step.learning | traffic.explained[rows], step.at_min)
        watch.let_go(self.known.near[rows], step.at_min)
        watch.runs.rest(watch.needed, step.at_min)
        watch.runs.begin_at(self.known.level(watch.rule.direction)[rows], step.at_min)
        top = watch.runs.foremost(watch.needed)
        stale = step.at_min - watch.runs.earliest_min() > STALE_MIN
        self.known.suspicion[rows] = np.maximum(self.known.suspicion[rows], np.where(stale, 0.0, top))

    def _awaited(self, watch: Watch, traffic: _Traffic, fresh: Array) -> tuple[Array, Array]:
        """What each run is to see in a step, and the part of it from clicks since its rest, doubts allowed for."""
        rows, sign = watch.rows, 1.0 if watch.rule.direction == "surge" else -1.0
        doubt = DOUBT * traffic.doubt[rows]
        young, old = (
            np.maximum(1 + sign * (doubt + misfit), 0.05)[:, None]
            for misfit in (MISFIT * np.square(1 - self.known.together[rows]), MISFIT)
        )
        expected = traffic.expected[rows, None]
        fresh = np.minimum(fresh, expected)
        return fresh * young + (expected - fresh) * old * watch.runs.level, fresh * young

    def _learn(self, step: Step) -> None:
        """An hour is over: what was not suspicious becomes a part of what is normal."""
        known = self.known
        calm = (known.suspicion < QUIET_SHARE) & ~step.held & (step.promotion_min is None)
        kept = 0.5 ** (1 / _HALF_LIFE_H)
        for values, hour in ((known.converted, known.hour_converted), (known.due, known.hour_due)):
            values[calm] = values[calm] * kept + hour[calm]
        self.season.learn((step.hour - 1) % 168, known, self._kin.notes & calm & (known.due > 0))
        for values in (known.hour_converted, known.hour_due, known.suspicion):
            values[:] = 0.0
        self.refresh()
