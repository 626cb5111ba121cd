"""Evaluate alert rules: a step of what happened goes in, the next state and the verdicts come out."""

from typing import Final

import numpy as np

from app.alerts.calendar import HOUR_MS, hour_of_week, maintained, promotion_at
from app.alerts.model import Mask, Observations, Places, Verdict
from app.alerts.moment import Step
from app.alerts.rules import Rules, milliseconds
from app.alerts.state import State
from app.alerts.verdicts import of_lateness, of_rates, of_volumes
from app.alerts.watch import MINUTE_MS

LATE_MS: Final = 3 * MINUTE_MS
SETTLE_MIN: Final = 5.0  # after facts were late, or counters moved backwards
UNSETTLED_MIN: Final = 30.0  # after a promotion has begun or ended
FORGET_MIN: Final = 7 * 24 * 60.0  # scopes that nothing is heard of
LONGEST_STEP_MIN: Final = 180.0  # after a longer gap what came in it is not judged
_FEWER: Final = -2.0  # clicks that a scope may lose at once without its counters being rebuilt
_MANY_FEWER: Final = -50.0  # clicks that all scopes together may lose


def evaluate(rules: Rules, state: State, observations: Observations, now_ms: int) -> tuple[State, list[Verdict]]:
    """Take in what came since the evaluation before, and judge it.

    There is a verdict for each rule and scope that is not ok, or was not the time before.  The first evaluation of a
    state only says from when on observations count.  Whatever is given in one step or in several comes to the same
    evidence, as far as nothing in the steps says when it happened.
    """
    if rules is not state.rules:
        raise ValueError("these are not the rules of this state")
    before_ms, state.at_ms = state.at_ms, now_ms
    at_min = now_ms / MINUTE_MS
    rows = _rows(state, observations, at_min)
    observed, rows = _known(observations, rows)
    if before_ms is None or now_ms <= before_ms:
        return state, []
    step = _step(state, observed, rows, before_ms, now_ms)
    verdicts = of_lateness(state.lateness, state.late, state.late_since_ms, observed, now_ms)
    for (metric, _), rates in state.rates.items():
        rates.advance(observed, rows, step)
        verdicts += of_rates(metric, rates, state.table.scopes, step, now_ms)
    for metric, volumes in state.volumes.items():
        volumes.advance(observed, rows, step)
        verdicts += of_volumes(metric, volumes, state.table.scopes, now_ms)
    if step.new_hour:
        _forget(state, at_min)
    return state, [verdict for verdict in verdicts if not rules.maintenance or not _excused(state, verdict, now_ms)]


def _excused(state: State, verdict: Verdict, now_ms: int) -> bool:
    """Whether somebody works there just now."""
    row = state.table.row.get(verdict.scope)
    larger = () if row is None else state.table.within[row]
    return maintained(state.rules.maintenance, (verdict.scope, *larger), now_ms) is not None


def _rows(state: State, observations: Observations, at_min: float) -> Places:
    before = len(state.table.scopes)
    rows = state.table.rows_of(observations.scopes, observations.within, at_min)
    if len(state.table.scopes) > before:
        state.resize(np.arange(before), at_min)
    return rows


def _known(observations: Observations, rows: Places) -> tuple[Observations, Places]:
    """Without the scopes that are too many."""
    if rows.size == 0 or rows.min() >= 0:
        return observations, rows
    some = np.flatnonzero(rows >= 0).tolist()
    kept = observations._replace(
        scopes=[observations.scopes[place] for place in some],
        within=[observations.within[place] for place in some],
        counts={name: counts[some] for name, counts in observations.counts.items()},
        late_ms=observations.late_ms[some],
    )
    return kept, rows[some]


def _step(state: State, observations: Observations, rows: Places, before_ms: int, now_ms: int) -> Step:
    middle_ms, last_middle_ms = (before_ms + now_ms) // 2, before_ms - 1
    at_min, minutes = now_ms / MINUTE_MS, (now_ms - before_ms) / MINUTE_MS
    hour = hour_of_week(middle_ms)
    if state.judging_from_ms is None:
        state.judging_from_ms = before_ms + milliseconds(state.rules.learn)
    on = promotion_at(state.rules.calendar, now_ms)
    began_ms = None if on is None else on[1]
    if began_ms != state.promotion_ms:
        state.promotion_ms, state.settled_min = began_ms, at_min + UNSETTLED_MIN
    disturbed = _disturbed(state, observations, at_min, minutes)
    return Step(
        at_min=at_min,
        minutes=minutes,
        hour=hour,
        hours=hour + (middle_ms % HOUR_MS) / HOUR_MS,
        new_hour=hour != hour_of_week(last_middle_ms),
        held=_held(state, observations, rows, at_min) | disturbed,
        disturbed=disturbed,
        learning=now_ms < state.judging_from_ms,
        promotion_min=None if began_ms is None else began_ms / MINUTE_MS,
        unsettled=at_min < state.settled_min,
    )


def _held(state: State, observations: Observations, rows: Places, at_min: float) -> Mask:
    """The scopes whose facts are late, or whose counters go backwards."""
    clicks = observations.counts.get("clicks", np.zeros(len(rows)))
    late = (observations.late_ms > LATE_MS) | (clicks < _FEWER)
    state.held_until_min[rows[late]] = at_min + SETTLE_MIN
    return state.held_until_min > at_min


def _disturbed(state: State, observations: Observations, at_min: float, minutes: float) -> bool:
    """Whether all is late, counters are being rebuilt, or nobody looked for long."""
    fewer = np.minimum(observations.counts.get("clicks", np.zeros(1)), 0.0).sum() < _MANY_FEWER
    if fewer or observations.behind_ms > LATE_MS or minutes > LONGEST_STEP_MIN:
        state.disturbed_until_min = at_min + SETTLE_MIN
    return state.disturbed_until_min > at_min


def _forget(state: State, at_min: float) -> None:
    heard = state.table.seen_min > at_min - FORGET_MIN
    if not heard.all():
        kept = np.flatnonzero(heard)
        state.table.keep(kept)
        state.resize(kept, at_min)
