"""What is firing and what fired lately."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from nicegui import ui

from app.alerts.record import AlertRecord
from app.alerts.triage import summary_of
from app.dashboard.address import SCOPES, scope_address
from app.dashboard.numbers import Numbers
from app.dashboard.parts import element, link, text
from app.dashboard.texts import Texts

TONES: Final = {"firing": "bad", "pending": "warn", "resolved": ""}

Do = Callable[[AlertRecord], Awaitable[None]]


class Actions(NamedTuple):
    """What the buttons of an alert do."""

    acknowledge: Do
    silence: Do


class AlertsView:
    """A list of alerts; `show` puts in what is so at this moment."""

    def __init__(self, texts: Texts, numbers: Numbers, actions: Actions | None = None) -> None:
        self._texts, self._numbers, self._actions = texts, numbers, actions
        self._shown: tuple[Sequence[AlertRecord], frozenset[str]] | None = None
        with element("ul", "alerts") as self._place:
            pass

    def show(self, alerts: Sequence[AlertRecord], acknowledged: frozenset[str] = frozenset()) -> None:
        """Firing ones first, then by when they began; drawn anew only if anything differs."""
        if (alerts, acknowledged) == self._shown:
            return
        self._shown = alerts, acknowledged
        self._place.clear()
        with self._place:
            for one in sorted(alerts, key=lambda one: (one.state != "firing", one.state != "pending", -one.since_ms)):
                self._card(one, acknowledged=one.alert_id in acknowledged)

    def _card(self, one: AlertRecord, *, acknowledged: bool) -> None:
        texts = self._texts
        with element("li", f"alert {one.state}"):
            with element("div", "bar"):
                text(texts.alert_states[one.state], f"chip {TONES[one.state]}")
                if acknowledged:
                    text(texts.acknowledged, "chip")
                text(f"{one.rule} · {self._numbers.moment(one.since_ms)}", "quiet small")
            text(summary_of(one, texts.language), tag="p")
            with element("div", "bar small"):
                if one.scope in SCOPES:
                    link(f"{texts.scopes[one.scope]} {one.id}", scope_address(one.scope, one.id))
                if self._actions is not None and one.state != "resolved":
                    self._buttons(one, self._actions, acknowledged=acknowledged)

    def _buttons(self, one: AlertRecord, actions: Actions, *, acknowledged: bool) -> None:
        if not acknowledged:
            _button(self._texts.acknowledge).on("click", lambda: actions.acknowledge(one))
        _button(self._texts.silence).on("click", lambda: actions.silence(one))


def _button(content: str) -> ui.label:
    return text(content, "tool", tag="button").props("type=button")
