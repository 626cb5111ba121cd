"""The embedded Kafka and Valkey together."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from app.local_stack.jars import Progress, silent
from app.local_stack.kafka_server import KafkaServer
from app.local_stack.valkey_server import ValkeyServer
from streams.errors import Unavailable


class LocalStack:
    """Both servers as an async context manager; without `data` they forget everything when they stop."""

    def __init__(self, kafka_port: int, redis_port: int, data: Path | None = None) -> None:
        self._temporary = data is None
        self.data = Path(tempfile.mkdtemp(prefix="redcat-")) if data is None else data
        self.kafka_server = KafkaServer(kafka_port, self.data / "kafka")
        self.valkey_server = ValkeyServer(redis_port, self.data / "valkey", durable=data is not None)

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap address."""
        return self.kafka_server.address

    @property
    def redis(self) -> str:
        """Valkey's URL."""
        return self.valkey_server.url

    async def start(self, progress: Progress = silent) -> None:
        """Start both and return when both are ready; if one cannot start, neither stays."""
        try:
            async with asyncio.TaskGroup() as starts:
                starts.create_task(self.kafka_server.start(progress))
                starts.create_task(self.valkey_server.start())
        except BaseException as error:
            await self.stop()
            raise (error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error) from None

    async def stop(self) -> None:
        """Stop both."""
        await asyncio.gather(self.kafka_server.stop(), self.valkey_server.stop())
        if self._temporary:
            shutil.rmtree(self.data, ignore_errors=True)

    async def until_one_ends(self) -> None:
        """Wait for as long as both serve; raises Unavailable with the last lines of the log of the one that ended."""
        servers = (self.kafka_server.process, self.valkey_server.process)
        ends = [asyncio.create_task(server.wait()) for server in servers]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        ended = next(server for server in servers if not server.running)
        raise Unavailable(f"{ended.name} ended by itself; the end of {ended.log}:\n{ended.last_lines()}")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
