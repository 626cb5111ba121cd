"""Generations of a namespace: one rebuild at a time, lanes that are held, and which generation who works on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.redis_store.generations import Copy, Generations, copy_key, held_key, unlink_generation
from app.redis_store.keys import namespace_key
from app.redis_store.link import Link
from app.redis_store.namespace import Namespace
from app.redis_store.reader import open_reader
from app.redis_store.store import RedisStore
from streams.errors import Misconfigured, Refused, Unavailable
from streams.records import Tip
from tests.contract.builders import CELL, change, full_change
from tests.contract.places import PARTITIONS, SHARDS, RedisPlace

LANE = 1
NEW = Copy(1, SHARDS)


class Links:
    """Connections that are closed in the end."""

    def __init__(self, server: RedisPlace) -> None:
        self._server = server
        self._opened: list[Link] = []

    async def dial(self, shard: int) -> Link:
        self._opened.append(await self._server.dial(shard))
        return self._opened[-1]

    async def generations(self, nonce: str = "rebuild") -> Generations:
        return Generations(await self.dial(0), self._server.group, nonce)

    async def namespace(self) -> Namespace:
        reader = await self._server.reader()
        await reader.close()
        return reader.namespace

    def close(self) -> None:
        for link in self._opened:
            link.close()


@pytest_asyncio.fixture
async def links(server: RedisPlace) -> AsyncIterator[Links]:
    """Connections to the server."""
    opened = Links(server)
    yield opened
    opened.close()


async def test_only_one_rebuild_is_at_it_and_another_when_its_guard_has_run_out(
    server: RedisPlace, links: Links
) -> None:
    first, second = await links.generations("first"), await links.generations("second")
    await first.guard()
    await first.guard()
    with pytest.raises(Refused, match="another rebuild of namespace redcat is under way"):
        await second.guard()
    assert await server.back_door.pttl("redcat:{0}:rebuilder") > 0
    await first.leave()
    await second.guard()


async def test_held_lanes_are_not_taken_over_until_they_may_go_on_or_whoever_held_them_is_gone(
    server: RedisPlace, links: Links
) -> None:
    rebuild, store = await links.generations(), server.store()
    tip = (await store.acquire(LANE, "first")).tip
    await rebuild.hold()
    tip = await store.commit(LANE, tip, change())  # until it is refused
    with pytest.raises(Unavailable, match="held"):
        await server.store().acquire(LANE, "second")
    assert 0 < await server.back_door.pttl(held_key(server.group)) <= 10_000
    await rebuild.go_on()
    assert (await server.store().acquire(LANE, "second")).tip == Tip("second", 1)


async def test_after_another_generation_was_put_into_force_lanes_are_taken_over_there_and_read_there(
    server: RedisPlace, links: Links
) -> None:
    stands = await links.namespace()
    store, copy = server.store(), RedisStore(server.dial, server.group, SHARDS, generation=1)
    tip = (await store.acquire(LANE, "old")).tip
    tip = await store.commit(LANE, tip, change(cells={"note": {CELL: {"clicks": 1}}}, positions={"order": 1}))
    copied = (await copy.acquire(LANE, "copy")).tip
    await copy.commit(LANE, copied, change(cells={"note": {CELL: {"clicks": 2}}}, positions={"order": 2}))
    assert await server.counters() == {"note": {CELL: {"clicks": 1}}}

    rebuild = await links.generations()
    await rebuild.begin(NEW)
    await rebuild.put_into_force(stands, NEW)

    assert await server.counters() == {"note": {CELL: {"clicks": 2}}}
    await store.probe(LANE, tip)  # its owner does not know yet, and does no harm
    assert (await store.acquire(LANE, "again")).positions == {"order": 2}
    assert await rebuild.left() == Copy(0, SHARDS)
    await copy.close()


async def test_a_take_over_during_which_another_generation_is_put_into_force_is_refused(
    server: RedisPlace, links: Links
) -> None:
    stands = await links.namespace()
    rebuild = await links.generations()
    switched = asyncio.Event()

    async def dial(shard: int) -> Link:
        """Dials a lane's server only when the other generation is in force."""
        if shard == LANE % SHARDS and not switched.is_set():
            await rebuild.put_into_force(stands, NEW)
            switched.set()
        return await server.dial(shard)

    store = RedisStore(dial, server.group, SHARDS)
    with pytest.raises(Refused, match="was rebuilt meanwhile"):
        await store.acquire(LANE, "owner")
    assert (await store.acquire(LANE, "owner")).tip == Tip("owner", 0)
    await store.close()


async def test_a_namespace_that_was_changed_meanwhile_is_not_overwritten(server: RedisPlace, links: Links) -> None:
    stands = await links.namespace()
    one, other = await links.generations("one"), await links.generations("other")
    await one.put_into_force(stands, NEW)
    with pytest.raises(Refused, match="changed by somebody else"):
        await other.put_into_force(stands, Copy(1, 1))
    await server.back_door.delete(namespace_key(server.group))
    with pytest.raises(Refused, match="changed by somebody else"):
        await other.put_into_force(stands, NEW)


async def test_a_worker_with_other_shards_than_the_generation_in_force_says_so(
    server: RedisPlace, links: Links
) -> None:
    stands = await links.namespace()
    store = server.store()
    await (await links.generations()).put_into_force(stands, Copy(1, 1))
    with pytest.raises(Misconfigured, match="set REDCAT_SHARDS=1"):
        await store.acquire(LANE, "owner")


async def test_a_reader_tells_that_what_it_reads_is_no_longer_in_force_and_can_be_renewed(
    server: RedisPlace, links: Links
) -> None:
    reader = await server.reader()
    assert await reader.is_in_force()
    await (await links.generations()).put_into_force(reader.namespace, Copy(1, 1))
    assert not await reader.is_in_force()
    await reader.renew()
    assert (reader.namespace.generation, reader.namespace.shards) == (1, 1)
    assert await reader.is_in_force()
    await reader.close()


async def test_removing_a_generation_leaves_the_others_and_what_belongs_to_all(
    server: RedisPlace, links: Links
) -> None:
    stands = await links.namespace()
    for generation in (0, 1):
        store = RedisStore(server.dial, server.group, SHARDS, generation=generation)
        for lane in range(PARTITIONS):
            tip = (await store.acquire(lane, "owner")).tip
            await store.commit(lane, tip, full_change(tip))
        await store.close()
    kept = {namespace_key(server.group), b"redcat:{0}:forgetting-key", b"redcat:{0}:keys", b"redcat-eu:{0}:notes"}
    for key in kept - {namespace_key(server.group)}:
        await server.back_door.set(key, "kept")
    before = await server.contents()
    for shard in range(SHARDS):
        assert await unlink_generation(await links.dial(shard), server.group, shard, 0) > 0
    left = await server.contents()
    assert left.keys() == kept | {key for key in before if key.startswith(b"redcat~1")}
    assert copy_key(server.group) not in left
    copy = await open_reader(server.dial, server.group, stands)
    assert await copy.lanes() == []
    await copy.close()
