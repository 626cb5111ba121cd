"""`redcat worker`."""

import asyncio
import os
import signal
from typing import Annotated

import faust
import typer
import uvloop

from app.bootstrap import build_worker
from app.draining import drained
from app.logs import set_up_logs
from app.settings import TOML_FILE, Settings
from streams.errors import Unavailable


def command(
    drain: Annotated[
        bool,
        typer.Option(
            "--drain", help="Exit 0 when all that is in the topics now is counted and its results are readable."
        ),
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(help="With --drain: seconds until giving up with exit status 1.", min=0.0)
    ] = None,
    accept_lag: Annotated[
        bool,
        typer.Option(
            "--accept-lag",
            help="Go on although records have waited for longer than retention_slack, as `lane stopped` asked for.",
        ),
    ] = False,
) -> None:
    """Join, count and publish until stopped by Ctrl-C or SIGTERM; any number of workers may run."""
    if timeout is not None and not drain:
        raise typer.BadParameter("--timeout goes with --drain")
    set_up_logs()
    settings = Settings.from_env(os.environ, TOML_FILE)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, accept_lag=accept_lag, drain=drain, timeout_s=timeout))


async def _work(settings: Settings, *, accept_lag: bool, drain: bool, timeout_s: float | None) -> None:
    """Run a worker until it is asked to stop, fails, or has drained."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    app = build_worker(settings, accept_lag=accept_lag)
    app.finalize()
    ends = [asyncio.create_task(asked.wait()), asyncio.create_task(_until_crashed(app))]
    started = asyncio.create_task(app.start())
    try:
        await asyncio.wait([started, ends[0]], return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            started.result()
        if drain:
            ends.append(asyncio.create_task(_drain(settings, timeout_s)))
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (*ends, started):
            task.cancel()
        await asyncio.gather(*ends, started, return_exceptions=True)
        await app.stop()


async def _until_crashed(app: faust.App) -> None:
    """Return when the app is stopped; raise what it died of."""
    await app.wait_until_stopped()
    if app.crash_reason is not None:
        raise app.crash_reason


async def _drain(settings: Settings, timeout_s: float | None) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await drained(settings)
    except TimeoutError:
        raise Unavailable(f"not everything was counted and published within {timeout_s:g} s") from None
