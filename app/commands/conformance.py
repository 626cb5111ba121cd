"""`redcat conformance`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer

from app.consumer_kit.conformance import differences
from app.consumer_kit.recording import Recording
from app.consumer_kit.recording_writer import write_recording
from app.progress import progress_bar
from app.settings import TOML_FILE, Settings
from streams.errors import Misconfigured

WRONG: Final = 1
STDIN: Final = "-"

command = typer.Typer()


@command.command()
def write(
    topic: Annotated[str, typer.Argument(help="Made with REDCAT_PARTITIONS partitions if it is missing, else empty.")],
    seconds: Annotated[
        float, typer.Option(help="Spread over so long, time enough to kill a consumer that reads meanwhile.", min=0.0)
    ] = 0.0,
) -> None:
    """Write the recorded results into a topic, for the consumer to read."""
    settings, recording = Settings.from_env(os.environ, TOML_FILE), Recording()
    with progress_bar("writing", recording.records) as progress:
        asyncio.run(write_recording(settings, topic, recording, seconds=seconds, progress=progress))
    print(f"{recording.records:,} records written to {topic}", file=sys.stderr)


@command.command()
def check(
    report: Annotated[str, typer.Argument(help="The file; - reads stdin.")],
    as_json: Annotated[
        bool,
        typer.Option("--json", help='Print {"notes": N, "wrong": [{"note_id", "currency", "name", ...}]}.'),
    ] = False,
) -> None:
    """Compare the totals that the consumer has come to with the right ones; exit status 1 if they differ.

    The report is JSON: {NOTE: {CURRENCY: {"orders": N, "gross_minor": N, "refunded_minor": N}}}; zeros may be left out.
    """
    recording = Recording()
    wrong = differences(recording, _read(report))
    if as_json:
        print(orjson.dumps({"notes": len(recording.totals), "wrong": [one._asdict() for one in wrong]}).decode())
    else:
        for difference in wrong:
            print(difference)
        print(f"{len(recording.totals)} notes compared, wrong numbers: {len(wrong)}")
    raise typer.Exit(WRONG if wrong else 0)


def _read(report: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if report == STDIN else Path(report).read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read {report}: {error}") from error
