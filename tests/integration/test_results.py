"""`redcat results` on a real Kafka: what stands now, and what comes."""

import asyncio
import json
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import build
from app.consumer_kit.published import order, visit, without_money
from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from app.topic_admin import create_topics
from streams.errors import Misconfigured
from tests.integration.publishing import publishing
from tests.integration.workers import environment

PATIENCE_S = 30
PARTITIONS = 2
TOLD = [
    order("n1", 1, 500),
    order("n2", 2, 900, of="t.n2 moving"),
    visit("n1", "entry"),
    without_money("n1", 3, "held"),
    order("n3", 4, 900, of="t.n2 moving"),
    without_money("n4", 5, "refused"),
]


@pytest.fixture(scope="module")
def settings(kafka_server: KafkaServer) -> Settings:
    """A namespace with some results, the same for all tests here."""
    unique = uuid.uuid4().hex[:12]
    made = Settings(kafka=kafka_server.address, topic_prefix=f"t{unique}.", group=f"g{unique}", partitions=PARTITIONS)
    asyncio.run(tell(made))
    return made


async def tell(settings: Settings) -> None:
    """Make the topics and publish TOLD."""
    await create_topics(settings)
    async with publishing(settings) as lanes:
        for record in TOLD:
            await lanes.publish([record])


def results(settings: Settings, *arguments: str) -> Result:
    """`redcat results ARGUMENTS` to its end."""
    return CliRunner(env=environment(settings)).invoke(build(["results"]), ["results", *arguments])


def event_id(line: str | bytes) -> str:
    """RESULT_ID@REVISION of a result in JSON."""
    fields = json.loads(line)
    return f"{fields['result_id']}@{fields['revision']}"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], {"order:o.n1@3", "order:moving@4", "entry:e.n1@1", "order:o.n4@5"}),
        (["--note", "n1"], {"order:o.n1@3", "entry:e.n1@1"}),
        (["--note", "n2"], set()),
        (["--note", "n4"], {"order:o.n4@5"}),
        (["--token", "t.n2"], {"order:moving@4"}),
        (["--token", "t.nobody"], set()),
        (["--kind", "order", "--outcome", "credited"], {"order:moving@4"}),
    ],
)
def test_the_latest_results_are_those_that_stand(settings: Settings, arguments: list[str], shown: set[str]) -> None:
    ran = results(settings, "--latest", "--json", *arguments)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert {event_id(line) for line in ran.stdout.splitlines()} == shown


def test_json_is_what_was_published(settings: Settings) -> None:
    ran = results(settings, "--latest", "--json", "--token", "t.n2")
    assert ran.stdout_bytes == TOLD[4].value + b"\n"


@pytest.mark.parametrize(("lang", "rows", "rest"), [("en", "note", "2 of 4 results"), ("zh", "笔记", "共 4 条结果")])
def test_the_table_has_as_many_rows_as_wanted_and_says_how_many_there_are(
    settings: Settings, lang: str, rows: str, rest: str
) -> None:
    ran = results(settings, "--latest", "--limit", "2", "--lang", lang)
    head, *lines = ran.stdout.splitlines()
    assert rows in head
    assert len(lines) == 2
    assert rest in ran.stderr


def test_no_result_at_all_is_said(settings: Settings) -> None:
    ran = results(settings, "--latest", "--note", "n2")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert f"no such result in {settings.topic_prefix}conversion" in ran.stderr


def test_a_topic_that_is_missing_is_named(kafka_server: KafkaServer) -> None:
    ran = results(Settings(kafka=kafka_server.address, topic_prefix="nowhere."), "--latest")
    assert isinstance(ran.exception, Misconfigured)
    assert "no topic nowhere.conversion in Kafka: run `redcat topics create`" in str(ran.exception)


@asynccontextmanager
async def following(settings: Settings, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`redcat results --follow ARGUMENTS`, from the moment at which it follows."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "results", "--follow", "--lang", "en", *arguments,
        env=environment(settings), cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert process.stderr is not None
            assert b"as they become readable; Ctrl-C stops" in await process.stderr.readline()
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def lines_of(process: asyncio.subprocess.Process, count: int) -> list[bytes]:
    """The next lines that it prints."""
    assert process.stdout is not None
    return [await process.stdout.readline() for _ in range(count)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_followers_see_what_comes_from_now_on_and_end_quietly(settings: Settings, number: signal.Signals) -> None:
    note = f"new{number}"
    async with following(settings, "--note", note) as process, publishing(settings) as lanes:
        await lanes.publish([order("n1", 6, 700), order(note, 7, 12_300, of="t.new o.new")])
        await lanes.publish([order("n9", 8, 12_300, of="t.new o.new"), order("n9", 9, 1, of="t.new o.new")])
        header, first, gone = await lines_of(process, 3)
        process.send_signal(number)
        assert await process.communicate() == (b"", b"")

    assert process.returncode == 0
    assert header.startswith(b"time of the fact")
    assert first.split()[2:] == [b"order:o.new", b"credited", note.encode(), b"CNY", b"123.00", b"t.new", b"7"]
    assert gone.split()[4:] == [b"n9", b"CNY", b"123.00", b"t.new", b"8"]


async def test_followers_may_begin_at_the_beginning(settings: Settings) -> None:
    async with following(settings, "--from-beginning", "--json", "--token", "t.n2") as process:
        assert [event_id(line) for line in await lines_of(process, 2)] == ["order:moving@2", "order:moving@4"]


async def test_a_reader_of_the_pipe_may_leave(settings: Settings) -> None:
    async with following(settings, "--from-beginning", "--json") as process, publishing(settings) as lanes:
        await lines_of(process, 1)
        assert process.stdout is not None
        process.stdout._transport.close()  # type: ignore[attr-defined]
        await lanes.publish([order("n1", 10, 1)])
        assert process.stderr is not None
        assert await process.stderr.read() == b""
