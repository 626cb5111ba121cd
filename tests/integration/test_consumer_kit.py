"""The example of a consumer on a real Kafka: exact through its own death."""

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pytest_asyncio

from app.consumer_kit.billing import Line
from app.consumer_kit.published import Record, order, without_money
from app.local_stack.kafka_server import KafkaServer
from app.settings import Settings
from app.topic_admin import create_topics
from tests.conftest import Namespace
from tests.integration.publishing import Lanes, publishing
from tests.integration.workers import environment

PARTITIONS = 2
PATIENCE_S = 30
KILLS = 5
BATCH = 20
NOTES = 30


@pytest_asyncio.fixture
async def settings(kafka_server: KafkaServer, namespace: Namespace) -> Settings:
    """A namespace of this test with its topics."""
    made = Settings(
        kafka=kafka_server.address, topic_prefix=namespace.prefix, group=namespace.group, partitions=PARTITIONS
    )
    await create_topics(made)
    return made


class Traffic:
    """Results of orders that change all the time, and what they amount to, computed plainly."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._revision = 0
        self._truth: dict[str, Line | None] = {}

    def some(self) -> list[Record]:
        """The next results."""
        self._revision += 1
        orders = {self._chance.randrange(2_000) for _ in range(BATCH)}
        return [self._told(f"t{number} o{number}") for number in orders]

    def statement(self) -> list[Line]:
        """The right totals."""
        totals: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for line in filter(None, self._truth.values()):
            for place, amount in enumerate(line[2:]):
                totals[line.note_id, line.currency][place] += amount
        return [Line(*place, *amounts) for place, amounts in sorted(totals.items())]

    def _told(self, of: str) -> Record:
        note, currency = f"n{self._chance.randrange(NOTES):02}", self._chance.choice(("CNY", "USD"))
        if self._chance.random() < 0.3:
            self._truth[of] = None
            return without_money(note, self._revision, self._chance.choice(("held", "withdrawn", "void")), of=of)
        gross = self._chance.randrange(1, 10_000)
        refunded = self._chance.choice((0, gross // 3))
        self._truth[of] = Line(note, currency, 1, gross, refunded)
        return order(note, self._revision, gross, refunded, of=of, currency=currency)


async def billing(settings: Settings, database: Path, *arguments: str) -> asyncio.subprocess.Process:
    """The example as a process."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.consumer_kit.billing", str(database), "--batch", str(BATCH), *arguments,
        env=environment(settings), cwd=Path(__file__).parents[2], stdout=subprocess.PIPE,
    )  # fmt: skip


def read_so_far(database: Path) -> int:
    """How many offsets a bill covers."""
    with closing(sqlite3.connect(database, timeout=PATIENCE_S)) as opened:
        try:
            (read,) = opened.execute("SELECT sum(position) FROM positions").fetchone()
        except sqlite3.OperationalError:  # no table yet
            return 0
    return int(read or 0)


async def flow(lanes: Lanes, traffic: Traffic, stopped: asyncio.Event) -> None:
    """Publish without a pause."""
    while not stopped.is_set():
        await lanes.publish(traffic.some())


async def test_billing_is_exact_through_its_own_kill_9_while_results_flow(settings: Settings, tmp_path: Path) -> None:
    database, traffic, chance, stopped = tmp_path / "bills.sqlite", Traffic(seed=3), random.Random(4), asyncio.Event()
    async with publishing(settings) as lanes, asyncio.TaskGroup() as group:
        group.create_task(flow(lanes, traffic, stopped))
        for _ in range(KILLS):
            enough = read_so_far(database) + chance.randrange(1, 400)
            process = await billing(settings, database)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    while read_so_far(database) < enough:
                        await asyncio.sleep(0.001)
            finally:
                process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
        stopped.set()

    last = await billing(settings, database, "--until-end", "--json")
    stated, _ = await last.communicate()
    lines = [
        Line(note, currency, **amounts) for note, of in json.loads(stated).items() for currency, amounts in of.items()
    ]
    assert lines == traffic.statement()
    assert len(lines) == 2 * NOTES
