"""`redcat rebuild`."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Annotated, Any, Final

import orjson
import typer

from app.progress import progress_bar
from app.rebuilding.rebuild import rebuild
from app.rebuilding.texts import RebuildTexts, difference_lines, rebuild_texts
from app.rebuilding.wishes import Found, Step, Wishes
from app.settings import TOML_FILE, Settings

DIFFERS: Final = 1
EARLIEST: Final = "earliest"


def command(  # each is an option
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Count only what came to Kafka from then on: a time such as 2026-11-01T00:00+08:00, or `earliest` for "
            "whatever Kafka still holds.  Needed where it does not hold the beginning any more.",
        ),
    ] = None,
    compare_only: Annotated[
        bool, typer.Option("--compare-only", "--dry-run", help="Put nothing into force; remove the copy in the end.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before a copy that differs is put into force.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew instead of going on from what an earlier run has left.")
    ] = False,
    restore_markers: Annotated[
        bool,
        typer.Option(
            "--restore-markers",
            help="Rebuild nothing; only write the markers again if their topic was lost.  Right only if Redis has not "
            "been rolled back since.",
        ),
    ] = False,
    no_results: Annotated[
        bool, typer.Option("--no-results", help="Do not compare with the published results, which takes reading them.")
    ] = False,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"in_force": BOOL, "differences": [...], "records": N, ...}.')
    ] = False,
) -> None:
    """Make the namespace anew from the topics, beside the one in force, and put it into its place.

    All records are absorbed again in silence, up to what was published; nothing is published twice.  Then both are
    compared, for which all lanes are held for some seconds.  If they are equal the copy is put into force at once,
    else somebody is asked.  Workers may run or not; they go on with the new one by themselves.  Where the copy says
    something else than was published, that is told under new revisions.  The run may be interrupted at any time; the
    next one goes on.  With another REDCAT_SHARDS than before it changes the number of shards: stop the workers first.
    Exit status 1 if the copy differs and was not put into force.
    """
    settings, texts = Settings.from_env(os.environ, TOML_FILE), rebuild_texts(lang, os.environ)

    def progress(step: Step, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        return progress_bar(texts.steps[step], total)

    async def confirm(found: Found) -> bool:
        if yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        _say(_told(found, settings, texts))
        return await asyncio.to_thread(typer.confirm, texts.question, default=False, err=True)

    wishes = Wishes(
        settings, progress, confirm, None if since is None else _since_ms(since), compare_only=compare_only,
        restart=restart, restore_markers=restore_markers, with_results=not no_results,
    )  # fmt: skip
    with _quiet_lanes():
        found = asyncio.run(rebuild(wishes))
    if restore_markers and not as_json:
        print(texts.restored.format(lanes=", ".join(map(str, found.restored)) or texts.absent))
    elif as_json:
        print(orjson.dumps(_json(found)).decode())
    else:
        for line in (*_told(found, settings, texts), _ended(found, texts, compare_only=compare_only)):
            print(line)
    if not found.in_force and found.differences.counts:
        raise typer.Exit(DIFFERS)


@contextmanager
def _quiet_lanes() -> Iterator[None]:
    """Each lane of the copy would say again and again that it replays."""
    lanes = logging.getLogger("streams.lane")
    before = lanes.level
    lanes.setLevel(logging.ERROR)
    try:
        yield
    finally:
        lanes.setLevel(before)


def _since_ms(text: str) -> int:
    if text == EARLIEST:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None:
        raise typer.BadParameter(f"{text!r} is no time such as 2026-11-01T00:00+08:00, and not {EARLIEST}")
    return round(moment.timestamp() * 1000)  # without an offset it is the machine's time


def _told(found: Found, settings: Settings, texts: RebuildTexts) -> list[str]:
    lines = [texts.absorbed.format(records=f"{found.records:,}", group=settings.group)]
    if found.forgotten:
        lines.append(texts.forgotten.format(count=f"{found.forgotten:,}"))
    if found.behind:
        lines.append(texts.behind.format(lanes=", ".join(map(str, found.behind))))
    if found.differences.counts:
        lines += [texts.differs, *difference_lines(found.differences, texts)]
    elif not found.behind:
        lines.append(texts.equal)
    if found.retold:
        lines.append(texts.retold.format(lanes=", ".join(map(str, found.retold))))
    return lines


def _ended(found: Found, texts: RebuildTexts, *, compare_only: bool) -> str:
    if found.in_force:
        return texts.in_force
    if compare_only:
        return texts.compared_only
    return texts.kept if sys.stdin.isatty() and sys.stderr.isatty() else texts.no_terminal


def _say(lines: list[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _json(found: Found) -> dict[str, Any]:
    return {
        "in_force": found.in_force,
        "records": found.records,
        "forgotten": found.forgotten,
        "behind": found.behind,
        "retold": found.retold,
        "restored": found.restored,
        "differences": [one._asdict() for one in found.differences.kept],
        "differences_by_part": dict(found.differences.counts),
    }
