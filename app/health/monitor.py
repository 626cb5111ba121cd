"""The monitor: what a worker counts, sees and says about itself, put together."""

import time
from http import HTTPStatus

from app.health.bad_share import BadShare
from app.health.readiness import Reason, unready
from app.health.server import Answer, HealthServer, as_json
from app.health.survey import Survey, Surveyed
from app.health.view import WorkerView
from app.health.watchdog import Watchdog
from app.metrics.instruments import Instruments
from app.metrics.showing import show_worker
from app.metrics.table import WORKER
from app.metrics.watching import WatchingLanes
from app.settings import Settings
from streams.topics import lane_count


class Monitor:
    """Answers `/live` and `/ready` from `start` to `stop`, and watches from `watch` to `stop_watching`."""

    def __init__(self, settings: Settings) -> None:
        self.instruments = Instruments(WORKER)
        self.observer = WatchingLanes(self.instruments, BadShare(settings.bad_percent / 100))
        self._address = settings.metrics
        self._stall_s = float(settings.stall_s)
        self._survey: Survey | None = None
        self._watchdog: Watchdog | None = None
        self._server: HealthServer | None = None
        self._stopping = False
        self.instruments.gauge("redcat_namespace_lanes").set(lane_count(settings.partitions))
        show_worker(self.instruments, self._view, ready=lambda: not self.reasons())
        self.instruments.gauge("redcat_stalled").set_function(lambda: bool(self._stalls()))

    def start(self) -> None:
        """Serve; Misconfigured when the address is taken."""
        self._server = HealthServer(
            self._address, {"/metrics": self._metrics, "/live": self._live, "/ready": self._ready}
        )
        self._server.start()

    async def watch(self, surveyed: Surveyed) -> None:
        """Survey and watch until cancelled."""
        self._survey = Survey(surveyed, self._stall_s)
        self._watchdog = Watchdog(self._view, self._stall_s)
        self._watchdog.start()
        await self._survey.run()

    def stop_watching(self) -> None:
        """The worker is about to stop: nothing is a stall any more, and it is not ready."""
        self._stopping = True
        if self._watchdog is not None:
            self._watchdog.stop()

    def stop(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.stop()

    def reasons(self) -> list[Reason]:
        """Why the worker is not ready."""
        if self._stopping:
            return [Reason("stopping", "the worker hands its lanes over")]
        if self._survey is None:
            return [Reason("starting", "the worker waits for its servers")]
        return [*self._stalls(), *unready(self._view(), time.monotonic())]

    def _stalls(self) -> list[Reason]:
        found = () if self._watchdog is None or self._stopping else self._watchdog.stalls
        return [Reason("stalled", f"{stall.what}, for {stall.for_s:.0f} s", stall.lane) for stall in found]

    def _view(self) -> WorkerView:
        return WorkerView(time.monotonic()) if self._survey is None else self._survey.view

    def _metrics(self, accept: str) -> Answer:
        body, content_type = self.instruments.page(accept)
        return Answer(HTTPStatus.OK, content_type, body)

    def _live(self, _: str) -> Answer:
        if stalls := self._stalls():
            shown = [stall.shown() for stall in stalls]
            return as_json(HTTPStatus.SERVICE_UNAVAILABLE, {"live": False, "reasons": shown})
        return as_json(HTTPStatus.OK, {"live": True})

    def _ready(self, _: str) -> Answer:
        lanes = [lane.number for lane in self._view().lanes]
        if reasons := self.reasons():
            shown = [reason.shown() for reason in reasons]
            return as_json(HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False, "lanes": lanes, "reasons": shown})
        return as_json(HTTPStatus.OK, {"ready": True, "lanes": lanes})
