"""`redcat alerts list`, `silence`, `unsilence` and `ack`: what there is, and what people say to it."""

import asyncio
import getpass
import os
import sys
from typing import Annotated, Any

import msgspec
import typer

from app.alerts.store import Alerts, alert_desk
from app.alerts.triage import clock
from app.commands.alerts_lines import milliseconds_of, print_record
from app.settings import TOML_FILE, Settings
from app.texts import language_of

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Lang = Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")]
Duration = Annotated[str, typer.Option("--for", help="How long, such as 30m, 4h or 2d.")]
Why = Annotated[str, typer.Option(help="For the others.")]


def show(lang: Lang = None, as_json: AsJson = False) -> None:
    """Show what is pending, firing and over, and what is silenced."""
    settings = Settings.from_env(os.environ, TOML_FILE)
    alerts = asyncio.run(_look(settings))
    if as_json:
        print(msgspec.json.encode(_as_json(alerts)).decode())
        return
    language = language_of(lang, os.environ)
    for record in [*alerts.live, *alerts.recent]:
        print_record(record, language, acknowledged=record.alert_id in alerts.asked.acknowledged)
    for silence in alerts.asked.silences.values():
        until = clock(silence.until_ms)
        print(
            f"silence {silence.silence_id}: rule {silence.rule}, {silence.scope}, until {until} {silence.why}".rstrip()
        )
    if not alerts.at_ms:
        print("nothing was evaluated yet: `redcat alerts run` does", file=sys.stderr)
    elif not alerts.live and not alerts.recent:
        print(f"no alerts; evaluated up to {clock(alerts.at_ms)}", file=sys.stderr)


def silence(
    scope: Annotated[str, typer.Option(help="KIND:ID or KIND:PREFIX*, with all that lies in it.")] = "*",
    rule: Annotated[str, typer.Option(help="Only alerts of this rule.")] = "*",
    duration: Duration = "1h",
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Tell nobody about some alerts for a while; they are published all the same."""
    if scope == rule == "*":
        raise typer.BadParameter("say --scope or --rule, or both: --scope '*' --rule NAME silences a rule everywhere")
    settings = Settings.from_env(os.environ, TOML_FILE)
    for_ms = milliseconds_of(duration, "--for")

    async def put() -> bytes:
        async with alert_desk(settings) as desk:
            return msgspec.json.encode(await desk.silence(rule=rule, scope=scope, for_ms=for_ms, by=_me(), why=why))

    made = msgspec.json.decode(asyncio.run(put()))
    if as_json:
        print(msgspec.json.encode(made).decode())
    else:
        print(f"silence {made['silence_id']} until {clock(made['until_ms'])} (Shanghai)")


def unsilence(silence_id: Annotated[str, typer.Argument(help="As `redcat alerts list` shows it.")]) -> None:
    """End a silence before its time."""
    settings = Settings.from_env(os.environ, TOML_FILE)

    async def end() -> None:
        async with alert_desk(settings) as desk:
            await desk.end_silence(silence_id)

    asyncio.run(end())
    print(f"silence {silence_id} is over")


def ack(
    alert_id: Annotated[str, typer.Argument(help="As `redcat alerts list` and every message show it.")], why: Why = ""
) -> None:
    """Say that you look after an alert: it is not told again while it lasts."""
    settings = Settings.from_env(os.environ, TOML_FILE)

    async def acknowledge() -> None:
        async with alert_desk(settings) as desk:
            await desk.acknowledge(alert_id, by=_me(), why=why)

    asyncio.run(acknowledge())
    print(f"alert {alert_id} is acknowledged: it is not told again while it lasts")


async def _look(settings: Settings) -> Alerts:
    async with alert_desk(settings) as desk:
        return await desk.look()


def _as_json(alerts: Alerts) -> dict[str, Any]:
    return {
        "at_ms": alerts.at_ms,
        "live": alerts.live,
        "recent": alerts.recent,
        "silences": list(alerts.asked.silences.values()),
        "acknowledged": list(alerts.asked.acknowledged.values()),
    }


def _me() -> str:
    """Who types, for the others to see."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
