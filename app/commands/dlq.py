"""`redcat dlq list` and `redcat dlq replay`."""

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Annotated, Final, TypeAlias

import msgspec
import orjson
import typer
from rich.console import Console, RenderableType

from app.dead_letters import view
from app.dead_letters.fix import Fix
from app.dead_letters.letters import json_of
from app.dead_letters.listing import Listing
from app.dead_letters.plan import Plan
from app.dead_letters.reader import kafka_topics, selected
from app.dead_letters.replay import look_only, read_box, replay_letters
from app.dead_letters.report import Report
from app.dead_letters.selection import Selection, select
from app.dead_letters.texts import DeadLetterTexts, dead_letter_texts
from app.progress import progress_bar
from app.reading import reading
from app.settings import TOML_FILE, Settings
from streams.core.policy import parse_policy
from streams.core.terms import PolicySet
from streams.topics import DEAD_LETTER

SHOWN: Final = 20
WIDE: Final = 10_000  # what a pipe reads is not to be folded to the width of some terminal
LEFT_ALONE: Final = 1

Codes: TypeAlias = Annotated[
    list[str] | None, typer.Option("--code", help="Letters with this code; may be given several times.")
]
Topics: TypeAlias = Annotated[
    list[str] | None, typer.Option("--topic", help="Records of this topic; may be given several times.")
]
Since: TypeAlias = Annotated[
    str | None, typer.Option(help="Records from this time on: 2026-11-11T20:30, or 6h for six hours ago.")
]
Until: TypeAlias = Annotated[str | None, typer.Option(help="Records before this time.")]
Language: TypeAlias = Annotated[str | None, typer.Option("--lang", help="zh or en; without it the locale decides.")]

command = typer.Typer()


@command.command("list")
def list_letters(
    code: Codes = None,
    topic: Topics = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int | None, typer.Option(help=f"The latest so many; {SHOWN}, with --json all.", min=0, show_default=False)
    ] = None,
    counts: Annotated[bool, typer.Option("--counts", help="Only how many there are by topic and code.")] = False,
    left: Annotated[bool, typer.Option("--left", help="Only those that were not replayed.")] = False,
    lang: Language = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each letter in full, one JSON object a line; with --counts just one.")
    ] = False,
) -> None:
    """Show dead letters: how many of which kind, and the latest; options hold together."""
    settings, texts = Settings.from_env(os.environ, TOML_FILE), dead_letter_texts(lang, os.environ)
    selection = select(code, topic, since, until, now_ms=_now_ms())
    stream = as_json and not counts and limit is None
    listing = Listing(0 if counts or stream else SHOWN if limit is None else limit)
    asyncio.run(_list(settings, selection, listing, texts, left=left, stream=stream))
    if as_json and counts:
        print(orjson.dumps(listing.json()).decode())
    elif as_json:
        for letter, replayed in listing.latest:
            print(orjson.dumps(json_of(letter, replayed=replayed)).decode())
    elif listing.letters:
        _show(view.listing(listing, texts))
    if not listing.letters:
        _say_none(selection, texts)


async def _list(
    settings: Settings, selection: Selection, listing: Listing, texts: DeadLetterTexts, *, left: bool, stream: bool
) -> None:
    """Read all letters into the listing; print them on the way when they are to be a stream."""
    out = sys.stdout  # the bar catches what is printed while it moves, and draws it with itself on stderr
    async with kafka_topics(settings) as topics:
        letters, replayed = await read_box(topics)
        bar = progress_bar(texts.reading, letters.total)
        with nullcontext(_no_progress) if stream and out.isatty() else bar as progress:
            async for letter in selected(letters, selection, progress):
                known = letter in replayed
                if left and known:
                    continue
                listing.add(letter, replayed=known)
                if stream:
                    print(orjson.dumps(json_of(letter, replayed=known)).decode(), file=out)


@command.command()
def replay(
    code: Codes = None,
    topic: Topics = None,
    since: Since = None,
    until: Until = None,
    fix: Annotated[
        str | None,
        typer.Option(
            help="A jq expression that makes a better record of one: '.platform |= ascii_downcase'; "
            "$key, $topic, $code and $timestamp_ms are at hand."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many letters.", min=1)] = None,
    run: Annotated[bool, typer.Option("--run", "--yes", help="Do it; else only say what would be done.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replay also what is older than journeys are kept: it may count anew.")
    ] = False,
    lang: Language = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"selected": N, "replayed": N, "left_alone": {REASON: N}, ...}.')
    ] = False,
) -> None:
    """Send the records of dead letters again, each at most once; options hold together.

    Exit status 1 if a letter was left alone: it is still invalid, the fix fails on it, or it is too old.
    """
    settings, texts = Settings.from_env(os.environ, TOML_FILE), dead_letter_texts(lang, os.environ)
    now_ms = _now_ms()
    plan = Plan(
        select(code, topic, since, until, now_ms=now_ms),
        settings.partitions,
        now_ms=now_ms,
        fix=None if fix is None else Fix(fix),
        limit=limit,
    )
    report = asyncio.run(_replay(settings, plan, texts, run=run, force=force))
    if as_json:
        print(orjson.dumps({"dry_run": not run} | report.json()).decode())
    elif report.selected:
        _show(view.report(report, texts, run=run))
    if not report.selected:
        _say_none(plan.selection, texts)
    if report.left_alone:
        raise typer.Exit(LEFT_ALONE)


async def _replay(settings: Settings, plan: Plan, texts: DeadLetterTexts, *, run: bool, force: bool) -> Report:
    async with kafka_topics(settings) as topics:
        if not (await topics.contents(DEAD_LETTER)).total:
            return Report()
        if not force:
            plan = plan._replace(kept_ms=await _kept_ms(settings))
        return await (replay_letters if run else look_only)(topics, plan, texts.reading)


async def _kept_ms(settings: Settings) -> int:
    """How long journeys without an order are kept under the policies of the namespace."""
    async with reading(settings) as reader:
        policies = [parse_policy(msgspec.json.decode(text)) for text in reader.namespace.in_force.values()]
    return PolicySet(policies).journey_ttl_ms


def _show(parts: Iterable[RenderableType]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    for part in parts:
        console.print(part, soft_wrap=True)


def _say_none(selection: Selection, texts: DeadLetterTexts) -> None:
    print(texts.none if selection == Selection() else texts.none_fits, file=sys.stderr)


def _no_progress(_: int) -> None:
    """Show nothing."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
