"""What an evaluator says of itself to who runs it."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.alerts.acting import Remembered
from app.alerts.health import STUCK_S, Health
from app.alerts.life import Life, Moment, step
from app.metrics.table import ALERTS
from tests.unit.alert_moments import PLACES, RULES, at, verdict


@pytest.fixture
def health() -> Iterator[Health]:
    made = Health("127.0.0.1:0", 60.0)
    made.start()
    yield made
    made.stop()


def asked(health: Health, path: str) -> tuple[int, str]:
    connection = HTTPConnection(urlsplit(health.url).netloc, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


def test_it_is_ready_once_rules_are_evaluated_and_a_server_that_is_away_is_told(health: Health) -> None:
    def ready() -> tuple[int, list[str]]:
        status, body = asked(health, "/ready")
        return status, json.loads(body).get("reasons", [])

    assert ready() == (503, ["nothing was evaluated yet"])
    health.evaluated(0.2, 7, acting=True)
    assert ready() == (200, [])
    health.hindered("Redis does not answer")
    assert ready() == (503, ["Redis does not answer"])
    health.evaluated(0.2, 7, acting=True)
    assert ready() == (200, [])


def test_an_evaluation_that_is_long_overdue_is_told(health: Health) -> None:
    health.evaluated(0.2, 7, acting=False)
    health._evaluated_s = time.monotonic() - 200

    assert health.reasons() == ["the last evaluation is 200 s ago"]


async def test_it_lives_as_long_as_its_event_loop_turns(health: Health) -> None:
    health._turned_s = time.monotonic() - STUCK_S - 1
    status, body = asked(health, "/live")
    assert (status, json.loads(body)["live"]) == (503, False)

    watching = asyncio.create_task(health.watch_loop())
    async with asyncio.timeout(10):
        while health._turned_s < time.monotonic() - STUCK_S:
            await asyncio.sleep(0.01)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching

    assert asked(health, "/live")[0] == 200


def test_every_metric_of_the_table_is_shown(health: Health) -> None:
    life, records = step(Life(), Moment(at(0), [verdict(0, "t1")], PLACES), RULES)
    health.evaluated(0.2, 7, acting=True)
    health.acted(records, Remembered(life=life))

    status, page = asked(health, "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(page)}

    assert status == 200
    assert {name.removesuffix("_total") for name in ALERTS} <= families.keys()
    assert {sample.labels["state"]: sample.value for sample in families["redcat_alerts_live"].samples} == {
        "pending": 1.0,
        "firing": 0.0,
    }
    assert families["redcat_alerts_scopes"].samples[0].value == 7
