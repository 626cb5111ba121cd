"""A small HTTP/1.1 client over asyncio streams: so cheap that what is measured is the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from streams.errors import Unavailable

OK: Final = 200
MOST_CONNECTIONS: Final = 64


class Pool:
    """Connections that are kept alive; a request takes one that is idle, opens another, or waits if there are many."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        async with self._free:
            reader, writer = await self._connection()
            writer.write(_request(path))
            status, headers = await _head(reader)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self._idle.append((reader, writer))
            return status, body

    async def good(self, path: str) -> bytes:
        """The body of an answer; Unavailable if it is none of success."""
        status, body = await self.get(path)
        if status != OK:
            raise Unavailable(f"{path} was answered with {status}: {body[:200]!r}")
        return body

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()  # the server closes what was idle for long
        return await asyncio.open_connection(*self._address)

    def close(self) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()


async def events(host: str, port: int, path: str) -> AsyncIterator[bytes]:
    """The data of the events of a stream, until it is given up."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_request(path))
        status, _ = await _head(reader)
        if status != OK:
            raise Unavailable(f"{path} was answered with {status}")
        while line := await reader.readline():
            if line.startswith(b"data: "):
                yield line[6:]
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    fields = (line.partition(": ") for line in head[1:] if line)
    return int(head[0].split(" ")[1]), {name.lower(): value for name, _, value in fields}
