"""`redcat explain` reads journeys and the index of orders from Redis, and changes nothing there."""

import asyncio
import json
from collections.abc import Callable
from typing import TypeAlias

import pytest
from redis import Redis
from typer.testing import CliRunner, Result

from app.cli import build
from app.connections import redis_address
from app.policies.file import policy_texts, read_policies
from app.redis_store.journey_reader import WORDS
from app.redis_store.link import dialler
from app.redis_store.namespace import open_namespace
from app.redis_store.store import RedisStore
from app.settings import Settings
from streams.core.facts import Click, Step
from streams.core.journey import Journey
from streams.murmur2 import partition_of
from streams.stored import JourneyCodec
from streams.words import Words
from tests.contract.builders import change
from tests.generators.policies import MIDNIGHT_MS

GROUP = "explained"
TOKENS = ("a" * 32, "t2", "t3")  # of several lanes
PARTITIONS = 4

Explain: TypeAlias = Callable[..., Result]


def journey_of(token: str) -> Journey:
    """A click and an order, which has the same id under every token."""
    journey = Journey()
    journey.absorb(Click(token, "k", MIDNIGHT_MS, "n1", "ad", "note", "tmall", "m1", "fmcg"))
    journey.absorb(Step(token, "p", MIDNIGHT_MS + 1, "tmall", "m1", "o1", "paid", 100, "CNY"))
    return journey


async def fill(settings: Settings) -> None:
    """Keep a journey for each token, in a lane that has more words than are read at once."""
    dial = dialler(redis_address(settings))
    policies = policy_texts(read_policies(None))
    await open_namespace(dial, GROUP, partitions=PARTITIONS, shards=1, policies=policies)
    store = RedisStore(dial, GROUP, 1)
    for token in TOKENS:
        lane = partition_of(token.encode(), PARTITIONS)
        state = await store.acquire(lane, f"owner-{token}")
        words = Words([*state.words, *(f"word-{token}-{number}" for number in range(WORDS))])
        value = JourneyCodec(words).pack(journey_of(token), 1)
        fresh = [f"word-{token}-{number}" for number in range(WORDS)] + words.new
        await store.commit(lane, state.tip, change(journeys={token: value}, words=fresh, held=[("o1", token)]))
    await store.close()


@pytest.fixture
def explain(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Explain:
    """Runs `redcat explain ARGUMENTS...` where some journeys are held."""
    for name, value in {"REDIS": valkey_url, "GROUP": GROUP, "PARTITIONS": str(PARTITIONS)}.items():
        monkeypatch.setenv(f"REDCAT_{name}", value)
    asyncio.run(fill(Settings(redis=valkey_url)))
    cli = build(["explain"])
    return lambda *arguments: CliRunner().invoke(cli, ["explain", *arguments])


def test_a_token_is_explained_for_people_and_for_programs(explain: Explain, valkey_url: str) -> None:
    with Redis.from_url(valkey_url) as redis:
        keys = redis.dbsize()
        ran = explain(TOKENS[0], "--lang", "en", "--tz", "Asia/Shanghai")
        assert ran.exit_code == 0
        assert "2025-06-18 00:00:00.000  click k: link of ad note n1 -> tmall m1, fmcg\n" in ran.stdout
        assert "order:o1  credited to click k of note n1\n" in ran.stdout
        told = json.loads(explain(TOKENS[0], "--json").stdout)
        assert redis.dbsize() == keys
    assert (told["token"], told["lane"], told["policies"]) == (TOKENS[0], partition_of(TOKENS[0].encode(), 4), [1])
    assert 0 < told["kept_ms"] <= 86_400_000
    assert [(result["result_id"], result["winner"]) for result in told["results"]] == [("order:o1", "k")]
    assert told["results"][0]["considered"][0]["window"] == {"ms": 15 * 86_400_000, "source": "top", "name": None}


def test_an_order_is_explained_under_every_token_that_has_it(explain: Explain) -> None:
    ran = explain("--order", "o1", "--lang", "zh", "--tz", "UTC")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("订单 o1 出现在 3 个 token 下")
    told = json.loads(explain("--order", "o1", "--json").stdout)
    assert (told["order_id"], [journey["token"] for journey in told["journeys"]]) == ("o1", sorted(TOKENS))


@pytest.mark.parametrize(("arguments", "what"), [(["t9"], "token t9"), (["--order", "o9"], "order o9")])
def test_what_is_not_held_may_never_have_come_expired_or_been_forgotten(
    explain: Explain, arguments: list[str], what: str
) -> None:
    ran = explain(*arguments, "--lang", "en")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr == (
        f"redcat: nothing is held of {what} in {GROUP}: it never came, or its journey has expired since, "
        "or was forgotten on request\n"
    )


@pytest.mark.parametrize("arguments", [[], ["t1", "--order", "o1"], ["not/an/id"], ["--order", ""]])
def test_wrong_use_is_said_before_anything_is_read(arguments: list[str]) -> None:
    assert CliRunner().invoke(build(["explain"]), ["explain", *arguments]).exit_code == 2
