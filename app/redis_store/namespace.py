"""The namespace: what all workers of a group must agree on, remembered in Redis beside the lanes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import hiredis
import msgspec

from app.redis_store.forms import ENCODING
from app.redis_store.keys import namespace_key
from app.redis_store.link import Dial, Link, require
from app.redis_store.resp import command
from streams.errors import Misconfigured

OLDEST_REDIS: Final = 7


class NoNamespace(Misconfigured):
    """No worker of the group has ever run here."""


class Namespace(msgspec.Struct, frozen=True):
    """What a namespace was made with, and the policies put into force since; both map version -> canonical JSON."""

    encoding: int
    partitions: int
    shards: int
    policies: dict[int, str]
    published: dict[int, str] = {}
    generation: int = 0  # of its data; every rebuild puts a greater one into force

    @property
    def in_force(self) -> dict[int, str]:
        """All its policies."""
        return dict(sorted((self.policies | self.published).items()))


async def open_namespace(
    dial: Dial,
    group: str,
    *,
    partitions: int,
    shards: int,
    policies: Mapping[int, str],
    published: Mapping[int, str] = MappingProxyType({}),
) -> Namespace:
    """Make the namespace, or check that it was made with the same values and learn what was published since.

    `policies` are the worker's own, `published` those of the policy topic.  Misconfigured says what differs.
    """
    wanted = _learn(Namespace(ENCODING, partitions, shards, dict(sorted(policies.items()))), published)
    if other := contradicted(wanted, published):
        raise Misconfigured(
            f"policy {other[0]} was published with another content than this worker has: give it the published one"
        )
    link = await dial(0)
    try:
        return await _make_or_learn(link, group, wanted, published)
    finally:
        link.close()


async def check_servers(dial: Dial, shards: int) -> None:
    """Refuse, as Misconfigured, servers that are too old or that would evict keys."""
    for shard in range(shards):
        link = await dial(shard)
        try:
            await _check_server(link)
        finally:
            link.close()


async def read_namespace(link: Link, group: str) -> Namespace:
    """What the namespace was made with; NoNamespace if there is none."""
    (found,) = await link.ask(command("GET", namespace_key(group)))
    if require(found, namespace_key(group)) is None:
        raise NoNamespace(f"there is no namespace {group} in this Redis: no worker of REDCAT_GROUP={group} has run")
    return decode_namespace(found, group)


async def _make_or_learn(link: Link, group: str, wanted: Namespace, published: Mapping[int, str]) -> Namespace:
    key = namespace_key(group)
    while True:
        _, found = await link.ask(command("WATCH", key), command("GET", key))
        if require(found, key) is None:
            namespace = wanted
        else:
            namespace = decode_namespace(found, group)
            _compare(namespace, wanted, group)
            namespace = _learn(namespace, published)
        value = msgspec.json.encode(namespace)
        if value == found:
            await link.ask(command("UNWATCH"))
            return namespace
        *_, done = await link.ask(command("MULTI"), command("SET", key, value), command("EXEC"))
        # Of two workers that start at once one makes it, and the other looks again.
        if require(done, key) is not None:
            return namespace


def _learn(namespace: Namespace, published: Mapping[int, str]) -> Namespace:
    """The namespace with what is new; what is in force stays as it is."""
    new = {version: text for version, text in published.items() if version not in namespace.in_force}
    return msgspec.structs.replace(namespace, published=dict(sorted((namespace.published | new).items())))


def contradicted(namespace: Namespace, published: Mapping[int, str]) -> list[int]:
    """Versions that were published with another content than the one in force."""
    return sorted(version for version, text in published.items() if namespace.in_force.get(version, text) != text)


def decode_namespace(value: bytes, group: str) -> Namespace:
    """The namespace in its record; Misconfigured if it cannot be read."""
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
    # What was published since may be in the worker's file as well, or not.
    known = found.in_force | wanted.published
    strange = {version: text for version, text in wanted.policies.items() if known.get(version) != text}
    if strange or found.policies.keys() - wanted.policies.keys():
        raise Misconfigured(
            f"namespace {group} works under {_versions(known)}, this worker has {_versions(wanted.policies)}"
            f"{_contents(known, wanted.policies)}: give it the same policies, or put new ones into force with "
            "`redcat policy publish FILE`"
        )


def _versions(policies: Mapping[int, str]) -> str:
    return f"policies {', '.join(map(str, policies)) or 'none'}"


def _contents(known: Mapping[int, str], wanted: Mapping[int, str]) -> str:
    other = sorted(version for version in known.keys() & wanted.keys() if known[version] != wanted[version])
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
