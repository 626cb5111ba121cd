"""`redcat topics copy`."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, Final

import typer

from app.connections import PATIENCE_S
from app.progress import progress_bar
from app.settings import MOST_PARTITIONS, TOML_FILE, Settings
from app.topic_copy.copier import Copier, Wishes
from app.topic_copy.making import make_target
from app.topic_copy.route import Route, route
from streams.topics import physical

EARLIEST: Final = "earliest"
INTERRUPTED: Final = 130
GRACE_S: Final = 5.0  # to end a transaction, when asked to stop


def copy(  # each is an option
    to_prefix: Annotated[str, typer.Option(help="Topic prefix of the new namespace, such as v2.", show_default=False)],
    to_group: Annotated[str, typer.Option(help="Its group, such as redcat-v2.", show_default=False)],
    to_partitions: Annotated[
        int, typer.Option(help="How many partitions it has.", min=1, max=MOST_PARTITIONS, show_default=False)
    ],
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C or SIGTERM.")] = False,
    since: Annotated[
        str | None,
        typer.Option("--from", help="`earliest`: copy what Kafka still holds where it does not hold the beginning."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Begin although the new topics hold records that were not copied there.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(help="Seconds without an answer from Kafka until giving up.", min=0.1)
    ] = PATIENCE_S,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"copied": N, "before": N, "topics": {TOPIC: N}, ...}.')
    ] = False,
) -> None:
    """Copy all input into the topics of a new namespace, which may have another number of partitions.

    Each record goes, with its time and headers, into the partition of its key: exactly once, also when a run is killed.
    The next one goes on from there and copies what is new.  Missing topics are made.  The new namespace begins without
    any state: start workers for it.  docs/rebuild.md has the steps of a change of partitions.
    """
    if since not in (None, EARLIEST):
        raise typer.BadParameter(f"{since!r} is not {EARLIEST}", param_hint="--from")
    way = route(Settings.from_env(os.environ, TOML_FILE), prefix=to_prefix, group=to_group, partitions=to_partitions)
    wishes = Wishes(follow=follow, from_earliest=since is not None, force=force, patience_s=timeout)
    began = time.monotonic()
    copier = Copier(way, wishes, lambda total: progress_bar("copying", total))
    created, stopped = asyncio.run(_copy(copier, way, timeout))
    told = _told(copier, way, created, time.monotonic() - began)
    print(json.dumps(told) if as_json else "\n".join(_lines(told)))
    if stopped and not follow:
        print("redcat: interrupted; the next run goes on from there", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)


async def _copy(copier: Copier, way: Route, patience_s: float) -> tuple[list[str], bool]:
    """The topics that were made, and whether somebody stopped it."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    created: list[str] = []
    copying = asyncio.create_task(_make_and_copy(copier, way, patience_s, created, stop))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([copying, stopping], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([copying], timeout=GRACE_S)
    finally:
        stopping.cancel()
        copying.cancel()
    with suppress(asyncio.CancelledError):
        await copying
    return created, stop.is_set()


async def _make_and_copy(
    copier: Copier, way: Route, patience_s: float, created: list[str], stop: asyncio.Event
) -> None:
    created += await make_target(way, patience_s=patience_s)
    await copier.copy(stop)


def _told(copier: Copier, way: Route, created: list[str], seconds: float) -> dict[str, Any]:
    target = way.target
    return {
        "copied": copier.copied.total(),
        "before": copier.before.total(),
        "topics": {physical(target.topic_prefix, name): count for name, count in copier.copied.items()},
        "partitions": target.partitions,
        "created": created,
        "seconds": round(seconds, 3),
    }


def _lines(told: dict[str, Any]) -> Iterator[str]:
    if told["created"]:
        yield f"created {len(told['created'])} topics of {told['partitions']} partitions"
    for name, count in told["topics"].items():
        yield f"{name}: {count:,}"
    earlier = f"; {told['before']:,} were copied before" if told["before"] else ""
    yield f"{told['copied']:,} records copied in {told['seconds']:.1f} s{earlier}"
