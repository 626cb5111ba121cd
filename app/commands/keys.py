"""`redcat keys create`, `list` and `revoke`."""

import asyncio
import os
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.connections import redis_address, until_answered
from app.redis_store.link import dialler
from app.redis_store.party_keys import PartyKey, PartyKeys
from app.settings import TOML_FILE, Settings
from app.viewing.party import FORMS, parse_party

UNKNOWN: Final = 1
LABEL: Final = r"[^\x00-\x1f\x7f]{0,100}"
T = TypeVar("T")

command = typer.Typer(help="Who may see what over HTTP: keys of parties.")


@command.command()
def create(
    party: Annotated[str, typer.Argument(help=f"Whose it is: {FORMS}.")],
    label: Annotated[str, typer.Option(help="A word for the list, such as who got it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help='Print {"id", "party", "label", "key"}.')] = False,
) -> None:
    """Make a key and print it: once, for only a hash of it is kept."""
    try:
        whose = str(parse_party(party))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if not re.fullmatch(LABEL, label):
        raise typer.BadParameter("a label has at most 100 characters and no line breaks")
    key_id = secrets.token_hex(4)
    secret = f"rck_{key_id}_{secrets.token_urlsafe(32)}"
    key = PartyKey(key_id, whose, label, time.time_ns() // 1_000_000)
    _with_keys(lambda keys: keys.add(secret, key))
    if as_json:
        print(orjson.dumps({"id": key_id, "party": whose, "label": label, "key": secret}).decode())
        return
    print(secret)
    print(f"redcat: this is key {key_id} of {whose}; keep it, it cannot be shown again", file=sys.stderr)


@command.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print a list of keys.")] = False) -> None:
    """List the keys that are in force, without their secrets."""
    keys = sorted(_with_keys(lambda keys: keys.all()).values(), key=lambda key: (key.created_ms, key.id))
    if as_json:
        told = [{"id": key.id, "party": key.party, "label": key.label, "created_ms": key.created_ms} for key in keys]
        print(orjson.dumps(told).decode())
    elif keys:
        _show(keys)
    else:
        print("there are no keys: the server serves this machine only, and shows it all", file=sys.stderr)


@command.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `redcat keys list` shows it.")]) -> None:
    """Take a key out of force at once, with the sessions and streams that it began."""
    key = _with_keys(lambda keys: keys.revoke(key_id))
    if key is None:
        print(f"redcat: there is no key {key_id}; `redcat keys list` shows those there are", file=sys.stderr)
        raise typer.Exit(UNKNOWN)
    print(f"redcat: key {key.id} of {key.party} is revoked", file=sys.stderr)


def _show(keys: list[PartyKey]) -> None:
    table = Table("key", "party", "label", "created (UTC)", box=None)
    for key in keys:
        created = datetime.fromtimestamp(key.created_ms / 1_000, UTC)
        table.add_row(key.id, key.party, key.label, f"{created:%Y-%m-%d %H:%M}")
    Console().print(table)


def _with_keys(work: Callable[[PartyKeys], Awaitable[T]]) -> T:
    return asyncio.run(_connected(Settings.from_env(os.environ, TOML_FILE), work))


async def _connected(settings: Settings, work: Callable[[PartyKeys], Awaitable[T]]) -> T:
    dial = dialler(redis_address(settings))
    link = await until_answered(lambda: dial(0), server=f"Redis at {settings.shown()['redis']}")
    try:
        return await work(PartyKeys(link, settings.group))
    finally:
        link.close()
