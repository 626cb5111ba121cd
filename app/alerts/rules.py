"""Alert rules as types: what is looked at, how sure one must be, and who is told how loudly."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from app.alerts.model import Direction, Metric, Scope, ScopeKind
from streams.core.policy import duration_ms

DURATION: Final = "^[0-9]{1,5}[smhd]$"
Duration = Annotated[str, Meta(pattern=DURATION)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Times = Annotated[float, Meta(gt=0, le=1_000)]
Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
Severity = Literal["info", "warning", "critical"]
Moment = Annotated[str, Meta(pattern=r"^(\d{4}-)?\d{2}-\d{2} \d{2}:\d{2}$")]
"""A moment in Asia/Shanghai; without a year it comes every year."""

TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
ScopePattern = Annotated[str, Meta(pattern=r"^(all|topic|platform|category|link|campaign|merchant|note):[^\s]{1,129}$")]
"""`KIND:ID`, or `KIND:PREFIX*`."""

Count = Annotated[float, Meta(ge=0, le=1e12)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a rules file."""


class AtLeast(Section, frozen=True, kw_only=True):
    """How big a change must be: all of these must hold."""

    relative: Times = 0.3  # of what was to be expected
    absolute: Count = 0.0  # in units of the metric: 0.05 are five points of a rate
    sample: Count = 20.0  # clicks, orders or facts


class Override(Section, frozen=True, kw_only=True):
    """What else holds for some scopes; the last one that fits decides."""

    scopes: list[ScopePattern]
    at_least: AtLeast | None = None
    severity: Severity | None = None
    mute: bool = False


class Rule(Section, frozen=True, kw_only=True):
    """One thing to be alerted about."""

    name: Name
    metric: Metric
    scopes: Annotated[list[ScopeKind], Meta(min_length=1)]
    direction: Direction = "drop"
    changes: Annotated[list[Times], Meta(min_length=1, max_length=4)] = msgspec.field(
        default_factory=lambda: [0.9, 0.4]
    )
    """Relative changes that it is tuned to; smaller ones need more data."""

    reason: str | None = None  # of refused facts; None: all
    at_least: AtLeast = AtLeast()
    limit: Count = 0.0  # of lateness_s: seconds
    false_alarms_per_week: Annotated[float, Meta(gt=0, le=1_000)] = 0.05  # in all scopes together
    severity: Severity = "warning"
    pending: Duration = "0s"  # how long it must hold before it fires
    resolved_after: Duration = "10m"  # how long it must be over before it is resolved
    repeat: Duration = "4h"  # how often it is told again while it lasts
    overrides: list[Override] = msgspec.field(default_factory=list)

    def at_least_of(self, scope: Scope) -> AtLeast:
        """How big a change must be in a scope."""
        fitting = [one.at_least for one in self._fitting(scope) if one.at_least is not None]
        return fitting[-1] if fitting else self.at_least

    def severity_of(self, scope: Scope) -> Severity:
        """How loud an alert about a scope is."""
        fitting = [one.severity for one in self._fitting(scope) if one.severity is not None]
        return fitting[-1] if fitting else self.severity

    def muted(self, scope: Scope) -> bool:
        """Whether nobody wants to hear about a scope."""
        fitting = self._fitting(scope)
        return bool(fitting) and fitting[-1].mute

    def _fitting(self, scope: Scope) -> list[Override]:
        return [one for one in self.overrides if any(fits(pattern, scope) for pattern in one.scopes)]


class Promotion(Section, frozen=True, kw_only=True):
    """A time in which people buy otherwise than usual: `sale`, or `presale`, when they pay deposits."""

    name: str
    kind: Literal["sale", "presale"] = "sale"
    start: Moment
    end: Moment


class QuietHours(Section, frozen=True, kw_only=True):
    """Hours of every day, in Asia/Shanghai, in which alerts of some severities are not sent."""

    start: TimeOfDay
    end: TimeOfDay
    severities: list[Severity] = msgspec.field(default_factory=lambda: ["info", "warning"])


class Maintenance(Section, frozen=True, kw_only=True):
    """A time in which alerts about some scopes are not raised, and nothing is learnt from them."""

    start: Moment
    end: Moment
    scopes: list[ScopePattern]
    why: str = ""


class Rules(Section, frozen=True, kw_only=True):
    """A rules file."""

    version: Literal[1] = 1
    learn: Duration = "1d"  # how long to look on before anything is judged
    rules: Annotated[list[Rule], Meta(min_length=1, max_length=200)]
    calendar: list[Promotion] = msgspec.field(default_factory=list)
    quiet_hours: list[QuietHours] = msgspec.field(default_factory=list)
    maintenance: list[Maintenance] = msgspec.field(default_factory=list)


def fits(pattern: str, scope: Scope) -> bool:
    """Whether a scope is the one that `KIND:ID` names, or one of those of `KIND:PREFIX*`."""
    kind, _, wanted = pattern.partition(":")
    if kind != scope.kind:
        return False
    return scope.id.startswith(wanted[:-1]) if wanted.endswith("*") else scope.id == wanted


def milliseconds(duration: str) -> int:
    """Milliseconds of a duration of a rule."""
    if not re.search(DURATION, duration):
        raise ValueError(f"no duration: {duration!r}")
    return duration_ms(duration)
