"""A TCP proxy on the loopback address that can be cut, slowed and made deaf."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024


class Proxy:
    """Passes bytes between its port and a server's; an async context manager."""

    def __init__(self, port: int, target_port: int) -> None:
        self.port = port
        self.target_port = target_port  # of connections that are yet to come
        self.delay_s = 0.0  # before each chunk goes on, one chunk after the other
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._away = False
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def cut(self) -> None:
        """Reset all connections; new ones are taken."""
        for writer in self._open:
            writer.transport.abort()

    def hold(self) -> None:
        """Let no byte through until `let_go`; connections stay open, and new ones are taken."""
        self._flowing.clear()

    def let_go(self) -> None:
        """Let bytes through again, those that wait first."""
        self._away = False
        self._flowing.set()

    def close(self) -> None:
        """Reset all connections, and every new one, until `let_go`: nobody is there."""
        self._away = True
        self.cut()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed in the next turn of the loop

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(OSError):
                if not self._away:
                    await self._connect(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
        self._open.add(back)
        ways = [asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(there, writer))]
        try:
            # When one side has ended, what it sent is through.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(back)
            back.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self._flowing.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            sink.write(data)
            await sink.drain()
