"""`redcat counters` shows what is in Redis, as a table or as JSON, and changes nothing there."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from redis import Redis
from typer.testing import CliRunner, Result

from app.cli import build
from app.connections import redis_address
from app.redis_store.link import dialler
from app.redis_store.namespace import open_namespace
from app.redis_store.store import RedisStore
from app.settings import Settings
from tests.contract.builders import change

GROUP = "counted"
AD = "c1|m1|tmall|fmcg.skincare|note|ad"
COMMENT = "|m2|xhs|outdoor|comment|ugc"
ITSELF = "|||||"
CELLS = {
    0: {
        "n1": {AD: {"clicks": 1_000, "clicks_entered": 250, "entries": 300, "gross_minor:CNY": 123_456, "orders": 7}},
        "n2": {COMMENT: {"clicks": 5, "clicks_refused": 2, "refused:order/no_click": 1}},
        "n3": {COMMENT: {"refused:entry/other_shop": 1}},
    },
    1: {"n1": {COMMENT: {"clicks": 20, "carts": 4, "orders": 1, "gross_minor:USD": 500}}},
    2: {"n1": {ITSELF: {"reads": 9_000, "likes": 12, "saves": 3}}},
}
ALL: dict[str, dict[str, Any]] = {
    "n1": {
        "clicks": 1_020,
        "clicks_entered": 250,
        "entries": 300,
        "carts": 4,
        "orders": 8,
        "gross_minor": {"CNY": 123_456, "USD": 500},
        "reads": 9_000,
        "likes": 12,
        "saves": 3,
    },
    "n2": {"clicks": 5, "clicks_refused": 2},
}
IN_APP = {"clicks": 20, "carts": 4, "orders": 1, "gross_minor": {"USD": 500}}
OF_THE_AD = {"clicks": 1_000, "clicks_entered": 250, "entries": 300, "orders": 7, "gross_minor": {"CNY": 123_456}}

Counters: TypeAlias = Callable[..., Result]


async def fill(settings: Settings, lanes: dict[int, dict[str, dict[str, dict[str, int]]]]) -> None:
    """Commit these cells to these lanes."""
    dial = dialler(redis_address(settings))
    await open_namespace(dial, GROUP, partitions=2, shards=1, policies={})
    store = RedisStore(dial, GROUP, 1)
    for lane, cells in lanes.items():
        state = await store.acquire(lane, f"owner-{lane}")
        await store.commit(lane, state.tip, change(cells=cells))
    await store.close()


@pytest.fixture
def counters(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Counters:
    """Runs `redcat counters ARGUMENTS...` on an empty database."""
    for name, value in {"REDIS": valkey_url, "GROUP": GROUP, "PARTITIONS": "2"}.items():
        monkeypatch.setenv(f"REDCAT_{name}", value)
    cli = build(["counters"])
    return lambda *arguments: CliRunner().invoke(cli, ["counters", "--lang", "en", *arguments])


@pytest.fixture
def filled(counters: Counters, valkey_url: str) -> Counters:
    """The same with some notes counted."""
    asyncio.run(fill(Settings(redis=valkey_url), CELLS))
    return counters


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ALL),
        (["--note", "n2"], {"n2": ALL["n2"]}),
        (["--note", "n3"], {}),
        (["--platform", "xhs"], {"n1": IN_APP, "n2": ALL["n2"]}),
        (["--category", "outdoor", "--note", "n2"], {"n2": ALL["n2"]}),
        (["--merchant", "m1", "--platform", "xhs"], {}),
        (["--campaign", "c1"], {"n1": OF_THE_AD}),
        (["--limit", "1"], ALL),
    ],
)
def test_the_json_has_what_was_chosen(filled: Counters, arguments: list[str], expected: dict[str, Any]) -> None:
    ran = filled("--json", *arguments)
    assert ran.exit_code == 0
    assert json.loads(ran.stdout) == {"notes": expected}


def test_the_table_has_rates_with_their_denominators_and_money_with_its_currency(filled: Counters) -> None:
    ran = filled()
    lines = ran.stdout.splitlines()
    assert ran.exit_code == 0
    assert lines[1].split()[:7] == ["n1", "9,000", "12/3/0/0", "1,020", "-", "300", "24.5%"]
    assert lines[1].split()[7:11] == ["250/1,020", "-", "4", "8"]
    assert "CNY 1,234.56" in lines[1]
    assert "USD 5.00" in lines[2]
    assert lines[-2].startswith("all 2 notes")


def test_the_limit_cuts_the_rows_but_not_the_sum(filled: Counters) -> None:
    lines = filled("--limit", "1").stdout.splitlines()
    assert not any(line.startswith("n2") for line in lines)
    assert any(line.startswith("all 2 notes") and "1,025" in line for line in lines)


def test_an_unknown_note_is_named_and_fails(filled: Counters) -> None:
    ran = filled("--note", "n9")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (1, "", f"redcat: no event of note n9 was counted in {GROUP}\n")


def test_a_choice_without_any_counter_is_said_and_no_failure(filled: Counters) -> None:
    ran = filled("--campaign", "c9")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "nothing is counted for this choice\n")


def test_before_the_first_event_it_says_what_to_do(counters: Counters, valkey_url: str) -> None:
    asyncio.run(fill(Settings(redis=valkey_url), {}))
    ran = counters()
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "`redcat worker` writes them" in ran.stderr
    assert json.loads(counters("--json").stdout) == {"notes": {}}


def test_a_namespace_that_no_worker_made_is_named_and_not_made(counters: Counters, valkey_url: str) -> None:
    ran = counters()
    assert f"no namespace {GROUP}" in str(ran.exception)
    with Redis.from_url(valkey_url) as redis:
        assert redis.dbsize() == 0
