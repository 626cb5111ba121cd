"""`redcat validate`."""

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console, RenderableType

from app.note_table import WIDEST
from app.policies.file import read_policies
from app.progress import progress_bar
from app.recorded import KEY_FIELD
from app.settings import TOML_FILE, Settings
from app.validating.files import STDIN, chunks, opened
from app.validating.kinds import Page
from app.validating.report import json_of, report
from app.validating.texts import ValidationTexts, validation_texts
from app.validating.validation import Validation
from streams.errors import Misconfigured
from streams.topics import physical

INVALID: Final = 1
KIB: Final = 1_024


def command(
    source: Annotated[
        str, typer.Argument(metavar="FILE|TOPIC", help="NDJSON, gzipped or not; - reads stdin; or an input topic.")
    ],
    topic: Annotated[
        str | None, typer.Option(help="The lines of the file are plain values of this topic, keyed as they should be.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Stop after so many records; a topic is read partition after partition.", min=1)
    ] = None,
    last: Annotated[
        int | None, typer.Option(help="Of a topic: begin so many offsets before the end of each partition.", min=1)
    ] = None,
    examples: Annotated[int, typer.Option(help="Records shown of each kind.", min=0)] = 3,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check records as the worker would read them; status 1 if any would become a dead letter.

    A line is {"topic": NAME, "value": OBJECT} and perhaps "key" and "partition", as `redcat replay` reads it.
    Warnings tell what is valid but probably not meant.  Nothing is written anywhere.
    """
    settings, texts = Settings.from_env(os.environ, TOML_FILE), validation_texts(lang, os.environ)
    platforms = {platform for policy in read_policies(settings.policy) for platform in policy.platforms}
    found = Validation(platforms, examples=examples)
    if topic is None and (name := _topic(source, settings)):
        source = f"{physical(settings.topic_prefix, name)} ({settings.kafka})"
        asyncio.run(_check_topic(found, settings, name, texts, limit=limit, last=last))
    elif last is not None:
        raise typer.BadParameter("--last is for topics")
    elif topic is not None and topic not in KEY_FIELD:
        raise typer.BadParameter(f"{topic} is none of {', '.join(KEY_FIELD)}", param_hint="--topic")
    else:
        _check_file(found, source, texts, topic=topic, limit=limit, partitions=settings.partitions)
        source = "stdin" if source == STDIN else source
    found.finish()
    if as_json:
        print(orjson.dumps(json_of(found, source)).decode())
    else:
        _show(report(found, source, texts))
    if found.wrong:
        raise typer.Exit(INVALID)


def _topic(source: str, settings: Settings) -> str | None:
    """The input topic that is meant, by either of its names; None if it is a file."""
    if source == STDIN or Path(source).exists():
        return None
    topic = source if source in KEY_FIELD else source.removeprefix(settings.topic_prefix)
    if topic not in KEY_FIELD:
        raise Misconfigured(f"{source} is no file here and none of the topics {', '.join(KEY_FIELD)}")
    return topic


def _check_file(
    found: Validation, file: str, texts: ValidationTexts, *, topic: str | None, limit: int | None, partitions: int
) -> None:
    with opened(file) as lines:
        total = None if lines.total is None else lines.total // KIB
        with progress_bar(texts.checking_kib, total) as progress:
            for chunk in chunks(lines.blocks, topic=topic, partitions=partitions, limit=limit):
                for bad in chunk.bad:
                    found.bad_line(*bad)
                for (name, partition), records in chunk.records.items():
                    found.check(Page(name, partition, partitions, lines=True), records)
                progress(lines.done() // KIB)


async def _check_topic(
    found: Validation, settings: Settings, topic: str, texts: ValidationTexts, *, limit: int | None, last: int | None
) -> None:
    from app.validating.topic import opened_topic  # brings Kafka's client, which files do not need

    async with opened_topic(settings, topic, last=last) as (contents, partitions):
        with progress_bar(texts.checking, contents.total) as progress:
            async for page in contents.pages():
                records = page.records[: None if limit is None else limit - found.total]
                found.check(Page(topic, page.partition, partitions, lines=False), records)
                progress(page.done)
                if found.total == limit:
                    break


def _show(report: Iterable[RenderableType]) -> None:
    # What a pipe reads is not to be cut to the width of some terminal.
    console = Console(width=None if sys.stdout.isatty() else WIDEST, soft_wrap=True, highlight=False)
    for part in report:
        console.print(part)
