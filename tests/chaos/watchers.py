"""Who watches the results all the while: a reader of committed records, and the consumer kit's billing example."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Final

import msgspec
from aiokafka.errors import KafkaError

from app.consumer_kit.conversions import Reader, reading
from app.local_stack.server_process import ServerProcess
from app.settings import Settings
from app.simulator.compare import kept
from streams.topics import CONVERSION, physical

AGAIN_S: Final = 0.2
LOOK_EVERY_S: Final = 0.2
SHOWN: Final = 20
ROOT: Final = Path(__file__).parents[2]

log = logging.getLogger(__name__)


class _Identity(msgspec.Struct, gc=False):
    token: str
    result_id: str
    revision: int


_identity_in = msgspec.json.Decoder(_Identity).decode


class Committed:
    """Reads the topic from the beginning on, as a consumer with isolation level read_committed does.

    Within a partition the revisions of an identity must grow: one that does not is told twice, or too late.
    """

    def __init__(self, settings: Settings) -> None:
        self.records = 0
        self._latest: dict[str, bytes] = {}  # values of records, by identity ("TOKEN RESULT_ID")
        self.twice = 0  # with the revision that was the latest
        self.older = 0  # with a revision below that
        self.examples: list[str] = []
        self._topic = physical(settings.topic_prefix, CONVERSION)
        self._kafka = settings.kafka
        self._revisions: dict[str, int] = {}
        self._positions: dict[int, int] = {}

    async def follow(self) -> None:
        """Read what comes, until cancelled; a Kafka that is away is waited for."""
        while True:
            try:
                async with reading(self._topic, self._positions, bootstrap_servers=self._kafka) as reader:
                    while True:
                        await self._take(reader)
            except (KafkaError, OSError, TimeoutError) as error:
                log.info("reading again", extra={"error": repr(error)})
            await asyncio.sleep(AGAIN_S)

    def latest(self) -> dict[str, bytes]:
        """By identity, what is compared of the latest result."""
        return {identity: kept(value, full=False) for identity, value in self._latest.items()}

    async def read_to_end(self) -> None:
        """Read what is there now."""
        async with reading(self._topic, self._positions, bootstrap_servers=self._kafka) as reader:
            ends = await reader.ends()
            while not await reader.reached(ends):
                await self._take(reader)

    async def _take(self, reader: Reader) -> None:
        batch = await reader.poll()
        for value in batch.values:
            self._add(value)
        self._positions |= batch.positions

    def _add(self, value: bytes) -> None:
        found = _identity_in(value)
        identity = f"{found.token} {found.result_id}"
        known = self._revisions.get(identity, -1)
        self.records += 1
        if found.revision > known:
            self._revisions[identity] = found.revision
            self._latest[identity] = value
            return
        self.twice += found.revision == known
        self.older += found.revision < known
        if len(self.examples) < SHOWN:
            self.examples.append(f"{identity}: revision {found.revision} was read after {known}")


class Billing:
    """The example that bills, in a process of its own; it goes on from its database whenever it was ended."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._command = [
            "/usr/bin/env", f"PYTHONPATH={ROOT}",
            sys.executable, "-m", "app.consumer_kit.billing", str(folder / "billing.sqlite"),
            "--kafka", settings.kafka, "--topic", physical(settings.topic_prefix, CONVERSION),
        ]  # fmt: skip
        self._process = ServerProcess("billing", folder / "billing.log")

    async def run(self) -> None:
        """Start it again whenever it has ended, until cancelled."""
        try:
            while True:
                await self._process.start(self._command)
                await self._process.wait()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self._process.kill()

    async def kill(self) -> None:
        """End it at once."""
        await self._process.kill()

    async def statement(self) -> dict[str, dict[str, dict[str, int]]]:
        """What it has billed when it has read to the end, by note and currency."""
        process = await asyncio.create_subprocess_exec(
            *self._command, "--until-end", "--json", stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
        bills: dict[str, dict[str, dict[str, int]]] = msgspec.json.decode(printed)
        return bills
