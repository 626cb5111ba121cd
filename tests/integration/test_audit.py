"""`redcat audit` on a real Valkey: what it says where nothing is wrong, and while things move or expire."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import orjson
import pytest
from redis import Redis
from typer.testing import CliRunner

from app.auditing.audit import audit
from app.auditing.options import Options
from app.auditing.report import Report
from app.bootstrap import now_ms
from app.cli import build
from app.progress import progress_bar
from app.settings import Settings
from app.simulator.facts import Outgoing
from streams.rollups import HOUR_MS
from streams.topics import ORDER
from tests.integration.absorbed import absorb
from tests.integration.audited import (
    GROUP,
    NOTES,
    a_counter,
    absorbed,
    an_hour,
    audited,
    keys,
    kinds,
    lane,
    traffic,
)  # fmt: skip
from tests.integration.workers import environment


@pytest.fixture
def settings(valkey_url: str, tmp_path: Path) -> Settings:
    """A namespace that has absorbed some traffic."""
    return absorbed(valkey_url, tmp_path)


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    """The back door."""
    with Redis.from_url(valkey_url) as redis:
        yield redis


def test_where_nothing_was_changed_nothing_is_found(settings: Settings) -> None:
    status, report = audited(settings, "--no-results")
    compared = report.pop("compared")
    assert (status, report["problems"], report["unchecked"]) == (0, [], [{"check": "results", "reason": "left_out"}])
    assert compared["complete"]
    assert compared["journeys"] > 200
    assert compared["click_hours"][1] == now_ms() // HOUR_MS + 1


def test_journeys_of_several_shards_are_all_counted_again(valkey_url: str, redis: Redis, tmp_path: Path) -> None:
    status, report = audited(absorbed(valkey_url, tmp_path, shards=2), "--no-results")
    held = [key for key in redis.scan_iter(f"{GROUP}{{?}}*") if b"}s/" not in key]
    assert (status, report["problems"], report["compared"]["journeys"]) == (0, [], len(held))
    assert report["compared"]["complete"]


def test_once_journeys_have_expired_young_clicks_are_compared_and_the_rest_is_held_against_its_least(
    settings: Settings, redis: Redis
) -> None:
    young, counter, hour = set(keys(redis, f"{GROUP}{{0}}*")), a_counter(redis, "entries"), an_hour(redis, b"kn")
    asyncio.run(absorb(settings, traffic(2, days_ago=40)))
    expired = [key for key in keys(redis, f"{GROUP}{{0}}*") if key not in young and not key.startswith(NOTES)]
    redis.delete(*expired)
    status, report = audited(settings, "--no-results")
    assert (status, report["problems"], report["compared"]["complete"]) == (0, [], False)
    assert len(report["compared"]["click_hours"]) == 2

    redis.hset(*counter, 0)
    redis.hdel(*hour)
    assert kinds(audited(settings, "--no-results")) == {"counter_too_small", "totals", "series_hour", "series_row"}


@pytest.mark.parametrize("shards", [1, 2])
def test_an_order_that_two_tokens_hold_is_counted_and_listed(valkey_url: str, tmp_path: Path, shards: int) -> None:
    settings = absorbed(valkey_url, tmp_path, shards)
    steps = [
        {"token": token, "event_id": "p", "at_ms": now_ms(), "order_id": "shared", "status": "paid"}
        | {"platform": "tmall", "merchant_id": "m", "amount_minor": 1, "currency": "CNY"}
        for token in ("t1", "t3")  # of different lanes
    ]
    asyncio.run(
        absorb(
            settings, [Outgoing(ORDER, None, str(step["token"]).encode(), orjson.dumps(step), None) for step in steps]
        )
    )
    _, report = audited(settings, "--no-results")
    assert (report["seen"]["order_reused"], report["reused_orders"], report["problems"]) == (1, ["shared"], [])


def meddled(settings: Settings, meddle: Callable[[int], object]) -> Report:
    """An audit during which `meddle` is called, with how often before, whenever all journeys are about to be read."""
    times = count()

    @contextmanager
    def progress(_what: str, _total: int) -> Iterator[Callable[[int], None]]:
        meddle(next(times))
        yield lambda _: None

    options = Options(settings, now_ms(), progress, with_results=False, pause_s=0.0)
    return asyncio.run(audit(options))


def test_while_lanes_move_only_the_ledger_is_checked(settings: Settings, redis: Redis) -> None:
    redis.hincrby(lane(":ledger"), "click-out:consumed", 1)
    report = meddled(settings, lambda number: redis.set(lane(":tip"), f"somebody:{number}"))
    assert report.compared is None
    assert report.unchecked == dict.fromkeys(("totals", "recount", "figures", "series", "results"), "moving")
    assert report.problems.counts == {"balance": 1}
    assert report.lines["click-out:consumed"] > 0


def test_lanes_that_stand_still_after_a_while_are_checked_then(settings: Settings, redis: Redis) -> None:
    report = meddled(settings, lambda number: number < 2 and redis.set(lane(":tip"), f"somebody:{number}"))
    assert (report.unchecked, list(report.problems)) == ({"results": "left_out"}, [])


def test_what_is_wrong_once_only_is_no_problem(settings: Settings, redis: Redis) -> None:
    key, field = a_counter(redis)
    report = meddled(settings, lambda number: redis.hincrby(key, field, 1 - 2 * number))
    assert list(report.problems) == []


def test_results_that_wait_to_be_published_are_said_to_be_unchecked(settings: Settings) -> None:
    asyncio.run(absorb(settings, traffic(2, days_ago=1), published=False))
    options = Options(settings, now_ms(), progress_bar, outbox_s=0.0)
    report = asyncio.run(audit(options))
    assert (report.unchecked, list(report.problems)) == ({"results": "outbox"}, [])


@pytest.mark.parametrize(("lang", "said"), [("en", "what was checked balances"), ("zh", "已核对部分全部相符")])
def test_people_get_tables_and_sentences(settings: Settings, redis: Redis, lang: str, said: str) -> None:
    command = ["audit", "--no-results", "--lang", lang]
    clean = CliRunner(env=environment(settings)).invoke(build(command), command)
    redis.hincrby(*a_counter(redis), 1)
    damaged = CliRunner(env=environment(settings)).invoke(build(command), command)
    assert (clean.exit_code, clean.stdout.splitlines()[-1]) == (0, said)
    assert damaged.exit_code == 1
    assert any("`redcat counters --note " in line for line in damaged.stdout.splitlines())


def test_without_a_namespace_it_says_so(valkey_url: str) -> None:
    command = ["audit", "--no-results"]
    ran = CliRunner(env=environment(Settings(redis=valkey_url, group=GROUP))).invoke(build(command), command)
    assert f"no namespace {GROUP}" in str(ran.exception)
