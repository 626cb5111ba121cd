"""A worker, and the server that shows what it counts, in processes of their own."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NoReturn

from app.local_stack.server_process import ServerProcess
from app.settings import Settings
from streams.errors import Unavailable

PREFIX: Final = "REDCAT_"
CODE: Final = Path(__file__).parent.parent


@asynccontextmanager
async def running_worker(settings: Settings, folder: Path) -> AsyncIterator[ServerProcess]:
    """A worker that works in `folder` and logs to `worker.log` there; it hands over and ends with the context."""
    async with _running("worker", "worker", settings, folder) as worker:
        yield worker


@asynccontextmanager
async def running_server(settings: Settings, folder: Path) -> AsyncIterator[ServerProcess]:
    """The HTTP server, logging to `server.log`; ends with the context."""
    async with _running("server", "serve", settings, folder) as server:
        yield server


async def until_ended(process: ServerProcess) -> NoReturn:
    """Wait for as long as it works; raises Unavailable with the end of its log."""
    status = await process.wait()
    raise Unavailable(
        f"the {process.name} ended with status {status}; the end of {process.log}:\n{process.last_lines()}"
    )


@asynccontextmanager
async def _running(name: str, command: str, settings: Settings, folder: Path) -> AsyncIterator[ServerProcess]:
    process = ServerProcess(name, folder / f"{name}.log")
    await process.start(_command(command, settings, folder, os.environ))
    try:
        yield process
    finally:
        await process.stop()


def _command(command: str, settings: Settings, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What runs a command under just these settings, whatever the environment and the present folder say."""
    inherited = dict.fromkeys((name for name in environment if name.startswith(PREFIX)), "")
    own = {f"{PREFIX}{name.upper()}": str(value) for name, value in vars(settings).items() if value is not None}
    path = os.pathsep.join(filter(None, (str(CODE), environment.get("PYTHONPATH"))))
    assignments = [f"{name}={value}" for name, value in {**inherited, **own, "PYTHONPATH": path}.items()]
    # A folder of its own: a redcat.toml in the present one is not for this worker.
    return ["sh", "-c", 'cd "$0" && exec env "$@"', str(folder), *assignments, sys.executable, "-m", "app", command]
