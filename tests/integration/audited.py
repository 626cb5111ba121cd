"""A namespace in Valkey that is small enough to be audited often, and the back doors to what is in it."""

import asyncio
import json
from pathlib import Path
from typing import Any, TypeAlias

from redis import Redis
from typer.testing import CliRunner

from app.bootstrap import now_ms
from app.cli import build
from app.redis_store.cells import ID_BYTES, name_code
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from streams.rollups import HOUR_MS
from tests.integration.absorbed import absorb
from tests.integration.workers import environment

GROUP, PARTITIONS = "audited", 2
POLICY = """
version: 1
effective_from_ms: 0
windows: {entry: 1d, favourite: 1d, cart: 1d, order: 2d}
industries: {"*": open}
platforms: {taobao: {}, tmall: {}, jd: {}, xhs: {}}
links: [{link: note, kinds: ["*"], platforms: ["*"]}, {link: comment, kinds: [ugc], platforms: ["*"]}]
"""
DAY_MS = 24 * HOUR_MS
NOTES = f"{GROUP}{{0}}s/".encode()  # notes' latest records

Audited: TypeAlias = tuple[int, dict[str, Any]]


def traffic(seed: int, days_ago: int) -> list[Outgoing]:
    """Traffic of which the clicks came on one day."""
    start_ms = now_ms() - days_ago * DAY_MS
    config = SimulatorConfig(events=600, seed=seed, partitions=PARTITIONS, start_ms=start_ms, days=1.0, notes=40)
    return list(simulate(config, Tallies()))


def absorbed(valkey_url: str, folder: Path, shards: int = 1) -> Settings:
    """A namespace whose journeys live for three days, and that has absorbed some young traffic."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    made = Settings(redis=valkey_url, group=GROUP, partitions=PARTITIONS, shards=shards, policy=policy)
    asyncio.run(absorb(made, traffic(1, days_ago=1)))
    return made


def audited(settings: Settings, *arguments: str) -> Audited:
    """Exit status and JSON of `redcat audit ARGUMENTS`."""
    command = ["audit", "--json", *arguments]
    ran = CliRunner(env=environment(settings)).invoke(build(command), command)
    assert ran.stderr == ""
    return ran.exit_code, json.loads(ran.stdout)


def kinds(audited: Audited) -> set[str]:
    """The kinds of the problems that were found; each has a sentence of its own."""
    status, report = audited
    assert status == (1 if report["problems"] else 0)
    assert len({problem["message"] for problem in report["problems"]}) == len(report["problems"])
    return {problem["kind"] for problem in report["problems"]}


def lane(name: str, number: int = 0) -> str:
    """The key of one of a lane's hashes."""
    return f"{GROUP}:{{0}}:lane:{number}{name}"


def keys(redis: Redis, pattern: str | bytes) -> list[bytes]:
    """All keys of a pattern, sorted."""
    return sorted(key for key in redis.scan_iter(pattern) if isinstance(key, bytes))


def fields(redis: Redis, key: str | bytes) -> list[bytes]:
    """All fields of a hash, sorted."""
    return sorted(field for field in redis.hkeys(key) if isinstance(field, bytes))


def a_counter(redis: Redis, name: str = "clicks") -> tuple[bytes, bytes]:
    """The key and the field of some counter."""
    _, code = name_code(name)
    return next(
        (key, field)
        for key in keys(redis, f"{GROUP}:{{0}}:note:*")
        for field in fields(redis, key)
        if field[ID_BYTES:] == code
    )


def an_hour(redis: Redis, row: bytes) -> tuple[bytes, bytes]:
    """The key of some past hour of the lane, and a row in it that begins so."""
    return next(
        (key, field)
        for key in keys(redis, lane(":hours:*"))
        if int(key.rpartition(b":")[2]) < now_ms() // HOUR_MS
        for field in fields(redis, key)
        if field.startswith(row)
    )


def a_journey(redis: Redis) -> bytes:
    """The key of some journey."""
    return next(key for key in keys(redis, f"{GROUP}{{0}}*") if not key.startswith(NOTES))


def a_record(redis: Redis) -> bytes:
    """The key of some note's latest record."""
    return keys(redis, NOTES + b"*")[0]
