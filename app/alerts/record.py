"""The record of topic `alert`: one transition in the life of an alert."""

from typing import Literal, TypeAlias

import msgspec

from app.alerts.model import ScopeKind
from app.alerts.rules import Severity

State: TypeAlias = Literal["pending", "firing", "resolved"]


class AlertRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What readers of the topic and of `GET /v1/alerts` see; the key is `alert_id`.

    `observed`, `expected` and `sample` are as in the verdict that led to the transition.  `reason` says why it came to
    it: `drop` or `surge`, or for the end `recovered`, `cancelled` (it never fired), `part_of ALERT_ID` (a larger alert
    covers it) or `no_data`.  `missing_per_hour` and money are estimates with an interval that holds with 95 %.
    """

    alert_id: str
    rule: str
    scope: ScopeKind
    id: str
    state: State
    since_ms: int
    at_ms: int
    severity: Severity
    metric: str
    observed: float
    expected: float
    sample: float
    reason: str
    summary: str
    affected: list[str] = []  # scopes within it that are in the same trouble, the worst first
    missing_per_hour: tuple[float, float, float] | None = None  # estimate, low, high
    lost_minor_per_hour: tuple[int, int, int] | None = None  # the same in money
    currency: str | None = None
