"""`redcat results`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Annotated, Any, Final, TypeAlias

import typer
from rich.console import Console

from app.note_table import WIDEST
from app.progress import progress_bar
from app.results_choice import Choice, Followed
from app.results_reader import Results, reading_results, result_of
from app.results_table import RESULT_TEXTS, ResultTexts, header, line, table
from app.settings import TOML_FILE, Settings
from app.texts import texts
from streams.core.policy import Stage
from streams.core.results import Published
from streams.topics import CONVERSION, physical

ROWS: Final = 20

Writer: TypeAlias = Callable[[Iterable[bytes]], None]


def command(
    follow: Annotated[bool, typer.Option("--follow", help="Each result as it becomes readable, until Ctrl-C.")] = False,
    latest: Annotated[
        bool, typer.Option("--latest", help="The results that stand now: of each the latest revision.")
    ] = False,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="With --follow: all there is first, not only what comes.")
    ] = False,
    token: Annotated[str | None, typer.Option(help="Of this token only.")] = None,
    note: Annotated[str | None, typer.Option(help="Of this note, refused ones by their nearest click.")] = None,
    kind: Annotated[Stage | None, typer.Option(help="Of this kind only.")] = None,
    outcome: Annotated[Published | None, typer.Option(help="With this outcome only.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="With --latest: so many, the latest facts first (table: 20, --json: all).", min=1)
    ] = None,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The records as they were published, one per line.")] = False,
) -> None:
    """Show what is published in the topic `conversion`, committed records only.

    Followed with --note, a result is shown once more when it leaves the note.
    """
    if follow == latest:
        raise typer.BadParameter("say either --follow or --latest")
    if from_beginning and latest:
        raise typer.BadParameter("--from-beginning goes with --follow")
    if limit is not None and follow:
        raise typer.BadParameter("--limit goes with --latest")
    settings, language = Settings.from_env(os.environ, TOML_FILE), RESULT_TEXTS[texts(lang, os.environ)]
    choice = Choice(token, note, kind, outcome)
    if latest:
        found = asyncio.run(_latest(settings, choice))
        _print_latest(found, limit, _topic(settings), None if as_json else language)
    else:
        writer = _print_values if as_json else _Lines(language).print
        asyncio.run(_until_stopped(_follow(settings, Followed(choice), writer, language, from_end=not from_beginning)))


async def _until_stopped(following: Coroutine[Any, Any, None]) -> None:
    """Follow until SIGINT or SIGTERM."""
    task = asyncio.create_task(following)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _follow(
    settings: Settings, followed: Followed, print_values: Writer, language: ResultTexts, *, from_end: bool
) -> None:
    async with reading_results(settings, from_end=from_end, token=followed.choice.token) as reader:
        print(language.following.format(topic=_topic(settings)), file=sys.stderr, flush=True)
        async for values in reader.batches():
            print_values([value for value in values if followed.has(result_of(value))])
            sys.stdout.flush()


async def _latest(settings: Settings, choice: Choice) -> list[bytes]:
    """The values of all chosen results as they stand now, the latest facts first."""
    results: Results[bytes | None] = Results(lambda value: value if choice.has(result_of(value)) else None)
    async with reading_results(settings, token=choice.token) as reader:
        with progress_bar("reading results", None) as progress:
            await reader.read_to_end(results, progress)
    found = [(result_of(value), value) for value in results.latest.values() if value is not None]
    found.sort(key=lambda one: (-(one[0].at_ms or 0), one[0].token, one[0].result_id))
    return [value for _, value in found]


def _print_latest(found: list[bytes], limit: int | None, topic: str, language: ResultTexts | None) -> None:
    """As a table in this language, else as JSON."""
    if language is None:
        _print_values(found[:limit])
        return
    shown = found[: limit or ROWS]
    if shown:
        # What a pipe reads is not to be cut to the width of some terminal.
        console = Console(width=None if sys.stdout.isatty() else WIDEST)
        console.print(table(map(result_of, shown), language))
    text = language.some if shown else language.none
    print(text.format(shown=f"{len(shown):,}", all=f"{len(found):,}", topic=topic), file=sys.stderr)


class _Lines:
    """Results as lines with a header above the first."""

    def __init__(self, language: ResultTexts) -> None:
        self._language = language
        self._console = Console(highlight=False, soft_wrap=True)
        self._begun = False

    def print(self, values: Iterable[bytes]) -> None:
        for value in values:
            if not self._begun:
                self._begun = True
                self._console.print(header(self._language))
            self._console.print(line(result_of(value), self._language))


def _print_values(values: Iterable[bytes]) -> None:
    sys.stdout.writelines(f"{value.decode()}\n" for value in values)


def _topic(settings: Settings) -> str:
    return physical(settings.topic_prefix, CONVERSION)
