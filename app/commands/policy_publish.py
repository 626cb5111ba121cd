"""`redcat policy publish` and `redcat policy show`."""

import asyncio
import os
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Final

import msgspec
import orjson
import typer
import yaml
from rich.console import Console
from rich.table import Table

from app.explaining.times import zone
from app.note_table import WIDEST
from app.policies.file import read_policies
from app.policies.publishing import InForce, Plan, plan, publish, read_in_force, token_lanes
from app.policies.publishing_texts import PublishingTexts, publishing_texts
from app.progress import progress_bar
from app.reading import reading
from app.redis_store.namespace import NoNamespace
from app.redis_store.reader import Reader
from app.settings import TOML_FILE, Settings
from app.texts import language_of
from streams.core.policy import Policy

FAILED: Final = 1
LOOK_AGAIN_S: Final = 0.2

Lang = Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")]
Zone = Annotated[str | None, typer.Option(help="Time zone, such as Asia/Shanghai; without it the machine's.")]


def publish_policies(
    file: Annotated[Path, typer.Argument(help="A policy file; versions that are in force already may be in it.")],
    restate: Annotated[
        bool, typer.Option("--restate", help="Let a policy start in the past: what is still held is computed anew.")
    ] = False,
    wait: Annotated[float | None, typer.Option(help="Wait so many seconds until all lanes work under them.")] = None,
    lang: Lang = None,
    tz: Zone = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"published", "known", "contradicted", "restate", "latest_click_ms"}.')
    ] = False,
) -> None:
    """Put new policies into force while workers run.

    A policy that says something about clicks that have been counted needs --restate; counters and results then move by
    the differences.  Exit status 1 when a version is in force with another content, or without the consent it needs.
    """
    settings, words, policies = Settings.from_env(os.environ, TOML_FILE), _words(lang), read_policies(file)
    in_force = asyncio.run(read_in_force(settings))
    planned = plan(policies, in_force, time.time_ns() // 1_000_000)
    refused = bool(planned.contradicted or (planned.retroactive and not restate))
    if not refused and planned.new:
        asyncio.run(publish(planned.new, settings))
    if as_json:
        print(orjson.dumps(_plan_json(planned, done=not refused)).decode())
    _tell(planned, words, tz, refused=refused, restate=restate, quiet=as_json)
    if refused:
        raise typer.Exit(FAILED)
    if wait is not None and not asyncio.run(_entered(settings, words, wait)):
        print(words.late.format(seconds=f"{wait:g}"), file=sys.stderr)
        raise typer.Exit(FAILED)


def show_policies(
    version: Annotated[int | None, typer.Argument(help="This version as a document.")] = None,
    lang: Lang = None,
    tz: Zone = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"policies": {VERSION: {...}}, "problems": [...]}.')
    ] = False,
) -> None:
    """Show the policies in force, and how far those that were published have come."""
    settings, words = Settings.from_env(os.environ, TOML_FILE), _words(lang)
    in_force = asyncio.run(read_in_force(settings))
    if version is not None and version not in in_force.texts:
        known = ", ".join(map(str, in_force.texts)) or "-"
        print(words.unknown.format(version=version, versions=known), file=sys.stderr)
        raise typer.Exit(FAILED)
    if as_json:
        print(orjson.dumps(_show_json(in_force, version), option=orjson.OPT_NON_STR_KEYS).decode())
    elif version is not None:
        document = msgspec.json.decode(in_force.texts[version])
        print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")
    else:
        _show(in_force, words, tz)


async def _entered(settings: Settings, words: PublishingTexts, patience_s: float) -> bool:
    """Whether all lanes come to work under all policies in time, and nothing is left to be restated."""
    until = time.monotonic() + patience_s
    wanted = (await read_in_force(settings)).texts.keys()
    try:
        async with reading(settings) as reader:
            entered = await _watch(reader, wanted, until, words)
    except NoNamespace:
        entered = 0  # no lane has ever been served
    if entered is None:
        return False
    print(words.entered.format(lanes=entered), file=sys.stderr)
    return True


async def _watch(reader: Reader, wanted: Collection[int], until: float, words: PublishingTexts) -> int | None:
    """The number of lanes once all of them work under the wanted versions; None if they do not until then."""
    with progress_bar(words.waiting, len(await token_lanes(reader))) as progress:
        while True:
            lanes = await token_lanes(reader)
            done = sum(set(wanted) <= set(lane.policies) and not lane.restating for lane in lanes)
            progress(done)
            if done == len(lanes):
                return done
            if time.monotonic() > until:
                return None
            await asyncio.sleep(LOOK_AGAIN_S)


def _tell(planned: Plan, words: PublishingTexts, tz: str | None, *, refused: bool, restate: bool, quiet: bool) -> None:
    for version in planned.contradicted:
        print(words.contradicted.format(version=version), file=sys.stderr)
    if not restate:
        for policy in planned.retroactive:
            start, latest = _time(policy.effective_from_ms, words, tz), _time(planned.latest_click_ms, words, tz)
            text = words.retroactive.format(version=policy.version, start=start, latest=latest)
            print(text, file=sys.stderr)
    if quiet or refused:
        return
    if planned.known:
        print(words.known.format(versions=", ".join(map(str, planned.known))))
    if planned.new:
        print(words.published.format(versions=_versions(planned.new)))
    if planned.retroactive:
        print(words.restate.format(versions=_versions(planned.retroactive)))


def _plan_json(planned: Plan, *, done: bool) -> dict[str, object]:
    return {
        "published": [policy.version for policy in planned.new] if done else [],
        "known": planned.known,
        "contradicted": planned.contradicted,
        "restate": [policy.version for policy in planned.retroactive],
        "latest_click_ms": planned.latest_click_ms or None,
    }


def _show_json(in_force: InForce, version: int | None) -> dict[str, object]:
    versions = in_force.texts if version is None else [version]
    return {
        "policies": {
            number: {
                "document": msgspec.json.decode(in_force.texts[number]),
                "published": number not in in_force.own,
                "lanes": _lanes(in_force, number),
                "restating": _restating(in_force, number),
            }
            for number in versions
        },
        "problems": [record._asdict() for record in in_force.records if record.problem is not None],
    }


def _show(in_force: InForce, words: PublishingTexts, tz: str | None) -> None:
    for record in in_force.records:
        if record.problem is not None:
            print(words.problem.format(**record._asdict()), file=sys.stderr)
    if not in_force.texts:
        print(words.none, file=sys.stderr)
        return
    table = Table(words.version, words.start, words.origin, words.lanes, words.restating)
    for policy in in_force.policies():
        table.add_row(
            str(policy.version),
            _time(policy.effective_from_ms, words, tz),
            words.own if policy.version in in_force.own else words.topic,
            f"{_lanes(in_force, policy.version)}/{len(in_force.lanes)}",
            str(_restating(in_force, policy.version)),
        )
    Console(width=None if sys.stdout.isatty() else WIDEST).print(table)


def _lanes(in_force: InForce, version: int) -> int:
    return sum(version in lane.policies for lane in in_force.lanes)


def _restating(in_force: InForce, version: int) -> int:
    return sum(version in lane.policies and lane.restating != "" for lane in in_force.lanes)


def _time(at_ms: int, words: PublishingTexts, tz: str | None) -> str:
    if at_ms == 0:
        return words.always
    return zone(tz).short(at_ms)


def _versions(policies: list[Policy]) -> str:
    return ", ".join(str(policy.version) for policy in policies)


def _words(lang: str | None) -> PublishingTexts:
    return publishing_texts(language_of(lang, os.environ))
