"""`redcat replay`."""

import asyncio
import gzip
import json
import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import typer

from app.kafka_sender import CHUNK, KafkaSender, Progress, Sending, kafka_sender
from app.progress import progress_bar
from app.recorded import BadLine, Recorded, read_lines
from app.settings import TOML_FILE, Settings
from app.simulator.facts import Outgoing
from app.topic_admin import require_topics
from streams.errors import Misconfigured

STDIN: Final = "-"
GZIP_MAGIC: Final = b"\x1f\x8b"
SHORTEST_PAUSE_S: Final = 0.02


def command(
    file: Annotated[str, typer.Argument(help="NDJSON, one record a line, gzipped or not; - reads stdin.")],
    speed: Annotated[
        float | None, typer.Option(help="Pace by at_ms, so many times as fast as it happened.", min=0.001)
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Records a second; without --speed and --rate as fast as possible.", min=0.1)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"sent": N, "seconds": S, "topics": {TOPIC: N}}.')
    ] = False,
) -> None:
    """Send recorded traffic into Kafka, in the order of its lines.

    A line is {"topic": NAME, "value": OBJECT}; a value that is a string is sent as it is.  "key" (default: the
    value's token, note_id or version), "partition" (default: the key's) and "timestamp_ms" (default: now) may be given.
    A file is checked as a whole before anything is sent; a pipe as it comes.
    """
    if speed is not None and rate is not None:
        raise typer.BadParameter("--speed and --rate exclude each other")
    settings = Settings.from_env(os.environ, TOML_FILE)
    began = time.monotonic()
    try:
        topics = asyncio.run(_replay(settings, file, speed=speed, sending=Sending(rate=rate, keep_timestamps=True)))
    except BadLine as error:
        print(f"redcat: {'stdin' if file == STDIN else file}, {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    seconds = time.monotonic() - began
    if as_json:
        print(json.dumps({"sent": topics.total(), "seconds": round(seconds, 3), "topics": dict(topics)}))
    else:
        print(f"{topics.total():,} records sent in {seconds:.1f} s", file=sys.stderr)


async def _replay(settings: Settings, file: str, *, speed: float | None, sending: Sending) -> Counter[str]:
    """Send all lines; the number of records by topic."""
    total = None if file == STDIN else _check(file, settings.partitions)
    await require_topics(settings)
    topics: Counter[str] = Counter()
    async with kafka_sender(settings, sending) as sender:
        with progress_bar("sending", total) as progress:
            recorded = read_lines(_lines(file), partitions=settings.partitions)
            try:
                if speed is None:
                    await sender.send(_counted(recorded, topics), progress)
                else:
                    await _send_at_speed(sender, recorded, speed, topics, progress)
            except BadLine as error:
                raise BadLine(f"{error}; {sender.sent} records were sent before") from None
    return topics


def _check(file: str, partitions: int) -> int:
    """The number of records in a file; raises BadLine."""
    return sum(1 for _ in read_lines(_lines(file), partitions=partitions))


async def _send_at_speed(
    sender: KafkaSender, recorded: Iterable[Recorded], speed: float, topics: Counter[str], progress: Progress
) -> None:
    """Send each record when its event time comes, counted from the first; what is in the past goes at once."""
    began = time.monotonic()
    first_ms: int | None = None
    ready: list[Recorded] = []
    for one in recorded:
        if one.at_ms is not None:
            first_ms = one.at_ms if first_ms is None else first_ms
            pause_s = (one.at_ms - first_ms) / 1_000 / speed - (time.monotonic() - began)
            if pause_s > SHORTEST_PAUSE_S:
                await sender.send(_counted(ready, topics), progress)
                ready = []
                await asyncio.sleep(pause_s)
        ready.append(one)
        if len(ready) == CHUNK:
            await sender.send(_counted(ready, topics), progress)
            ready = []
    await sender.send(_counted(ready, topics), progress)


def _counted(recorded: Iterable[Recorded], topics: Counter[str]) -> Iterator[Outgoing]:
    for record, _ in recorded:
        topics[record.topic] += 1
        yield record


def _lines(file: str) -> Iterator[bytes]:
    """The lines of a file or of stdin, unpacked if they are gzipped; raises Misconfigured."""
    try:
        with open(sys.stdin.fileno() if file == STDIN else file, "rb", closefd=file != STDIN) as stream:
            yield from gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == GZIP_MAGIC else stream
    except (OSError, EOFError, zlib.error) as error:
        raise Misconfigured(f"cannot read {file}: {error}") from error
