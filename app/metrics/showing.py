"""A worker as the survey sees it, in metrics; made when Prometheus asks, so that lanes that left leave nothing."""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.health.view import LaneState, LaneView, WorkerView
from app.metrics.instruments import Instruments
from app.metrics.table import WORKER, WorkerName


def show_worker(
    instruments: Instruments[WorkerName], view: Callable[[], WorkerView], *, ready: Callable[[], bool]
) -> None:
    """Add what the survey sees to the metrics."""
    instruments.gauge("redcat_build_info").labels(version("redcat")).set(1)
    instruments.gauge("redcat_ready").set_function(ready)
    instruments.gauge("redcat_lanes").set_function(lambda: len(view().lanes))
    instruments.gauge("redcat_retention_slack_seconds").set_function(lambda: view().slack_s)
    instruments.gauge("redcat_loop_delay_seconds").set_function(lambda: view().loop_delay_s)
    instruments.registry.register(LaneCollector(view))


class LaneCollector(Collector):
    """The metrics of the lanes that a worker has now."""

    def __init__(self, view: Callable[[], WorkerView]) -> None:
        self._view = view

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One family a row of the table that begins with `redcat_lane_`."""
        families = {
            name: GaugeMetricFamily(name, row.help, labels=row.labels)
            for name, row in WORKER.items()
            if name.startswith("redcat_lane_")
        }
        for lane in self._view().lanes:
            for name, labels, value in _figures(lane):
                families[name].add_metric((str(lane.number), *labels), value)
        return families.values()


def _figures(lane: LaneView) -> Iterable[tuple[WorkerName, tuple[str, ...], float]]:
    for state in get_args(LaneState):
        yield "redcat_lane_state", (state,), lane.state == state
    for topic, offset in lane.positions.items():
        yield "redcat_lane_position", (topic,), offset
    for topic, records in lane.lag.items():
        yield "redcat_lane_lag_records", (topic,), records
    yield "redcat_lane_event_lag_seconds", (), lane.event_lag_s
    yield "redcat_lane_commit_lag_seconds", (), lane.commit_lag_s
    yield "redcat_lane_outbox_entries", (), lane.outbox
    yield "redcat_lane_credit", (), lane.credit
    yield "redcat_lane_restating", (), lane.restating
    yield "redcat_lane_replay_left", (), lane.replay_left
