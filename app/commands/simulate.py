"""`redcat simulate`."""

import asyncio
import json
import os
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from app.kafka_sender import Sending, kafka_sender
from app.policies.file import read_policies
from app.progress import progress_bar
from app.settings import TOML_FILE, Settings
from app.simulator.config import SimulatorConfig
from app.simulator.disturbances import resolved
from app.simulator.incidents import Incident, explained, read_incident, usual_incidents
from app.simulator.population import Population
from app.simulator.rules import Rules
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.simulator.truth_file import truth_of, write_truth
from app.topic_admin import require_topics
from streams.errors import Misconfigured

SHANGHAI: Final = timezone(timedelta(hours=8))


def command(
    events: Annotated[int, typer.Option(help="Records to send, repeated and invalid ones included.", min=1)] = 100_000,
    seed: Annotated[int, typer.Option(help="Equal seeds and sizes give equal records, byte for byte.")] = 1,
    rate: Annotated[
        float | None, typer.Option(help="Records a second; without it as fast as possible.", min=0.1)
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Write what it all amounts to into this JSON file, once all is sent.", dir_okay=False),
    ] = None,
    full_results: Annotated[
        bool, typer.Option("--full-results", help="Results in the truth file field by field, not as digests.")
    ] = False,
    notes: Annotated[int, typer.Option(help="Notes that readers come from.", min=1)] = 2_000,
    days: Annotated[float, typer.Option(help="Days of event time over which readers come.", min=0.01, max=365)] = 3.0,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            help="When it begins, in Shanghai; time series of what is past REDCAT_KEEP_MINUTES are not kept.",
            show_default="2026-03-02",
        ),
    ] = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(
            help="Plant an incident: KIND,from=6h,for=2h,SCOPE=ID,strength=X, all but KIND optional; again for more. "
            "An id #N is that of the N-th note by popularity, or what its link has of the scope. "
            f"'usual' plants one of each. Kinds are {'; '.join(explained())}."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"sent": N, "seconds": S, "topics": {TOPIC: N}}.')
    ] = False,
) -> None:
    """Send seeded traffic with a known truth into Kafka: late, repeated, in disorder, some of it invalid."""
    settings = Settings.from_env(os.environ, TOML_FILE)
    if truth is not None and not truth.absolute().parent.is_dir():
        raise Misconfigured(f"--truth: there is no folder {truth.absolute().parent}")
    config = SimulatorConfig(
        events=events, seed=seed, notes=notes, days=days, partitions=settings.partitions, full_results=full_results
    )
    if start is not None:
        config = replace(config, start_ms=int(start.replace(tzinfo=SHANGHAI).timestamp()) * 1_000)
    config = _with_incidents(config, incident or [])
    tallies = Tallies(_rules(settings), full_results=full_results)
    began = time.monotonic()
    asyncio.run(_send(settings, config, tallies, rate))
    seconds = time.monotonic() - began
    if truth is not None:
        write_truth(truth_of(tallies), truth)
    if as_json:
        print(json.dumps({"sent": events, "seconds": round(seconds, 3), "topics": dict(tallies.sent)}))
    else:
        print(f"{events:,} records sent in {seconds:.1f} s", file=sys.stderr)
    for one in tallies.incidents:
        print(
            f"planted {one.kind} on {one.scope} {one.id} from {_time(one.from_ms)} to {_time(one.to_ms)}",
            file=sys.stderr,
        )


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, SHANGHAI).isoformat(timespec="minutes")


def _with_incidents(config: SimulatorConfig, written: list[str]) -> SimulatorConfig:
    planted: list[Incident] = []
    try:
        for text in written:
            if text == "usual":
                planted += usual_incidents(config.seed, config.start_ms, config.days)
            else:
                planted.append(read_incident(text, config.start_ms))
        resolved(planted, Population(config))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--incident") from None
    return replace(config, incidents=tuple(planted))


def _rules(settings: Settings) -> Rules:
    """The truth's own default policy, or the documents that the worker is told to use."""
    if settings.policy is None:
        return Rules()
    return Rules([msgspec.to_builtins(policy) for policy in read_policies(settings.policy)])


async def _send(settings: Settings, config: SimulatorConfig, tallies: Tallies, rate: float | None) -> None:
    await require_topics(settings)
    async with kafka_sender(settings, Sending(rate=rate)) as sender:
        with progress_bar("sending", config.events) as progress:
            await sender.send(simulate(config, tallies), progress)
