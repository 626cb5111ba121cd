"""`redcat demo`."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Coroutine
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from app.demo import demo_config, demonstration
from app.demo_run import Verdict
from app.demo_stage import Stage
from app.demo_traffic import keep_flowing
from app.live_view import LiveView, PlainView
from app.simulator.config import SimulatorConfig
from app.texts import language_of, texts

SHOWN: Final = 20
WRONG: Final = 1
TERMINATED: Final = 128 + signal.SIGTERM
FULL_RESULTS_UP_TO: Final = 50_000  # events; beyond it memory matters more than which field is wrong


def command(
    events: Annotated[int, typer.Option(help="Records to send.", min=1)] = 200_000,
    seed: Annotated[int, typer.Option(help="Other seeds make other traffic.")] = 1,
    no_view: Annotated[bool, typer.Option("--no-view", help="A line now and then instead of the live table.")] = False,
    stay: Annotated[bool, typer.Option("--stay", help="Go on after the comparison, until Ctrl-C.")] = False,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
) -> None:
    """See it all at once: Kafka and Valkey start, traffic flows, counters grow, and all is compared with the truth.

    The dashboard is served meanwhile, at REDCAT_HTTP's default if that is free.
    """
    logging.getLogger("app.alerts").setLevel(logging.WARNING)
    now_ms = time.time_ns() // 1_000_000
    config = demo_config(events, seed, now_ms, full_results=events <= FULL_RESULTS_UP_TO)
    spoken = language_of(lang, os.environ)
    console, language = Console(stderr=True), texts(spoken, os.environ)
    live = console.is_terminal and not no_view
    title = language.title.format(seed=seed)
    view = LiveView(language, console, title) if live else PlainView(language, console)
    try:
        wrong = asyncio.run(_until_terminated(_demonstrate(config, Stage(spoken, console, view), stay=stay)))
    except asyncio.CancelledError:
        raise typer.Exit(TERMINATED) from None
    raise typer.Exit(WRONG if wrong else 0)


async def _until_terminated(demonstrating: Coroutine[Any, Any, int]) -> int:
    """The result, unless SIGTERM comes; Ctrl-C is asyncio's own affair."""
    task = asyncio.create_task(demonstrating)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _demonstrate(config: SimulatorConfig, stage: Stage, *, stay: bool) -> int:
    """The number of differences."""
    async with demonstration(config, stage) as (verdict, settings):
        _report(verdict)
        if stay:
            stage.say(stage.texts.stays, redis=settings.redis, address=f"http://{settings.http}/")
            await keep_flowing(settings, config)
            await asyncio.Event().wait()
    return len(verdict.wrong)


def _report(verdict: Verdict) -> None:
    for difference in verdict.wrong[:SHOWN]:
        print(difference)
    print(f"{verdict.notes} notes, {verdict.results} results: {len(verdict.wrong)} wrong", flush=True)
