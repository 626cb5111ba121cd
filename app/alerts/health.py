"""What an evaluator says about itself: `/metrics`, `/live` and `/ready`, at REDCAT_METRICS."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

from app.alerts.acting import Remembered
from app.alerts.record import AlertRecord
from app.health.server import Answer, HealthServer, as_json
from app.metrics.instruments import Instruments
from app.metrics.loop import loop_delays
from app.metrics.table import ALERTS, AlertsName

LATE_TIMES: Final = 3  # the usual pause between two evaluations: then it is late
STUCK_S: Final = 30.0  # without a turn of the event loop
STATES: Final = ("pending", "firing")
_AT_FIRST: Final[tuple[AlertsName, ...]] = (
    "redcat_alerts_acting", "redcat_alerts_scopes", "redcat_alerts_messages_waiting", "redcat_loop_delay_seconds",
)  # fmt: skip


class Health:
    """Serves from `start` to `stop`; the evaluator tells it what it does (see app.alerts.running.Meter)."""

    def __init__(self, address: str, every_s: float) -> None:
        self.instruments = Instruments(ALERTS)
        self._every_s = every_s
        self._turned_s = time.monotonic()
        self._evaluated_s: float | None = None
        self._trouble: str | None = None
        self._server = HealthServer(address, {"/metrics": self._metrics, "/live": self._live, "/ready": self._ready})
        self.instruments.gauge("redcat_build_info").labels(version("redcat")).set(1)
        self.instruments.gauge("redcat_ready").set_function(lambda: not self.reasons())
        self.instruments.gauge("redcat_alerts_evaluated_age_seconds").set_function(self._age_s)
        for state in STATES:
            self.instruments.gauge("redcat_alerts_live").labels(state).set(0)
        for name in _AT_FIRST:
            self.instruments.gauge(name)

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        """Serve."""
        self._server.start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.stop()

    async def watch_loop(self) -> None:
        """Note that the event loop turns, and how late it is, until cancelled."""
        delay = self.instruments.gauge("redcat_loop_delay_seconds")
        async for late_s in loop_delays():
            self._turned_s = time.monotonic()
            delay.set(late_s)

    def evaluated(self, spent_s: float, scopes: int, *, acting: bool) -> None:
        """The rules were evaluated."""
        self._evaluated_s, self._trouble = time.monotonic(), None
        self.instruments.counter("redcat_alerts_evaluations_total").inc()
        self.instruments.histogram("redcat_alerts_evaluation_seconds").observe(spent_s)
        self.instruments.gauge("redcat_alerts_scopes").set(scopes)
        self.instruments.gauge("redcat_alerts_acting").set(acting)

    def acted(self, records: Sequence[AlertRecord], remembered: Remembered) -> None:
        """Transitions were published; `remembered` is what is so now."""
        for record in records:
            self.instruments.counter("redcat_alerts_transitions_total").labels(record.state).inc()
        live = Counter(alert.record.state for alert in remembered.life.alerts.values())
        for state in STATES:
            self.instruments.gauge("redcat_alerts_live").labels(state).set(live[state])
        self.instruments.gauge("redcat_alerts_messages_waiting").set(len(remembered.notices.waiting))

    def hindered(self, reason: str) -> None:
        """Nothing can be evaluated."""
        self._trouble = reason

    def reasons(self) -> list[str]:
        """Why it is not ready; empty if it is."""
        if self._trouble is not None:
            return [self._trouble]
        if self._evaluated_s is None:
            return ["nothing was evaluated yet"]
        if self._age_s() > LATE_TIMES * self._every_s:
            return [f"the last evaluation is {self._age_s():.0f} s ago"]
        return []

    def _age_s(self) -> float:
        return math.nan if self._evaluated_s is None else time.monotonic() - self._evaluated_s

    def _metrics(self, accept: str) -> Answer:
        body, content_type = self.instruments.page(accept)
        return Answer(HTTPStatus.OK, content_type, body)

    def _live(self, _: str) -> Answer:
        silent_s = time.monotonic() - self._turned_s
        if silent_s > STUCK_S:
            reasons = [f"the event loop has not turned for {silent_s:.0f} s"]
            return as_json(HTTPStatus.SERVICE_UNAVAILABLE, {"live": False, "reasons": reasons})
        return as_json(HTTPStatus.OK, {"live": True})

    def _ready(self, _: str) -> Answer:
        if reasons := self.reasons():
            return as_json(HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False, "reasons": reasons})
        return as_json(HTTPStatus.OK, {"ready": True})
