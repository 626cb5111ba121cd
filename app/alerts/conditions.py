"""What rules say about scopes, kept from one moment to the next: a condition holds until a verdict says otherwise."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from app.alerts.model import Answer, Metric, Scope, ScopeKind, Verdict
from app.alerts.rules import Rule, milliseconds

CALM: Final = 0.5  # of what a rule asks for: only below it a scope is as usual again without doubt
FUNNEL: Final[tuple[Metric, ...]] = ("clicks", "entry_rate", "entries", "cart_rate", "order_rate", "orders")
"""Steps in the order in which readers take them: the first one that is broken is the cause."""

SILENT_MS: Final = 30 * 60_000  # what is bad is told at every evaluation: nothing told for so long means nothing known

Family: TypeAlias = str
"""What can have one cause: everything readers do, or one metric; with its direction."""

Answered: TypeAlias = Literal["bad", "calm", "doubtful"]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule said of a scope last, and since when it says so."""

    rule: str
    kind: ScopeKind
    id: str
    metric: Metric
    answered: Answered
    bad_since_ms: int | None  # when it was first said; None while it is not bad
    since_ms: int  # when it began, as well as can be told
    calm_since_ms: int | None
    heard_ms: int
    direction: str
    observed: float
    expected: float
    sample: float
    relative: float  # when it was last bad
    missing: tuple[float, float, float]  # an hour: estimate, low, high

    @property
    def scope(self) -> Scope:
        return Scope(self.kind, self.id)

    @property
    def family(self) -> Family:
        return family_of(self.metric, self.direction)

    @property
    def bad(self) -> bool:
        return self.answered == "bad"


Conditions: TypeAlias = dict[str, Condition]
"""By rule and scope."""


def family_of(metric: Metric, direction: str) -> Family:
    """The family of what is wrong."""
    return "funnel" if metric in FUNNEL and direction == "drop" else f"{metric} {direction}"


def key_of(rule: str, scope: Scope) -> str:
    """What a condition is kept under."""
    return f"{rule} {scope}"


def heard(known: Conditions, verdicts: Iterable[Verdict], rules: Mapping[str, Rule], at_ms: int) -> Conditions:
    """The conditions after one moment: only what is or was bad is kept."""
    conditions = dict(known)
    for verdict in verdicts:
        rule = rules.get(verdict.rule)
        key = key_of(verdict.rule, verdict.scope)
        before = conditions.get(key)
        if rule is None or verdict.answer == "insufficient":
            if before is not None:
                conditions[key] = msgspec.structs.replace(before, heard_ms=verdict.at_ms)
            continue
        answered = _answered(verdict, rule)
        if answered == "bad" or before is not None:
            conditions[key] = _condition(verdict, answered, before)
    return {
        key: one
        for key, one in conditions.items()
        if one.rule in rules and (not one.bad or at_ms - one.heard_ms < SILENT_MS)
    }


def resumed(known: Conditions, at_ms: int) -> Conditions:
    """Conditions after a pause of the evaluation, in which nothing could be heard."""
    return {key: msgspec.structs.replace(one, heard_ms=max(one.heard_ms, at_ms)) for key, one in known.items()}


def _answered(verdict: Verdict, rule: Rule) -> Answered:
    if verdict.answer in ("drop", "surge"):
        return "bad"
    return "calm" if abs(verdict.relative) <= CALM * rule.at_least_of(verdict.scope).relative else "doubtful"


def _condition(verdict: Verdict, answered: Answered, before: Condition | None) -> Condition:
    bad = answered == "bad"
    bad_since_ms = before.bad_since_ms if before is not None and before.bad else verdict.at_ms
    since_ms = min(verdict.since_ms, before.since_ms) if before is not None and before.bad else verdict.since_ms
    calm_since_ms = before.calm_since_ms if before is not None and not before.bad else verdict.at_ms
    answer: Answer | str = verdict.answer if bad or before is None else before.direction
    return Condition(
        rule=verdict.rule, kind=verdict.scope.kind, id=verdict.scope.id, metric=verdict.metric, answered=answered,
        bad_since_ms=bad_since_ms if bad else None,
        since_ms=since_ms if bad or before is None else before.since_ms,
        calm_since_ms=None if bad else calm_since_ms,
        heard_ms=verdict.at_ms, direction=answer,
        # Numpy's numbers are floats too, but no JSON.
        observed=float(verdict.observed), expected=float(verdict.expected), sample=float(verdict.sample),
        relative=float(verdict.relative) if bad or before is None else before.relative,
        missing=(float(verdict.missing_per_hour), float(verdict.missing_low), float(verdict.missing_high)),
    )  # fmt: skip


def over(condition: Condition, rule: Rule, at_ms: int) -> bool:
    """Whether it has been as usual for long enough; for twice as long where it is only just as usual."""
    if condition.calm_since_ms is None:
        return False
    times = 1 if condition.answered == "calm" else 2
    return at_ms - condition.calm_since_ms >= times * milliseconds(rule.resolved_after)


def established(condition: Condition, rule: Rule, at_ms: int) -> bool:
    """Whether it has been bad for as long as the rule asks for."""
    return condition.bad_since_ms is not None and at_ms - condition.bad_since_ms >= milliseconds(rule.pending)
