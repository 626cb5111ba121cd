"""`redcat alerts run` and `test`: alerts at work."""

import asyncio
import math
import os
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
import typer

from app.alerts.channels.message import Message
from app.alerts.channels.specification import read_channels
from app.alerts.clocks import EventClock, WallClock
from app.alerts.record import AlertRecord
from app.alerts.telling import link_to
from app.alerts.triage import body_of, summary_of, title_of
from app.commands.alerts_lines import milliseconds_of, print_record
from app.reading import reading
from app.settings import TOML_FILE, Settings
from app.texts import language_of
from streams.errors import Misconfigured, RedcatError

FAILED: Final = 1
SENDING_S: Final = 60.0


Lang = Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")]


class Time(StrEnum):
    """By which clock alerts are evaluated."""

    wall = "wall"
    event = "event"


def run(
    every: Annotated[str, typer.Option(help="How often all counters are looked at, such as 60s.")] = "60s",
    by: Annotated[
        Time, typer.Option("--clock", help="event: as time passes in the traffic, for replays and simulations.")
    ] = Time.wall,
    as_json: Annotated[bool, typer.Option("--json", help="Each transition as it is published, one a line.")] = False,
    lang: Lang = None,
) -> None:
    """Evaluate the rules until stopped; any number may run, one of them acts and the others stand by.

    /metrics, /live and /ready are at REDCAT_METRICS.
    """
    settings = Settings.from_env(os.environ, TOML_FILE)
    every_s = milliseconds_of(every, "--every") / 1_000
    language = language_of(lang, os.environ)

    def told(records: Sequence[AlertRecord]) -> None:
        for record in records:
            print_record(record, None if as_json else language)
        sys.stdout.flush()

    chosen = WallClock(every_s) if by is Time.wall else EventClock(every_s)
    asyncio.run(_until_stopped(_run(settings, chosen, told, every_s if by is Time.wall else math.inf)))


async def _run(settings: Settings, chosen: WallClock | EventClock, told: Any, every_s: float) -> None:
    from app.alerts.health import Health  # slow to import
    from app.alerts.setup import evaluator

    health = Health(settings.metrics, every_s)
    health.start()
    try:
        async with evaluator(settings, chosen, told, health) as (one, delivery), asyncio.TaskGroup() as group:
            for work in (delivery.run(), health.watch_loop(), one.run(lambda: reading(settings))):
                group.create_task(work)
    finally:
        health.stop()


def try_channel(
    channel: Annotated[str | None, typer.Argument(help="Its name in REDCAT_ALERT_CHANNELS; without it all.")] = None,
) -> None:
    """Send a test message through a channel, at once and once; exit status 1 if it is not taken."""
    from app.alerts.channels.making import make_channel  # slow to import

    settings = Settings.from_env(os.environ, TOML_FILE)
    known = read_channels(settings.alert_channels)
    chosen = [one for one in known if channel in (None, one.name)]
    if not chosen:
        names = ", ".join(one.name for one in known) or "none: set REDCAT_ALERT_CHANNELS to NAME=URL ..."
        raise Misconfigured(f"no channel{f' {channel}' if channel else ''} to try; there are {names}")
    made = [(one.name, make_channel(one, settings.alert_secret)) for one in chosen]
    message = _test_message(settings)
    failed = False

    async def send() -> None:
        nonlocal failed
        for name, one in made:
            try:
                async with asyncio.timeout(SENDING_S):
                    await one.send(message)
                print(f"{name}: taken")
            except (RedcatError, TimeoutError) as error:
                failed = True
                print(f"{name}: {str(error) or 'no answer in time'}", file=sys.stderr)
            await one.close()

    asyncio.run(send())
    if failed:
        raise typer.Exit(FAILED)


def _test_message(settings: Settings) -> Message:
    now_ms = time.time_ns() // 1_000_000
    record = AlertRecord(
        alert_id=f"test-{now_ms}", rule="test", scope="all", id="*", state="firing", since_ms=now_ms, at_ms=now_ms,
        severity="info", metric="entry_rate", observed=0.0, expected=0.46, sample=100, reason="drop", summary="",
    )  # fmt: skip
    language = language_of(settings.alert_language, os.environ)
    record = msgspec.structs.replace(record, summary=summary_of(record, language))
    return Message(
        message_id=record.alert_id, event="test", alert=record, title=title_of(record, "test", language),
        body=body_of(record, [], language), link=link_to(settings.public_url, record), holds_for_s=60,
    )  # fmt: skip


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Work until SIGINT or SIGTERM, or until it fails."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
