"""Servers that are full, read-only, old or strict."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from app.connections import RedisAddress
from app.redis_store.commit import Change, Known
from app.redis_store.keys import LaneKeys, ShardKeys
from app.redis_store.link import dialler
from app.redis_store.store import RedisStore
from streams.errors import Misconfigured, Refused, Unavailable
from streams.records import Tip
from tests.contract.builders import change, full_change
from tests.contract.places import SHARDS, RedisPlace

LANE = 1


async def test_scripts_may_vanish_at_any_time(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    await server.back_door.script_flush()
    tip = await store.commit(LANE, tip, full_change(tip))
    await server.back_door.script_flush()
    await store.trim(LANE, tip, tip)
    await server.back_door.script_flush()
    tip = await store.rolled_back(LANE, tip, 8, None)
    await server.back_door.script_flush()
    assert (await store.acquire(LANE, "second")).tip == Tip("second", 8)


@contextlib.asynccontextmanager
async def server_setting(server: RedisPlace, name: str, value: str) -> AsyncIterator[None]:
    (old,) = await server.tell("CONFIG", "GET", name)
    await server.tell("CONFIG", "SET", name, value)
    try:
        yield
    finally:
        await server.tell("CONFIG", "SET", *old)


async def test_a_full_server_refuses_a_commit_as_a_whole_but_lets_lanes_be_acquired_and_trimmed(
    server: RedisPlace,
) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    before = await server.contents()
    async with server_setting(server, "maxmemory", "1"):
        with pytest.raises(Unavailable, match="maxmemory"):
            await store.commit(LANE, tip, full_change(tip))
        assert await server.contents() == before
        await store.load(LANE, tip, ["a" * 32])
        tip = (await store.acquire(LANE, "second")).tip
        await store.trim(LANE, tip, Tip("first", 1))
        tip = await store.rolled_back(LANE, tip, 3, None)
        assert (await server.store().acquire(LANE, "third")).outbox == []
    tip = (await store.acquire(LANE, "fourth")).tip
    assert await store.commit(LANE, tip, full_change(tip)) == Tip("fourth", 4)


async def test_a_server_that_became_a_replica_takes_nothing(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    before = await server.contents()
    await server.back_door.replicaof("127.0.0.1", "1")
    try:
        for act in (store.commit(LANE, tip, full_change(tip)), store.trim(LANE, tip, tip), store.acquire(LANE, "x")):
            with pytest.raises(Unavailable, match=r"READONLY|MASTERDOWN"):
                await act
    finally:
        await server.back_door.replicaof("NO", "ONE")
    assert await server.contents() == before


async def test_a_command_that_the_server_does_not_have_refuses_the_commit_as_a_whole(redis7_url: str) -> None:
    place = RedisPlace(redis7_url)
    keys = LaneKeys(ShardKeys(place.group, LANE % SHARDS), LANE)
    link = await place.dial(LANE % SHARDS)
    assert not link.has_msetex
    tip = (await place.store().acquire(LANE, "first")).tip
    before = await place.contents()
    commit = Change(keys, tip, full_change(tip), Known())
    seen = commit.judge(await link.request(commit.look()))
    with pytest.raises(Unavailable, match="MSETEX"):
        commit.confirm(await link.request(commit.write(seen, msetex=True)))
    assert await place.contents() == before
    link.close()
    await place.close()


async def test_msetex_is_used_where_the_server_has_it(valkey_url: str) -> None:
    place = RedisPlace(valkey_url)
    link = await place.dial(0)
    assert link.has_msetex
    link.close()
    await place.close()


async def test_a_change_between_look_and_write_makes_the_commit_void(server: RedisPlace) -> None:
    """A look at 10:00, a new owner at 10:01, the write of the old one at 10:02."""
    keys = LaneKeys(ShardKeys(server.group, LANE % SHARDS), LANE)
    zombie = await server.dial(LANE % SHARDS)
    tip = (await server.store().acquire(LANE, "first")).tip
    late = Change(keys, tip, full_change(tip), Known())
    seen = late.judge(await zombie.request(late.look()))
    await server.store().acquire(LANE, "second")
    before = await server.contents()
    replies = await zombie.request(late.write(seen, msetex=False))
    with pytest.raises(Refused, match="changed while"):
        late.confirm(replies)
    assert await server.contents() == before
    zombie.close()


async def test_the_rights_of_a_user_may_be_limited_to_what_the_store_needs(server: RedisPlace) -> None:
    keyspace = "+get +set +mget +hget +hmget +hset +hdel +hkeys +hlen +hexists +hincrby +llen +rpush +sadd +srem +scard"
    other = "+xlen +xadd +multi +exec +watch +unwatch +eval +type +hgetall +hvals +lrange +del +select +command|info"
    lifetimes = "+pexpire +pexpireat"
    link = await server.dial(0)
    with_msetex = " +msetex" if link.has_msetex else ""
    link.close()
    await server.tell(
        "ACL",
        "SETUSER",
        "worker",
        "reset",
        "on",
        ">secret",
        "~redcat*",
        *f"{keyspace} {other} {lifetimes}{with_msetex}".split(),
    )
    address = RedisAddress(server.address.nodes, server.address.database, "worker", "secret", tls=False)
    store = RedisStore(dialler(address), server.group, SHARDS)
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    assert await store.load(LANE, tip, ["short"]) == [b""]
    await store.trim(LANE, tip, tip)
    tip = await store.rolled_back(LANE, tip, 5, None)
    await store.probe(LANE, tip)
    await server.tell("ACL", "SETUSER", "worker", "-hincrby")
    with pytest.raises(Misconfigured, match="NOPERM"):
        await store.commit(LANE, tip, full_change(tip))
    await store.close()
    await server.tell("ACL", "DELUSER", "worker")


async def test_a_small_note_is_a_flat_list_and_a_large_one_a_table(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    encodings = []
    for number in range(20):
        long_text = f"{'c' * 100}{number}|m|taobao|fmcg|note|ad"
        counters = {"clicks": 1, "entries": 1, "orders": 1, "gross_minor:CNY": 1}
        tip = await store.commit(LANE, tip, change(cells={"note": {long_text: counters}}))
        encodings.append(await server.back_door.object("ENCODING", "redcat:{1}:note:note"))
    assert encodings[0] == b"listpack"
    assert encodings[-1] == b"hashtable"
    assert len((await server.counters())["note"]) == 20
