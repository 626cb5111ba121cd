"""Which alerts people are to be told about now.  Pure.

A notice waits until every channel has taken it; a crash may tell the same notice again, under the same id, but loses
none.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from app.alerts.calendar import quiet
from app.alerts.causes import Place
from app.alerts.life import SEVERITIES, Life
from app.alerts.model import Scope
from app.alerts.record import AlertRecord
from app.alerts.requests import Requests
from app.alerts.rules import Rules, Severity, milliseconds

MOST_WAITING: Final = 500


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be told."""

    message_id: str
    event: Literal["firing", "repeated", "resolved"]
    record: AlertRecord


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was told about an alert last."""

    at_ms: int
    severity: Severity


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """What was told, and what waits."""

    told: dict[str, Told] = {}  # by alert
    owed: dict[str, AlertRecord] = {}  # ends of alerts that are told when the quiet hours are over
    waiting: dict[str, Notice] = {}  # by message


def due(notices: Notices, life: Life, ended: Sequence[AlertRecord], asked: Requests, about: "About") -> Notices:
    """The notices after a moment; `ended` are alerts that were resolved in it."""
    told, owed, waiting = dict(notices.told), dict(notices.owed), dict(notices.waiting)

    def tell(event: Literal["firing", "repeated", "resolved"], record: AlertRecord) -> None:
        message_id = f"{record.alert_id}-{event}-{life.at_ms}"
        waiting[message_id] = Notice(message_id=message_id, event=event, record=record)

    for alert_id, alert in life.alerts.items():
        record, before = alert.record, told.get(alert_id)
        if record.state != "firing" or alert.inhibited or about.silent(record, asked, life.at_ms):
            continue
        if before is None or SEVERITIES.index(record.severity) > SEVERITIES.index(before.severity):
            if before is None and alert_id in asked.acknowledged:
                continue
            tell("firing", record)
        elif alert_id in asked.acknowledged or life.at_ms - before.at_ms < about.repeat_ms(record):
            continue
        else:
            tell("repeated", record)
        told[alert_id] = Told(at_ms=life.at_ms, severity=record.severity)
    for record in ended:
        if told.pop(record.alert_id, None) is not None and not record.reason.startswith("part_of"):
            owed[record.alert_id] = record
    for alert_id, record in list(owed.items()):
        if not about.silent(record, asked, life.at_ms):
            del owed[alert_id]
            tell("resolved", record)
    kept = dict(list(waiting.items())[-MOST_WAITING:])
    return Notices(told={key: one for key, one in told.items() if key in life.alerts}, owed=owed, waiting=kept)


def delivered(notices: Notices, message_ids: set[str]) -> Notices:
    """Without the notices that every channel has taken."""
    left = {key: one for key, one in notices.waiting.items() if key not in message_ids}
    return msgspec.structs.replace(notices, waiting=left)


class About:
    """What the rules say about telling."""

    def __init__(self, rules: Rules, places: Mapping[Scope, Place]) -> None:
        self._rules = rules
        self._places = places
        self._repeat_ms = {rule.name: milliseconds(rule.repeat) for rule in rules.rules}

    def repeat_ms(self, record: AlertRecord) -> int:
        """How often an alert is told again."""
        return self._repeat_ms.get(record.rule, max(self._repeat_ms.values()))

    def silent(self, record: AlertRecord, asked: Requests, at_ms: int) -> bool:
        """Whether nobody is to be told now: the hours are quiet, or somebody silenced it."""
        if quiet(self._rules.quiet_hours, record.severity, at_ms):
            return True
        place = self._places.get(Scope(record.scope, record.id))
        larger = () if place is None else place.within
        return any(silence.covers(record, larger, at_ms) for silence in asked.silences.values())
