"""`redcat forget`."""

import asyncio
import json
import os
import re
import sys
import time
from typing import Annotated, Final

import typer

from app.explaining.times import zone
from app.forgetting.forget import Contents, Forgotten, contents, forget, forgotten_before
from app.forgetting.texts import forgetting_texts
from app.reading import reading
from app.settings import TOML_FILE, Settings
from streams.core.facts import ID_PATTERN

UNKNOWN: Final = 1
REFUSED: Final = 2


def command(
    token: Annotated[str, typer.Argument(help="The token whose journey is to be erased.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed where there is no terminal.")] = False,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help='Print {"facts": N, "orders": N, "at_ms": MS, "token_hash": HEX}.'),
    ] = False,
) -> None:
    """Erase the journey of a token and its entries in the index of orders; what it counted stays counted.

    That it was done is recorded with the time and a keyed hash of the token.  Its records in Kafka's topics cannot be
    erased: input, results and dead letters stay as long as the topics keep them, and a rebuild reads them again.  What
    still arrives for the token begins a new journey.  Exit status 1 if nothing is held of the token.
    """
    if not re.fullmatch(ID_PATTERN, token):
        raise typer.BadParameter("it is no token: those have at most 128 letters, digits and . _ ~ : @ + -")
    texts = forgetting_texts(lang, os.environ)
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(texts.no_terminal, file=sys.stderr)
        raise typer.Exit(REFUSED)
    settings = Settings.from_env(os.environ, TOML_FILE)
    if not yes:
        found = asyncio.run(_look(settings, token))
        if found is not None and not typer.confirm(_question(found, texts.question), err=True):
            raise typer.Abort
    forgotten, before = asyncio.run(_forget(settings, token))
    if forgotten is None:
        said = texts.forgotten_before if before else texts.unknown
        print(said.format(group=settings.group, time=zone(None).short(max(before, default=0))), file=sys.stderr)
        raise typer.Exit(UNKNOWN)
    if as_json:
        print(json.dumps(forgotten._asdict()))
    else:
        print(
            texts.done.format(facts=f"{forgotten.facts:,}", orders=f"{forgotten.orders:,}", hash=forgotten.token_hash)
        )


def _question(found: Contents, question: str) -> str:
    return question.format(facts=f"{found.facts:,}", orders=f"{len(found.orders):,}")


async def _look(settings: Settings, token: str) -> Contents | None:
    async with reading(settings) as reader:
        return await contents(reader, token)


async def _forget(settings: Settings, token: str) -> tuple[Forgotten | None, list[int]]:
    """What was forgotten, and when the token was forgotten before."""
    async with reading(settings) as reader:
        before = await forgotten_before(reader, settings.group, token)
        return await forget(reader, settings.group, token, lambda: time.time_ns() // 1_000_000), before
