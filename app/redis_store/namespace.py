"""The namespace: what all workers of a group must agree on, remembered in Redis beside the lanes."""

from collections.abc import Mapping
from typing import Final

import hiredis
import msgspec

from app.redis_store.forms import ENCODING
from app.redis_store.keys import namespace_key
from app.redis_store.link import Dial, Link, require
from app.redis_store.resp import command
from streams.errors import Misconfigured

OLDEST_REDIS: Final = 7


class Namespace(msgspec.Struct, frozen=True):
    """What a namespace was made with; `policies` maps version -> canonical JSON."""

    encoding: int
    partitions: int
    shards: int
    policies: dict[int, str]


async def open_namespace(dial: Dial, group: str, *, partitions: int, shards: int, policies: Mapping[int, str]) -> None:
    """Make the namespace, or check that it was made with the same values; Misconfigured says what differs.

    Also refuses servers that are too old or that would evict keys.
    """
    wanted = Namespace(ENCODING, partitions, shards, dict(sorted(policies.items())))
    for shard in range(shards):
        link = await dial(shard)
        try:
            await _check_server(link)
            if shard == 0:
                await _make_or_compare(link, group, wanted)
        finally:
            link.close()


async def read_namespace(link: Link, group: str) -> Namespace:
    """What the namespace was made with; Misconfigured if there is none."""
    (found,) = await link.ask(command("GET", namespace_key(group)))
    if require(found, namespace_key(group)) is None:
        raise Misconfigured(f"there is no namespace {group} in this Redis: no worker of REDCAT_GROUP={group} has run")
    return _decode(found, group)


async def _make_or_compare(link: Link, group: str, wanted: Namespace) -> None:
    value = msgspec.json.encode(wanted)
    # One command, so that of two workers that start at once one makes it and the other compares.
    (found,) = await link.ask(command("SET", namespace_key(group), value, "NX", "GET"))
    if require(found, namespace_key(group)) is not None:
        _compare(_decode(found, group), wanted, group)


def _decode(value: bytes, group: str) -> Namespace:
    try:
        encoding = msgspec.json.decode(value)["encoding"]
        if encoding > ENCODING:
            raise Misconfigured(
                f"namespace {group} is stored in encoding {encoding}, this version reads up to {ENCODING}: "
                "run a newer Redcat"
            )
        return msgspec.json.decode(value, type=Namespace)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise Misconfigured(f"{namespace_key(group).decode()} cannot be read: {error!r}") from error


def _compare(found: Namespace, wanted: Namespace, group: str) -> None:
    for name in ("partitions", "shards"):
        has, wants = getattr(found, name), getattr(wanted, name)
        if has != wants:
            raise Misconfigured(
                f"namespace {group} was made with {has} {name}, this worker has {wants}: "
                f"set REDCAT_{name.upper()}={has}, or REDCAT_GROUP to a new name"
            )
    if found.policies != wanted.policies:
        raise Misconfigured(
            f"namespace {group} works under {_versions(found)}, this worker has {_versions(wanted)}"
            f"{_contents(found, wanted)}: give it the same policies, or put new ones into force with "
            "`redcat policy publish FILE`"
        )


def _versions(namespace: Namespace) -> str:
    return f"policies {', '.join(map(str, namespace.policies)) or 'none'}"


def _contents(found: Namespace, wanted: Namespace) -> str:
    common = found.policies.keys() & wanted.policies.keys()
    other = sorted(version for version in common if found.policies[version] != wanted.policies[version])
    return f", with another content of {', '.join(map(str, other))}" if other else ""


async def _check_server(link: Link) -> None:
    config, memory, server = await link.ask(
        command("CONFIG", "GET", "maxmemory-policy"), command("INFO", "memory"), command("INFO", "server")
    )
    # Where CONFIG is forbidden, INFO says the same.
    found = config[1].decode() if isinstance(config, list) and config else _info(memory, "maxmemory_policy")
    if found not in ("noeviction", ""):
        raise Misconfigured(
            f"Redis would evict keys when it is full (maxmemory-policy {found}), and with them counters and journeys: "
            "run CONFIG SET maxmemory-policy noeviction"
        )
    version = _info(server, "redis_version")
    if version and int(version.partition(".")[0]) < OLDEST_REDIS:
        raise Misconfigured(f"Redis {version} is too old: Redcat needs Redis {OLDEST_REDIS} or newer, or Valkey")


def _info(reply: bytes | hiredis.ReplyError, name: str) -> str:
    """A value from an INFO reply; nothing where INFO is forbidden."""
    if isinstance(reply, hiredis.ReplyError):
        return ""
    lines = dict(line.partition(":")[::2] for line in reply.decode().splitlines())
    return lines.get(name, "")
