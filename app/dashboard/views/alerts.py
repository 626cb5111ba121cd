"""What is firing and what fired lately."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from app.dashboard.address import scope_address
from app.dashboard.numbers import Numbers
from app.dashboard.parts import Row, Table, element, empty
from app.dashboard.texts import Texts

TONES: Final = {"firing": "bad", "pending": "warn", "resolved": ""}
LINKED: Final = {"note": "note", "campaign": "campaign", "merchant": "merchant", "platform": "platform"}


class Alert(NamedTuple):
    """An alert as it stands."""

    alert_id: str
    rule: str
    scope: str
    id: str
    state: str
    since_ms: int
    severity: str
    summary: str


class AlertsView:
    """Built once; `show` puts in what is so at this moment."""

    def __init__(self, texts: Texts, numbers: Numbers, none: tuple[str, str, str]) -> None:
        self._texts, self._numbers = texts, numbers
        with element("div") as self._none:
            empty(*none)
        with element("div") as self._some:
            self._table = Table(tuple(texts.alert_columns.values()), texts.alerts)

    def show(self, alerts: Sequence[Alert]) -> None:
        """Firing ones first, then by when they began."""
        ordered = sorted(alerts, key=lambda one: (one.state != "firing", one.state != "pending", -one.since_ms))
        self._none.set_visibility(not ordered)
        self._some.set_visibility(bool(ordered))
        self._table.show([self._row(one) for one in ordered])

    def _row(self, one: Alert) -> Row:
        href = scope_address(LINKED[one.scope], one.id) if one.scope in LINKED else ""
        state = self._texts.alert_states.get(one.state, one.state)
        since = self._numbers.moment(one.since_ms)
        return Row(
            (one.id or one.rule, state, one.rule, since, one.severity, one.summary), href, TONES.get(one.state, "")
        )
