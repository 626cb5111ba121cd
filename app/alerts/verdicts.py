"""What rules say: the verdicts about the scopes that are not ok, or were not the time before."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from app.alerts.detectors.guard import judged_rate
from app.alerts.model import Answer, Mask, Metric, Observations, Places, Scope, Verdict
from app.alerts.moment import Step
from app.alerts.rates import Rates
from app.alerts.rules import Rule
from app.alerts.volumes import Volumes
from app.alerts.watch import MINUTE_MS, Watch

_CHANCE: Final = 1e-4  # of so few conversions, given how little is known of what is normal
_MOST_COUNTED: Final = 2_000  # conversions that the guard counts one by one; more are put in proportion
_Z_95: Final = 1.96


def of_rates(metric: Metric, rates: Rates, scopes: Sequence[Scope], step: Step, now_ms: int) -> Iterator[Verdict]:
    """The verdicts of all rules about a rate."""
    for watch in rates.watches:
        rows = watch.rows
        blind = step.held[rows] | watch.blind(rates.known.near[rows])
        firing = watch.firing() & ~step.held[rows, None]
        if not firing.any() and not watch.answered.any():
            continue
        for place in np.flatnonzero(firing.any(axis=1) & ~watch.answered):
            if watch.rule.direction == "drop" and not _unlikely(watch, rates, int(place)):
                firing[place] = False
        yield from _told(metric, watch, [scopes[row] for row in _worth(watch, firing, rows)], firing, blind, now_ms)


def of_volumes(metric: Metric, volumes: Volumes, scopes: Sequence[Scope], now_ms: int) -> Iterator[Verdict]:
    """The verdicts of all rules about a volume."""
    for watch in volumes.watches:
        rows = volumes.rows[watch.rows]
        blind = watch.blind(volumes.now.recent[watch.rows])
        firing = watch.firing()
        if not firing.any() and not watch.answered.any():
            continue
        yield from _told(metric, watch, [scopes[row] for row in _worth(watch, firing, rows)], firing, blind, now_ms)


def of_lateness(
    rules: Sequence[Rule], known: set[tuple[str, Scope]], since_ms: dict[Scope, int], observations: Observations,
    now_ms: int,
) -> list[Verdict]:  # fmt: skip
    """The verdicts of rules about lateness; `known` are those that were not ok, changed in place as `since_ms`."""
    verdicts = []
    for rule in rules:
        was_late = {scope for name, scope in known if name == rule.name}
        for place, scope in enumerate(observations.scopes if was_late or observations.late_ms.any() else ()):
            late_ms = float(observations.late_ms[place])
            late = late_ms >= rule.limit * 1_000
            if not (late or scope in was_late) or scope.kind not in rule.scopes or rule.muted(scope):
                continue
            verdicts.append(_lateness(rule, scope, late_ms / 1_000, since_ms.setdefault(scope, now_ms), now_ms))
            if late:
                known.add((rule.name, scope))
            else:
                known.discard((rule.name, scope))
                since_ms.pop(scope, None)
    return verdicts


def _lateness(rule: Rule, scope: Scope, late_s: float, since_ms: int, now_ms: int) -> Verdict:
    over = late_s - rule.limit
    return Verdict(
        rule=rule.name, scope=scope, metric=rule.metric, answer="surge" if over >= 0 else "ok", observed=late_s,
        expected=rule.limit, sample=1.0, relative=over / rule.limit, absolute=over, evidence=late_s / rule.limit,
        needed=1.0, since_ms=since_ms, at_ms=now_ms, missing_per_hour=0.0, missing_low=0.0, missing_high=0.0,
    )  # fmt: skip


def _worth(watch: Watch, firing: Mask, rows: Places) -> Places:
    """The rows of the signal that there is something to say of."""
    return rows[firing.any(axis=1) | watch.answered]


def _told(
    metric: Metric, watch: Watch, scopes: Sequence[Scope], firing: Mask, blind: Mask, now_ms: int
) -> Iterator[Verdict]:
    fires = np.asarray(firing.any(axis=1))
    places = np.flatnonzero(fires | watch.answered)
    relative = watch.relative()
    for place, scope in zip(places, scopes, strict=True):
        answer: Answer = watch.rule.direction if fires[place] else "insufficient" if blind[place] else "ok"
        if fires[place] and blind[place]:
            answer = "insufficient"
        evidence = np.where(firing[place] | ~fires[place], watch.runs.evidence[place] / watch.needed, -np.inf)
        at = int(place), int(np.argmax(evidence))
        yield _verdict((metric, scope, answer), watch, at, float(relative[at]), now_ms)
        watch.answered[place] = answer != "ok"


def _verdict(
    about: tuple[Metric, Scope, Answer], watch: Watch, at: tuple[int, int], relative: float, now_ms: int
) -> Verdict:
    metric, scope, answer = about
    runs = watch.runs
    fresh, sample, missing = runs.fresh[at], runs.sample[at], runs.expected[at] - runs.observed[at]
    volume = metric in ("clicks", "entries", "orders", "consumed")
    expected = float(fresh if volume else fresh / sample if sample > 0 else 0.0)
    hours = max(now_ms / MINUTE_MS - runs.since_min[at], 1.0) / 60
    doubt = _Z_95 * math.sqrt(max(float(runs.expected[at]), 1.0))
    return Verdict(
        rule=watch.rule.name,
        scope=scope,
        metric=metric,
        answer=answer,
        observed=expected * (1 + relative),
        expected=expected,
        sample=float(sample),
        relative=relative,
        absolute=expected * relative,
        evidence=float(runs.evidence[at]),
        needed=float(watch.needed[at[1]]),
        since_ms=int(runs.since_min[at] * MINUTE_MS),
        at_ms=now_ms,
        missing_per_hour=float(missing) / hours,
        missing_low=(float(missing) - doubt) / hours,
        missing_high=(float(missing) + doubt) / hours,
    )


def _unlikely(watch: Watch, rates: Rates, place: int) -> bool:
    """Whether so few conversions are no chance result, given how uncertain the baseline is."""
    runs, row = watch.runs, watch.rows[place]
    change = int(np.argmax(runs.evidence[place] / watch.needed))
    sample = float(runs.sample[place, change])
    fresh = float(runs.fresh[place, change])
    if rates.signal.counts or rates.is_larger(int(row)) or fresh <= 0:
        return True
    few = max(fresh * (1 + float(watch.relative()[place, change])), 0.0)
    alpha, beta = rates.belief(int(row), fresh / sample)
    scale = min(1.0, _MOST_COUNTED / sample)
    return judged_rate(few * scale, sample * scale, alpha, beta, least_sample=1.0, chance=_CHANCE) == "drop"
