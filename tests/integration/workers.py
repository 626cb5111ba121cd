"""Real workers in processes of their own, and what they left in Kafka and Redis."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
from aiokafka import TopicPartition

from app.reading import reading
from app.settings import Settings
from streams.core.results import Result
from streams.records import Message
from streams.topics import CONVERSION, DEAD_LETTER, physical
from tests.integration.kafka import read_decided
from tests.pure_worker import Sums
from tests.waiting import until


class Ended(NamedTuple):
    """How a process ended and what it said on stderr, but for what is no news."""

    status: int
    said: str


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a command finds these settings."""
    named = {f"REDCAT_{name.upper()}": str(value) for name, value in vars(settings).items() if value is not None}
    return {name: value for name, value in os.environ.items() if not name.startswith("REDCAT_")} | named


async def start(
    settings: Settings, *arguments: str, stdout: int = asyncio.subprocess.DEVNULL, module: str = "app"
) -> asyncio.subprocess.Process:
    """`redcat ARGUMENTS` as a process, or another module."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        env=environment(settings), cwd=Path(__file__).parents[2],
        stdout=stdout, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def run(settings: Settings, *arguments: str) -> Ended:
    """`redcat ARGUMENTS` to its end."""
    process = await start(settings, *arguments)
    _, said = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, "".join(line for line in said.decode().splitlines(True) if not _is_info(line)))


def _is_info(line: str) -> bool:
    return line.startswith("{") and json.loads(line)["level"] == "info"


async def until_ready(settings: Settings, patience_s: float) -> None:
    """Wait until the server at REDCAT_HTTP can show figures."""
    async with httpx.AsyncClient(base_url=f"http://{settings.http}") as client:
        await until(lambda: is_ready(client), patience_s=patience_s)


async def is_ready(client: httpx.AsyncClient, path: str = "/ready") -> bool:
    """Whether a server answers so."""
    try:
        return (await client.get(path)).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that is killed at the end if it still runs."""
    process = await start(settings, "worker")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


async def landed(settings: Settings) -> Sums:
    """What all workers together have made of their input."""
    sums = Sums()
    async with reading(settings) as reader:
        async for note_id, cells in reader.notes():
            for cell, counters in cells:
                text = "|".join(part or "" for part in cell)
                sums.cells.update({(note_id, text, name): count for name, count in counters.items()})
        sums.ledger.update(await reader.ledger())
    sums.published = [
        msgspec.json.decode(record.value or b"", type=Result) for record in await committed(settings, CONVERSION)
    ]
    sums.messages = [
        Message(DEAD_LETTER, record.partition, record.timestamp, record.key, record.value, list(record.headers))
        for record in await committed(settings, DEAD_LETTER)
    ]
    return sums


async def committed(settings: Settings, topic: str) -> Sequence[Message]:
    """All committed records of a topic, as they are to a reader with isolation level read_committed."""
    name = physical(settings.topic_prefix, topic)
    places = [TopicPartition(name, partition) for partition in range(settings.partitions)]
    return [
        Message(topic, one.partition, one.timestamp, one.key, one.value, list(one.headers))
        for one in await read_decided(settings.kafka, places)
    ]
