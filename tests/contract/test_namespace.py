"""The namespace: made once, by whoever comes first, and the same for everybody after."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypedDict

import pytest
import pytest_asyncio

from app.connections import RedisAddress
from app.redis_store.forms import ENCODING
from app.redis_store.link import dialler
from app.redis_store.namespace import Namespace, check_servers, contradicted, open_namespace, read_namespace
from streams.errors import Misconfigured
from tests.contract.places import RedisPlace

KEY = "shop:{0}:namespace"


class Wanted(TypedDict, total=False):
    """What a worker brings."""

    partitions: int
    shards: int
    policies: dict[int, str]
    published: dict[int, str]


async def open_it(server: RedisPlace, **other: int | dict[int, str]) -> None:
    wanted = Wanted(partitions=4, shards=2, policies={1: '{"version":1}', 2: '{"version":2}'})
    wanted.update(other)  # type: ignore[typeddict-item]
    await open_namespace(server.dial, "shop", **wanted)


async def test_the_first_worker_makes_it_and_the_next_finds_it_the_same(server: RedisPlace) -> None:
    await open_it(server)
    before = await server.contents()
    await open_it(server)
    assert await server.contents() == before
    link = await server.dial(0)
    assert await read_namespace(link, "shop") == Namespace(ENCODING, 4, 2, {1: '{"version":1}', 2: '{"version":2}'})
    link.close()


DIFFERENT: list[tuple[dict[str, int | dict[int, str]], str]] = [
    ({"partitions": 8}, r"made with 4 partitions, this worker has 8: set REDCAT_PARTITIONS=4, or REDCAT_GROUP"),
    ({"shards": 1}, r"made with 2 shards, this worker has 1: set REDCAT_SHARDS=2, or REDCAT_GROUP"),
    ({"policies": {1: '{"version":1}'}}, r"works under policies 1, 2, this worker has policies 1: .*policy publish"),
    ({"policies": {1: '{"version":1}', 2: "{}"}}, r"policies 1, 2, with another content of 2: .*policy publish FILE"),
    ({"policies": {}}, r"this worker has policies none"),
]


@pytest.mark.parametrize(("other", "text"), DIFFERENT)
async def test_a_worker_with_other_values_is_told_what_differs_and_what_to_do(
    server: RedisPlace, other: dict[str, int | dict[int, str]], text: str
) -> None:
    await open_it(server)
    before = await server.contents()
    with pytest.raises(Misconfigured, match=text):
        await open_it(server, **other)
    assert await server.contents() == before


async def test_what_was_published_since_is_in_force_for_every_worker_whether_it_brings_it_or_not(
    server: RedisPlace,
) -> None:
    await open_it(server)
    three = {3: '{"version":3}'}
    await open_it(server, published=three)
    for own in ({}, three):
        await open_it(server, policies={1: '{"version":1}', 2: '{"version":2}'} | own)
    link = await server.dial(0)
    namespace = await read_namespace(link, "shop")
    link.close()
    assert (list(namespace.in_force), namespace.published) == ([1, 2, 3], three)


async def test_what_is_in_force_stays_when_it_is_published_with_another_content(server: RedisPlace) -> None:
    await open_it(server, published={3: '{"version":3}'})
    link = await server.dial(0)
    before = await read_namespace(link, "shop")
    other = {3: "{}"}
    await open_it(server, published=other)
    assert await read_namespace(link, "shop") == before
    assert contradicted(before, other | {4: "{}"}) == [3]
    link.close()


async def test_a_worker_does_not_begin_with_another_content_than_the_published_one(server: RedisPlace) -> None:
    with pytest.raises(Misconfigured, match="policy 1 was published with another content than this worker has"):
        await open_it(server, published={1: "{}"})


async def test_of_workers_that_start_at_once_exactly_one_makes_it(server: RedisPlace) -> None:
    workers = (open_it(server, partitions=2 + number) for number in range(8))
    outcomes = await asyncio.gather(*workers, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Misconfigured) for outcome in outcomes) == 7


@pytest.mark.parametrize(
    ("stored", "text"),
    [('{"encoding": 99}', "newer Redcat"), ("{}", "cannot be read"), ("[]", "cannot be read"), ("x", "cannot be read")],
)
async def test_a_namespace_that_cannot_be_read_is_refused(server: RedisPlace, stored: str, text: str) -> None:
    await server.back_door.set(KEY, stored)
    with pytest.raises(Misconfigured, match=text):
        await open_it(server)


async def test_reading_a_namespace_that_is_not_there_says_so_and_makes_none(server: RedisPlace) -> None:
    link = await server.dial(0)
    with pytest.raises(Misconfigured, match="no namespace shop in this Redis"):
        await read_namespace(link, "shop")
    link.close()
    assert await server.contents() == {}


@pytest_asyncio.fixture
async def evicting(server: RedisPlace) -> AsyncIterator[RedisPlace]:
    """A server that would evict keys."""
    await server.tell("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    yield server
    await server.tell("CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_a_server_that_evicts_keys_is_refused_and_told_how_to_change_it(evicting: RedisPlace) -> None:
    with pytest.raises(Misconfigured, match="CONFIG SET maxmemory-policy noeviction"):
        await check_servers(evicting.dial, shards=2)
    assert await evicting.contents() == {}


async def test_where_config_is_forbidden_info_tells_about_eviction(evicting: RedisPlace) -> None:
    await evicting.tell("ACL", "SETUSER", "worker", "reset", "on", ">secret", "~*", "+@all", "-config")
    address = RedisAddress(evicting.address.nodes, evicting.address.database, "worker", "secret", tls=False)
    with pytest.raises(Misconfigured, match="would evict keys"):
        await check_servers(dialler(address), shards=1)
    await evicting.tell("ACL", "SETUSER", "worker", "-info")
    await check_servers(dialler(address), shards=1)
    await evicting.tell("ACL", "DELUSER", "worker")
