"""The life of alerts: pending, firing, resolved.  Pure: a moment goes in, the next state and the transitions come out.

An alert stands for one cause.  It is pending from the first verdict against its scope, fires when a rule that says so
has said it for its `pending` time, and is resolved when all rules have been calm for their `resolved_after` time; what
is only just as usual must last twice as long.  An alert whose trouble turns out to be part of a larger one is resolved
into that one as soon as it fires.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from app.alerts.cause_words import affected_of, alert_id_of, first_of, own_of
from app.alerts.causes import Cause, Live, Place, causes, inhibited, of_feeds
from app.alerts.conditions import Condition, Conditions, Family, established, heard, over, resumed
from app.alerts.model import Scope, Verdict
from app.alerts.record import AlertRecord, State
from app.alerts.rules import Rule, Rules, Severity
from app.alerts.triage import Worth, lost_per_hour, summary_of

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
MOST_ALERTS: Final = 2_000  # at a time; further causes wait
RECENT: Final = 200  # resolved alerts that are remembered


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A pending or firing alert, as its last record says, and since when its state holds."""

    record: AlertRecord
    family: Family
    changed_ms: int  # when it came to its state
    grouped: bool  # it stands for notes only: nothing is said of its own scope
    inhibited: bool = False


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """All that is remembered from one moment to the next."""

    at_ms: int = 0
    conditions: Conditions = {}
    alerts: dict[str, Alert] = {}
    recent: list[AlertRecord] = []  # the last records of resolved alerts, the newest last


class Moment(NamedTuple):
    """What was judged at one time, and what is known of the scopes then."""

    at_ms: int
    verdicts: Sequence[Verdict]
    places: Mapping[Scope, Place] = {}
    worths: Mapping[Scope, Worth] = {}


class Step(NamedTuple):
    """A step in the life of all alerts; `records` are its transitions, for topic `alert`."""

    life: Life
    records: list[AlertRecord]


Key: TypeAlias = tuple[Family, Scope]


def step(life: Life, moment: Moment, rules: Rules) -> Step:
    """Live on to a moment later than that of `life`; an earlier one changes nothing."""
    if moment.at_ms <= life.at_ms:
        return Step(life, [])
    by_name = {rule.name: rule for rule in rules.rules}
    conditions = heard(life.conditions, moment.verdicts, by_name, moment.at_ms)
    turn = _Turn(life, moment, by_name, conditions)
    turn.raise_alerts()
    turn.end_alerts()
    kept = {key: one for key, one in conditions.items() if one.bad or not over(one, by_name[one.rule], moment.at_ms)}
    recent = [*life.recent, *(record for record in turn.records if record.state == "resolved")][-RECENT:]
    return Step(Life(at_ms=moment.at_ms, conditions=kept, alerts=turn.alerts, recent=recent), turn.records)


def after_pause(life: Life, at_ms: int) -> Life:
    """The life of alerts when evaluation goes on after a pause: nothing is held against scopes not heard of in it."""
    return msgspec.structs.replace(life, conditions=resumed(life.conditions, at_ms))


def moments(verdicts: Iterable[Verdict]) -> Iterator[tuple[int, list[Verdict]]]:
    """Verdicts, however they were batched, by their time; those of one time in an order of their own."""
    at_ms, together = 0, list[Verdict]()
    for verdict in verdicts:
        if together and verdict.at_ms != at_ms:
            yield at_ms, sorted(together)
            together = []
        at_ms = verdict.at_ms
        together.append(verdict)
    if together:
        yield at_ms, sorted(together)


