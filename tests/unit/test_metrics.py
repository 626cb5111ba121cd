"""The metrics that processes show are those of the table, and none can grow without bounds."""

from http.client import HTTPConnection
from typing import NamedTuple, get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.dead_letters.letters import CODES
from app.health.monitor import Monitor
from app.health.server import HealthServer
from app.metrics.instruments import Instruments
from app.metrics.showing import LaneCollector
from app.metrics.table import ALERTS, SERVER, WORKER, AlertsName, Metric, ServerName, WorkerName
from app.settings import Settings
from streams.arrivals import Aside, dead_letter
from streams.errors import LaneStopped, Misconfigured, Refused, Unavailable
from streams.records import Batch, Entry, Marker, Message, Tip
from tests.unit.worker_views import lane, worker

BOUNDED = {"version", "lane", "topic", "code", "reason", "state", "method", "route", "status"}
ROWS = [*WORKER.items(), *SERVER.items(), *ALERTS.items()]


class Known(NamedTuple):
    """A record as Kafka holds it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def shown(instruments: Instruments[WorkerName]) -> dict[tuple[str, str], float]:
    """Samples of Redcat's own by name and the text of their labels."""
    families = text_string_to_metric_families(instruments.page()[0].decode())
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in families
        if family.name.startswith("redcat_")
        for sample in family.samples
    }


def test_the_table_has_a_row_for_every_name() -> None:
    assert set(WORKER) == set(get_args(WorkerName))
    assert set(SERVER) == set(get_args(ServerName))
    assert set(ALERTS) == set(get_args(AlertsName))


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_a_metric_is_named_as_prometheus_asks_for(name: str, row: Metric) -> None:
    assert name.startswith("redcat_")
    assert name.endswith("_total") == (row.kind == "counter")
    assert bool(row.buckets) == (row.kind == "histogram")
    assert set(row.labels) <= BOUNDED
    assert row.help


def test_a_worker_shows_every_metric_of_the_table() -> None:
    monitor = Monitor(Settings())
    collected = {family.name for family in monitor.instruments.registry.collect()}
    timed = {"redcat_commit_seconds", "redcat_transaction_seconds", "redcat_results"}

    assert {name.removesuffix("_total") for name in WORKER} - timed <= collected


def test_every_code_of_a_dead_letter_is_shown_from_the_beginning() -> None:
    seen = shown(Monitor(Settings()).instruments)

    assert {labels for name, labels in seen if name == "redcat_dead_letters_total"} == set(CODES)
    assert set(seen.values()) >= {0.0}


def test_a_batch_is_counted_by_topic_and_its_dead_letters_by_code() -> None:
    monitor = Monitor(Settings())
    bad = Known(7, 0, b"t", b"{")
    letter = dead_letter(Aside("order", bad, "not_json", "it ends too soon"), 3)
    forwarded = Message("order", 1, 0, b"t", b"{}", [])
    batch = Batch(3, 1, {}, {}, {"order": [bad, bad, bad], "click-out": [bad]})

    monitor.observer.absorbed(batch, Entry(Marker(Tip("a", 1), {}, [], {}), 0, [], [letter, forwarded]))
    monitor.observer.replayed(batch)
    for trouble in (None, Refused(), Unavailable(), LaneStopped()):
        monitor.observer.taking_over(3, trouble)

    seen = shown(monitor.instruments)
    assert seen["redcat_batches_total", "3"] == 1
    assert (seen["redcat_records_total", "order"], seen["redcat_records_total", "click-out"]) == (3, 1)
    assert seen["redcat_dead_letters_total", "not_json"] == 1
    assert seen["redcat_forwarded_total", ""] == 1
    assert seen["redcat_replayed_records_total", ""] == 4
    assert seen["redcat_bad_records_ratio", ""] == 0.25
    reasons = ("assigned", "refused", "unavailable", "stopped")
    assert [seen["redcat_takeovers_total", reason] for reason in reasons] == [1, 1, 1, 1]


def test_lanes_that_left_leave_no_figures_behind() -> None:
    views = [worker(lane(0, lag={"order": 5}, commit_lag_s=2.5), lane(1)), worker(lane(1))]
    instruments = Instruments(WORKER)
    instruments.registry.register(LaneCollector(lambda: views[0]))

    before = shown(instruments)
    views.pop(0)
    after = shown(instruments)

    assert before["redcat_lane_lag_records", "0,order"] == 5
    assert before["redcat_lane_commit_lag_seconds", "0"] == 2.5
    assert before["redcat_lane_state", "0,serving"] == 1
    assert not [labels for _, labels in after if labels.startswith("0")]
    assert after["redcat_lane_position", "1,order"] == 7


def test_a_worker_that_has_just_been_started_lives_and_says_why_it_is_not_ready() -> None:
    monitor = Monitor(Settings())
    answers = {path: page("") for path, page in (("live", monitor._live), ("ready", monitor._ready))}

    assert (answers["live"].status, answers["live"].body) == (200, b'{"live": true}\n')
    assert answers["ready"].status == 503
    assert b'"reason": "starting"' in answers["ready"].body

    monitor.stop_watching()
    assert b'"reason": "stopping"' in monitor._ready("").body


def test_the_server_answers_what_it_has_and_refuses_the_rest() -> None:
    monitor = Monitor(Settings())
    server = HealthServer("[::1]:0", {"/metrics": monitor._metrics})
    server.start()
    asked = HTTPConnection("::1", server.port, timeout=5)

    def status(method: str, path: str) -> tuple[int, str]:
        asked.request(method, path, headers={"Connection": "close"})
        answer = asked.getresponse()
        return answer.status, answer.read().decode()

    assert status("GET", "/metrics?x=1")[1].startswith("# HELP")
    assert status("HEAD", "/metrics") == (200, "")
    assert status("GET", "/nothing") == (404, '{"status": 404, "title": "there are /metrics"}\n')
    assert status("POST", "/metrics")[0] == 501
    with pytest.raises(Misconfigured, match="cannot listen on"):
        HealthServer(f"[::1]:{server.port}", {})
    server.stop()
