"""`redcat counters`."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from app.counters import Counters, Selection, by_orders, counters_of, json_of
from app.note_table import WIDEST, NoteTable
from app.reading import reading
from app.settings import TOML_FILE, Settings
from app.texts import Texts, texts

UNKNOWN_NOTE: Final = 1


def command(
    note: Annotated[str | None, typer.Option(help="This note only.")] = None,
    campaign: Annotated[str | None, typer.Option(help="What this campaign brought.")] = None,
    merchant: Annotated[str | None, typer.Option(help="What was brought to this merchant.")] = None,
    platform: Annotated[str | None, typer.Option(help="What was brought to this platform.")] = None,
    category: Annotated[str | None, typer.Option(help="This category with everything below it.")] = None,
    limit: Annotated[int, typer.Option(help="Rows of the table; --json has no limit.", min=1)] = 20,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"notes": {NOTE_ID: {NAME: value, "gross_minor": {"CNY": 1}}}}.')
    ] = False,
) -> None:
    """Show what notes brought, those with the most orders first; several options hold together."""
    settings, language = Settings.from_env(os.environ, TOML_FILE), texts(lang, os.environ)
    selection = Selection(campaign, merchant, platform, category)
    notes, chosen = asyncio.run(_read(settings, note, selection))
    if as_json:
        print(orjson.dumps(json_of(chosen)).decode())
    elif chosen:
        _show(chosen, limit, language)
    if note is not None and not notes:
        print(language.unknown_note.format(note=note, group=settings.group), file=sys.stderr)
        raise typer.Exit(UNKNOWN_NOTE)
    if not chosen:
        print(language.nothing_chosen if notes else language.no_counters, file=sys.stderr)


async def _read(settings: Settings, note: str | None, selection: Selection) -> tuple[int, dict[str, Counters]]:
    """How many notes there are, and the counters of those that have any in the selection."""
    async with reading(settings) as reader:
        if note is None:
            cells = {note_id: cells async for note_id, cells in reader.notes()}
        else:
            cells = {note: found} if (found := await reader.note(note)) else {}
    counted = {note_id: counters_of(of, selection) for note_id, of in cells.items()}
    return len(cells), {note_id: counters for note_id, counters in counted.items() if counters}


def _show(notes: Mapping[str, Counters], limit: int, language: Texts) -> None:
    # What a pipe reads is not to be cut to the width of some terminal.
    console = Console(width=None if sys.stdout.isatty() else WIDEST)
    console.print(NoteTable(language, console.width).render(notes, by_orders(notes)[:limit]))
