"""Connections that break, hang or lead elsewhere: the lane must be acquired anew."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.connections import RedisAddress
from app.redis_store.link import dialler
from app.redis_store.resp import command
from app.redis_store.store import RedisStore
from streams.errors import Misconfigured, RedcatError, Unavailable
from streams.records import Tip
from tests.contract.builders import CELL, change
from tests.contract.places import SHARDS, RedisPlace

LANE = 1

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[int]:
    """A server on a port of its own that is no Redis."""
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await answer(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*served)


def store_at(port: int, password: str | None = None, timeout_s: float = 5.0) -> RedisStore:
    address = RedisAddress((("127.0.0.1", port),), 0, None, password, tls=False)
    return RedisStore(dialler(address, timeout_s), "redcat", 1)


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def speak_http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    return


@pytest.mark.parametrize(
    ("answer", "text"),
    [(hang, "no answer within 0.05 s"), (speak_http, "does not speak the Redis protocol"), (hang_up, "connection")],
)
async def test_a_server_that_is_none_is_unavailable(answer: Answer, text: str) -> None:
    async with listening(answer) as port:
        with pytest.raises(Unavailable, match=text):
            await store_at(port, timeout_s=0.05).acquire(0, "first")


async def test_nobody_listening_is_unavailable() -> None:
    async with listening(hang_up) as port:
        pass
    with pytest.raises(Unavailable, match=f"Redis at 127.0.0.1:{port} cannot be reached"):
        await store_at(port).acquire(0, "first")


async def test_an_answer_that_does_not_come_is_unavailable_and_so_is_all_that_follows(server: RedisPlace) -> None:
    store = RedisStore(dialler(server.address, timeout_s=0.1), server.group, SHARDS)
    tip = (await store.acquire(LANE, "first")).tip
    await server.back_door.client_pause(60_000, all=False)
    with pytest.raises(Unavailable, match="no answer within"):
        await store.commit(LANE, tip, change())
    await server.back_door.client_unpause()
    with pytest.raises(Unavailable):
        await store.probe(LANE, tip)
    await store.close()


async def test_a_wrong_password_is_misconfigured_and_not_told(server: RedisPlace) -> None:
    secret = "correct-horse-battery"
    host_port = server.address.nodes
    address = RedisAddress(host_port, 0, "nobody", secret, tls=False)
    with pytest.raises(Misconfigured, match="WRONGPASS") as raised:
        await dialler(address)(0)
    assert secret not in str(raised.value)
    assert secret not in repr(address)


async def test_a_cut_connection_ends_the_ownership_until_the_lane_is_acquired_anew(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    await server.back_door.client_kill_filter(_type="normal", skipme=True)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await store.probe(LANE, tip)
        with pytest.raises(Unavailable):
            await store.commit(LANE, tip, change())
    tip = (await store.acquire(LANE, "second")).tip
    assert await store.commit(LANE, tip, change()) == Tip("second", 1)


async def connections(server: RedisPlace) -> int:
    """How many connections use the place's database."""
    clients = await server.back_door.client_list()
    return sum(client["db"] == str(server.address.database) for client in clients)


async def test_of_two_acquires_at_once_one_connection_is_left(server: RedisPlace) -> None:
    store = server.store()
    await asyncio.gather(*(store.acquire(LANE, f"owner{number}") for number in range(4)), return_exceptions=True)
    await store.acquire(LANE, "last")
    await store.probe(LANE, Tip("last", 0))
    await store.release(LANE)
    async with asyncio.timeout(5):
        while await connections(server) > 2:  # the back door's, and the one that asks what is in force
            pass


async def test_a_lane_that_was_released_must_be_acquired_anew(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    await store.release(LANE)
    with pytest.raises(Unavailable, match="not acquired"):
        await store.probe(LANE, tip)
    await store.release(LANE)


async def test_a_cancelled_commit_leaves_the_lane_usable(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    for steps in range(6):
        commit = asyncio.create_task(store.commit(LANE, tip, change(cells={"note": {CELL: {"clicks": 1}}})))
        for _ in range(steps):
            await asyncio.sleep(0)
        commit.cancel()
        await asyncio.gather(commit, return_exceptions=True)
        tip = (await store.acquire(LANE, f"owner{steps}")).tip
    state = await store.acquire(LANE, "last")
    assert (await server.counters() or {"note": {CELL: {"clicks": 0}}})["note"][CELL]["clicks"] == state.tip.sequence


async def test_a_stall_of_this_process_is_not_taken_for_one_of_the_server(server: RedisPlace) -> None:
    link = await dialler(server.address, timeout_s=0.05)(0)
    asked = asyncio.create_task(link.ask(command("PING")))
    await asyncio.sleep(0)
    time.sleep(0.1)  # noqa: ASYNC251  the stall
    assert await asked == [b"PONG"]
    assert await link.ask(command("PING")) == [b"PONG"]
    link.close()


async def test_a_request_on_a_closed_link_is_unavailable(server: RedisPlace) -> None:
    link = await server.dial(0)
    asked = asyncio.create_task(link.ask(command("PING")))
    await asyncio.sleep(0)
    link.close()
    with pytest.raises(Unavailable, match="was closed"):
        await asked
    with pytest.raises(RedcatError):
        await link.ask(command("PING"))
    link.tell(command("PING"))
