"""The proxy between workers and servers: it passes everything on, unless it is told otherwise."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.local_stack.server_process import free_port
from tests.chaos.proxy import Proxy

LONG = bytes(range(256)) * 4_000


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A proxy in front of a server that sends back what it gets."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Proxy(free_port(), server.sockets[0].getsockname()[1]) as made:
        yield made


async def said_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bytes:
    writer.write(data)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(data))


async def test_what_goes_in_comes_out(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await said_back(reader, writer, LONG) == LONG
    writer.close()


async def test_a_cut_resets_what_is_open_and_nothing_else(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await said_back(reader, writer, b"before") == b"before"
    proxy.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said_back(reader, writer, b"after")
    writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await said_back(reader, writer, b"again") == b"again"
    writer.close()


async def test_what_is_held_arrives_when_it_is_let_go(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    proxy.hold()
    answer = asyncio.create_task(said_back(reader, writer, b"held"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(answer), 0.05)
    proxy.let_go()
    assert await answer == b"held"
    writer.close()


async def test_without_a_server_connections_are_closed(proxy: Proxy) -> None:
    proxy.target_port = free_port()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await said_back(reader, writer, b"nobody")
    writer.close()
