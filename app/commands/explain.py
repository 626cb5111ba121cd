"""`redcat explain`."""

import asyncio
import os
import re
import sys
import time
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from app.explaining.explanation import Explained, explained, explained_order, json_of
from app.explaining.texts import explain_texts
from app.explaining.texts_en import ExplainTexts
from app.explaining.times import Zone, zone
from app.explaining.view import View
from app.explaining.writing import write
from app.reading import reading
from app.redis_store.journey_reader import JourneyReader
from app.settings import TOML_FILE, Settings
from app.texts import language_of
from streams.core.facts import ID_PATTERN

UNKNOWN: Final = 1


def command(
    token: Annotated[str | None, typer.Argument(help="The tracking token.", show_default=False)] = None,
    order: Annotated[str | None, typer.Option(help="Instead of a token: the journeys that hold this order.")] = None,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    tz: Annotated[str | None, typer.Option(help="Time zone, such as Asia/Shanghai; without it the machine's.")] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help='Print the explanation; with --order {"order_id", "journeys": [...]}.'),
    ] = False,
) -> None:
    """Tell why every entry, action and order under a token came out as it did.

    What happened, by time, then each result with all clicks that were looked at and the rule, window and policy by
    which they won or lost.
    """
    if (token is None) == (order is None):
        raise typer.BadParameter("give either a token or --order")
    if not re.fullmatch(ID_PATTERN, token or order or ""):
        raise typer.BadParameter(f"{token or order!r} is no id: those have 1 to 128 letters, digits and . _ ~ : @ + -")
    settings, at = Settings.from_env(os.environ, TOML_FILE), zone(tz)
    words = explain_texts(language_of(lang, os.environ))
    found = asyncio.run(_read(settings, token, order))
    if as_json and order is not None:
        print(orjson.dumps({"order_id": order, "journeys": [json_of(one) for one in found]}).decode())
    elif as_json and found:
        print(orjson.dumps(json_of(found[0])).decode())
    elif found:
        _show(found, words, at, order)
    if not found:
        what = (words.order if token is None else words.token).format(id=token or order)
        print(words.unknown.format(what=what, group=settings.group), file=sys.stderr)
        raise typer.Exit(UNKNOWN)


async def _read(settings: Settings, token: str | None, order: str | None) -> list[Explained]:
    """The journey of the token, or all that hold the order."""
    async with reading(settings) as reader:
        journeys = JourneyReader(reader)
        if order is not None:
            return await explained_order(journeys, order)
        one = await explained(journeys, token or "")
        return [] if one is None else [one]


def _show(found: list[Explained], words: ExplainTexts, at: Zone, order: str | None) -> None:
    console = Console(highlight=False)
    if len(found) > 1:
        console.print(words.reused.format(order=order, count=len(found)), style="yellow", soft_wrap=True, markup=False)
    for number, one in enumerate(found):
        if number or len(found) > 1:
            console.print()
        write(View(one, words, at, time.time_ns() // 1_000_000).lines(order), console)
