"""`redcat topics compare`."""

import asyncio
import dataclasses
import os
import time
from typing import Annotated, Final

import orjson
import typer

from app.progress import progress_bar
from app.reading import reading
from app.rebuilding.comparing import compare_figures
from app.rebuilding.differences import Differences
from app.rebuilding.texts import difference_lines, rebuild_texts
from app.settings import TOML_FILE, Settings
from streams.errors import Misconfigured

DIFFERS: Final = 1


def compare(
    to_group: Annotated[str, typer.Option(help="The group of the other namespace.", show_default=False)],
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"equal": BOOL, "notes": N, "differences": [...], ...}.')
    ] = False,
) -> None:
    """Compare what two namespaces show: counters of notes, totals and series; exit status 1 if anything differs.

    Both must have counted the same records to their end: stop the producers, and wait for `redcat worker --drain` with
    the settings of each.
    """
    settings, texts = Settings.from_env(os.environ, TOML_FILE), rebuild_texts(lang, os.environ)
    if to_group == settings.group:
        raise Misconfigured(f"group {to_group} cannot differ from itself: --to-group must be another one")
    notes, found = asyncio.run(_compare(settings, dataclasses.replace(settings, group=to_group)))
    said = texts.figures_differ if found.counts else texts.figures_equal
    if as_json:
        print(orjson.dumps(_json(notes, found)).decode())
    else:
        print(said.format(group=settings.group, other=to_group, notes=f"{notes:,}"))
        for line in difference_lines(found, texts):
            print(line)
    if found.counts:
        raise typer.Exit(DIFFERS)


async def _compare(settings: Settings, other: Settings) -> tuple[int, Differences]:
    """How many notes the first one knows, and what differs."""
    found = Differences()
    async with reading(settings) as stands, reading(other) as copy:
        with progress_bar("comparing", None):
            await compare_figures(found, stands, copy, settings.kept, time.time_ns() // 1_000_000)
        return sum([1 async for _ in stands.notes()]), found


def _json(notes: int, found: Differences) -> dict[str, object]:
    return {
        "equal": not found.counts,
        "notes": notes,
        "differences": [one._asdict() for one in found.kept],
        "differences_by_part": dict(found.counts),
    }
