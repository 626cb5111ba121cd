"""The process of `redcat serve`: read model, API and dashboard in one, and the end of it."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from app.alerts.store import AlertDesk
from app.api.access import LOOPBACK_HOSTS, Access
from app.api.application import build_api
from app.api.server import Server
from app.connections import redis_address, until_answered
from app.dashboard.mounting import mount
from app.dashboard.remembered import Remembered
from app.dashboard.visit import Site
from app.metrics.instruments import Instruments
from app.metrics.loop import show_loop_delay
from app.metrics.table import SERVER
from app.redis_store.alerts import AlertStore
from app.redis_store.link import dialler
from app.redis_store.party_keys import PartyKeys
from app.settings import Settings, host_and_port
from app.viewing.history import History
from app.viewing.model import ReadModel
from streams.errors import Misconfigured

log = logging.getLogger(__name__)

STOP_S = 5  # for answers that are under way


class UvicornServer(uvicorn.Server):
    """Ends open streams before it waits for answers that are under way."""

    def __init__(self, config: uvicorn.Config, model: ReadModel) -> None:
        super().__init__(config)
        self._model = model

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order at SIGINT and SIGTERM; uvicorn would end the process by the signal itself once more."""
        loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._model.ticks.close()
        await super().shutdown(sockets)


def build_server(settings: Settings) -> Server:
    """What all routes share, for these settings; nothing is connected yet."""
    host, _ = host_and_port(settings.http, "http", lowest_port=0)
    instruments = Instruments(SERVER)
    dial = dialler(redis_address(settings))
    access = Access(dial, settings.group, instruments, loopback=host in LOOPBACK_HOSTS)
    return Server(settings, ReadModel(settings), access, instruments)


def build_app(server: Server) -> FastAPI:
    """The API without the dashboard, of which a process can have only one."""
    return build_api(server)


@asynccontextmanager
async def following(server: Server) -> AsyncIterator[None]:
    """The read model follows the store meanwhile."""
    delay = server.instruments.gauge("redcat_loop_delay_seconds")
    work = (server.model.run(), server.model.latest.run(), show_loop_delay(delay), _spare_collector(server.model))
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        server.access.close()


async def _spare_collector(model: ReadModel) -> None:
    """Keep the garbage collector from what stays: looking through all that was loaded would hold everybody up."""
    async for _ in model.ticks.listen():
        if model.ready:
            gc.freeze()
            return


async def require_keys(settings: Settings) -> None:
    """Misconfigured if others could reach the server although there is no key that would tell who they are."""
    host, _ = host_and_port(settings.http, "http", lowest_port=0)
    if host in LOOPBACK_HOSTS:
        return
    dial = dialler(redis_address(settings))
    link = await until_answered(lambda: dial(0), server=f"Redis at {settings.shown()['redis']}")
    try:
        if not await PartyKeys(link, settings.group).all():
            raise Misconfigured(
                f"REDCAT_HTTP={settings.http} can be reached by others, and there is no key yet that says who may see "
                "what: make one with `redcat keys create admin`, or serve 127.0.0.1 only"
            )
    finally:
        link.close()


def listen(settings: Settings) -> socket.socket:
    """A socket at REDCAT_HTTP; Misconfigured if that address cannot be had."""
    host, port = host_and_port(settings.http, "http", lowest_port=0)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise Misconfigured(f"REDCAT_HTTP={settings.http} cannot be listened at: {error.strerror or error}") from error


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    await require_keys(settings)
    server = build_server(settings)
    app = build_app(server)
    alerts = AlertStore(dialler(redis_address(settings)), settings.group)
    mount(app, Site(server.model, server.access, History(server.model), AlertDesk(alerts), Remembered()))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=STOP_S, server_header=False,
        date_header=False, lifespan="on",
    )  # fmt: skip
    with listen(settings) as listening:
        host, port = listening.getsockname()[:2]
        log.info("serving", extra={"address": f"http://{f'[{host}]' if ':' in host else host}:{port}"})
        async with following(server):
            await UvicornServer(config, server.model).serve([listening])