class _Turn:
    """One step in the making."""

    def __init__(self, life: Life, moment: Moment, rules: Mapping[str, Rule], conditions: Conditions) -> None:
        self.records: list[AlertRecord] = []
        self.alerts = dict(life.alerts)
        self._moment = moment
        self._rules = rules
        self._conditions = conditions
        bad = [one for _, one in sorted(conditions.items()) if one.bad]
        live = {
            (alert.family, _scope(alert)): alert.grouped
            for alert in self.alerts.values()
            if alert.record.state == "firing"
        }
        # Until an alert is resolved, what is left of its trouble is still its own, in other scopes as well.
        lingering = [
            one
            for _, one in sorted(conditions.items())
            if not one.bad and (one.family, one.scope) in live and not self._over(one)
        ]
        feeds = of_feeds([*bad, *lingering])
        self._inhibited = [one for one in bad if inhibited(one, feeds, moment.places) is not None]
        held_back = {id(one) for one in self._inhibited}
        judged = [*(one for one in bad if id(one) not in held_back), *lingering]
        self._causes = {(cause.family, cause.scope): cause for cause in causes(judged, moment.places, Live(live))}

    def raise_alerts(self) -> None:
        """New alerts for new causes; those there are go on."""
        known = {(alert.family, _scope(alert)): key for key, alert in self.alerts.items()}
        for key, cause in self._causes.items():
            if not any(one.bad for one in cause.conditions):
                continue
            alert_id = known.get(key)
            if alert_id is not None:
                self._go_on(alert_id, cause)
            elif len(self.alerts) < MOST_ALERTS:
                self._open(cause)

    def end_alerts(self) -> None:
        """Alerts whose cause is gone, or has become part of another one."""
        for alert_id, alert in sorted(self.alerts.items()):
            key = (alert.family, _scope(alert))
            if key in self._causes:
                continue
            larger = self._larger(key)
            if larger is not None:
                if self.alerts[larger].record.state == "firing":
                    self._resolve(alert_id, f"part_of {larger}")
                continue
            self._end(alert_id, alert, key)

    def _end(self, alert_id: str, alert: Alert, key: Key) -> None:
        own = [one for one in self._conditions.values() if (one.family, one.scope) == key]
        held_back = any(one in self._inhibited for one in own)
        if held_back != alert.inhibited:
            self.alerts[alert_id] = alert = msgspec.structs.replace(alert, inhibited=held_back)
        if held_back or any(one.bad for one in own):
            return
        affected = own or [one for one in self._conditions.values() if str(one.scope) in alert.record.affected]
        if alert.record.state == "pending":
            self._resolve(alert_id, "cancelled")
        elif all(map(self._over, affected)):
            self._resolve(alert_id, "recovered" if affected else "no_data")

    def _over(self, condition: Condition) -> bool:
        return over(condition, self._rules[condition.rule], self._moment.at_ms)

    def _larger(self, key: Key) -> str | None:
        """The alert whose cause explains a scope now."""
        for cause in self._causes.values():
            if cause.family == key[0] and any(one.scope == key[1] for one in cause.conditions):
                return self._alert_of(cause)
        return None

    def _alert_of(self, cause: Cause) -> str | None:
        wanted = (cause.family, cause.scope)
        return next((key for key, one in self.alerts.items() if (one.family, _scope(one)) == wanted), None)

    def _open(self, cause: Cause) -> None:
        at_ms = self._moment.at_ms
        fires = self._established(cause)
        since_ms = min(one.since_ms for one in cause.conditions)
        alert_id = alert_id_of(cause, at_ms)
        record = self._record(cause, alert_id, "firing" if fires else "pending", since_ms)
        grouped = all(one.scope != cause.scope for one in cause.conditions)
        self._tell(Alert(record=record, family=cause.family, changed_ms=at_ms, grouped=grouped))

    def _go_on(self, alert_id: str, cause: Cause) -> None:
        alert = self.alerts[alert_id]
        fires = alert.record.state == "pending" and self._established(cause)
        louder = _louder(self._severity(cause), alert.record.severity)
        state: State = "firing" if fires else alert.record.state
        record = self._record(cause, alert_id, state, alert.record.since_ms)
        record = msgspec.structs.replace(record, severity=louder)
        changed = msgspec.structs.replace(alert, record=record, inhibited=False)
        if fires or (louder != alert.record.severity and state == "firing"):
            self._tell(msgspec.structs.replace(changed, changed_ms=self._moment.at_ms))
        else:
            # What is told is what was told at the transition; what is seen meanwhile is kept beside the id.
            self.alerts[alert_id] = changed

    def _established(self, cause: Cause) -> bool:
        return any(established(one, self._rules[one.rule], self._moment.at_ms) for one in own_of(cause))

    def _severity(self, cause: Cause) -> Severity:
        told = [self._rules[one.rule].severity_of(one.scope) for one in cause.conditions]
        return max(told, key=SEVERITIES.index)

    def _record(self, cause: Cause, alert_id: str, state: State, since_ms: int) -> AlertRecord:
        first = first_of(cause)
        lost = lost_per_hour(first.metric, first.missing, self._moment.worths.get(cause.scope))
        record = AlertRecord(
            alert_id=alert_id, rule=first.rule, scope=cause.scope.kind, id=cause.scope.id, state=state,
            since_ms=since_ms, at_ms=self._moment.at_ms, severity=self._severity(cause), metric=first.metric,
            observed=first.observed, expected=first.expected, sample=first.sample, reason=first.direction, summary="",
            affected=affected_of(cause),
            missing_per_hour=first.missing,
            lost_minor_per_hour=None if lost is None else lost.minor,
            currency=None if lost is None else lost.currency,
        )  # fmt: skip
        return msgspec.structs.replace(record, summary=summary_of(record))

    def _resolve(self, alert_id: str, reason: str) -> None:
        alert = self.alerts[alert_id]
        own = [one for one in self._conditions.values() if one.scope == _scope(alert) and one.rule == alert.record.rule]
        seen = {"observed": own[0].observed, "expected": own[0].expected, "sample": own[0].sample} if own else {}
        record = msgspec.structs.replace(
            alert.record, state="resolved", at_ms=self._moment.at_ms, reason=reason,
            missing_per_hour=None, lost_minor_per_hour=None, currency=None, **seen,
        )  # fmt: skip
        record = msgspec.structs.replace(record, summary=summary_of(record))
        self.records.append(record)
        del self.alerts[alert_id]

    def _tell(self, alert: Alert) -> None:
        self.alerts[alert.record.alert_id] = alert
        self.records.append(alert.record)


def _louder(one: Severity, other: Severity) -> Severity:
    return max(one, other, key=SEVERITIES.index)


def _scope(alert: Alert) -> Scope:
    return Scope(alert.record.scope, alert.record.id)
