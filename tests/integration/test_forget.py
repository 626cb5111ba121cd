"""`redcat forget` erases one journey, asks before it does, and leaves everything else balanced, while a worker runs."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from redis import Redis
from typer.testing import CliRunner, Result

from app.cli import build
from app.draining import drained
from app.kafka_sender import kafka_sender
from app.local_stack.kafka_server import KafkaServer
from app.reading import reading
from app.redis_store.keys import unpack_token
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from streams.errors import Misconfigured
from streams.topics import SHOP_ENTRY
from tests.conftest import Namespace
from tests.integration.audited import GROUP, NOTES, absorbed, audited, keys, kinds
from tests.integration.workers import environment, landed, run, working
from tests.waiting import until

PATIENCE_S = 30


@pytest.fixture
def settings(valkey_url: str, tmp_path: Path) -> Settings:
    """A namespace that has absorbed some traffic."""
    return absorbed(valkey_url, tmp_path)


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    """The back door."""
    with Redis.from_url(valkey_url) as redis:
        yield redis


def tokens(redis: Redis) -> list[str]:
    """All tokens of which a journey is held."""
    prefix = f"{GROUP}{{0}}"
    return [unpack_token(key[len(prefix) :]) for key in keys(redis, f"{prefix}*") if not key.startswith(NOTES)]


def forget(settings: Settings, *arguments: str) -> Result:
    """`redcat forget ARGUMENTS` without a terminal."""
    command = ["forget", *arguments, "--lang", "en"]
    return CliRunner(env=environment(settings)).invoke(build(command), command)


def test_what_is_left_balances_however_many_are_forgotten(settings: Settings, redis: Redis) -> None:
    held = tokens(redis)
    for token in held[::20]:
        assert forget(settings, token, "--yes").exit_code == 0
    status, report = audited(settings, "--no-results")
    assert (status, report["problems"]) == (0, [])
    assert report["compared"]["complete"]
    assert set(tokens(redis)) == set(held) - set(held[::20])


def test_it_tells_what_was_erased_but_not_whose_it_was(settings: Settings, redis: Redis) -> None:
    first, second = tokens(redis)[:2]
    told = json.loads(forget(settings, first, "--yes", "--json").stdout)
    said = forget(settings, second, "--yes")
    assert (told["facts"] > 0, len(told["token_hash"])) == (True, 64)
    assert said.stdout.startswith("forgotten: ")
    assert second not in said.output


def test_a_token_of_which_nothing_is_held_is_said_and_fails(settings: Settings, redis: Redis) -> None:
    token = tokens(redis)[0]
    assert forget(settings, token, "--yes").exit_code == 0
    again, never = forget(settings, token, "--yes"), forget(settings, "never-seen", "--yes")
    assert [(ran.exit_code, ran.stdout) for ran in (again, never)] == [(1, "")] * 2
    assert f"nothing is held of this token in {GROUP}: it was forgotten at 20" in again.stderr
    assert f"nothing is held of this token in {GROUP}: it never came" in never.stderr


@pytest.mark.parametrize("arguments", [["n/1", "--yes"], ["/n1", "--yes"], ["", "--yes"]])
def test_what_can_be_no_token_is_refused(settings: Settings, arguments: list[str]) -> None:
    assert forget(settings, *arguments).exit_code == 2


def test_where_nobody_can_be_asked_it_must_be_told_yes(settings: Settings, redis: Redis) -> None:
    held = tokens(redis)
    refused = forget(settings, held[0])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert tokens(redis) == held


@pytest.mark.parametrize(("answer", "status", "left"), [(b"n\n", 1, True), (b"y\n", 0, False)])
def test_on_a_terminal_it_asks(settings: Settings, redis: Redis, answer: bytes, status: int, left: bool) -> None:
    token = tokens(redis)[0]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "forget", token, "--lang", "en"],
        env=environment(settings), cwd=Path(__file__).parents[2], stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while b"Go on?" not in said:
        said += os.read(ours, 1_024)
    os.write(ours, answer)
    assert process.wait(PATIENCE_S) == status
    os.close(ours)
    assert (token in tokens(redis)) is left
    assert token.encode() not in said


@pytest_asyncio.fixture
async def streaming(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[Settings]:
    """A namespace of this test with its topics."""
    made = Settings(
        kafka=kafka_server.address,
        redis=valkey_url,
        topic_prefix=namespace.prefix,
        group=namespace.group,
        partitions=2,
    )
    await create_topics(made)
    yield made


async def counted(settings: Settings) -> None:
    """Return when the running worker has counted and published everything."""
    not_yet = (Misconfigured,)  # the worker has not made the namespace yet
    await until(lambda: drained(settings), lambda _: True, patience_s=PATIENCE_S, not_yet=not_yet)


async def orders_held(settings: Settings, order_id: str) -> list[str]:
    async with reading(settings) as reader:
        return await reader.tokens_of_order(order_id)


async def test_a_running_worker_takes_over_anew_and_goes_on_exactly(streaming: Settings) -> None:
    config = SimulatorConfig(events=3_000, partitions=2)
    traffic = list(simulate(config, Tallies()))
    async with working(streaming) as worker, kafka_sender(streaming) as sender:
        await sender.send(traffic[:1_500])
        await counted(streaming)
        before = await landed(streaming)
        known = next(result for result in before.published if result.kind == "order" and result.outcome == "credited")
        assert await orders_held(streaming, known.order_id or "") == [known.token]

        assert (await run(streaming, "forget", known.token, "--yes")).status == 0
        after = await landed(streaming)
        assert (after.cells, after.ledger) == (before.cells, before.ledger)
        assert await orders_held(streaming, known.order_id or "") == []

        late = {"token": known.token, "event_id": "late", "at_ms": known.at_ms, "platform": known.platform}
        entry = orjson.dumps(late | {"merchant_id": known.merchant_id})
        await sender.send([*traffic[1_500:], Outgoing(SHOP_ENTRY, None, known.token.encode(), entry, None)])
        await counted(streaming)
        assert kinds(await asyncio.to_thread(audited, streaming)) == set()
        told = (await landed(streaming)).latest()[known.token, "entry:late"]
        assert (told.outcome, told.reason) == ("refused", "no_click")

        worker.send_signal(signal.SIGTERM)
        _, said = await worker.communicate()
    assert worker.returncode == 0
    assert b"taking over anew" in said
    assert known.token.encode() not in said
