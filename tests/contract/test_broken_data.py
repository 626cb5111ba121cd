"""Data in Redis that are not as they should be: found before anything is written."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from app.redis_store.commit import Change, Known
from app.redis_store.keys import LaneKeys, ShardKeys
from streams.errors import LaneStopped, Misconfigured
from tests.contract.builders import CELL, change, full_change
from tests.contract.places import SHARDS, RedisPlace

LANE = 1
LANE_KEY = "redcat:{1}:lane:1"
NOTE_KEY = "redcat:{1}:note:note-1"


@pytest.mark.parametrize(
    "key",
    [
        *(f"{LANE_KEY}:tip", LANE_KEY, f"{LANE_KEY}:outbox", f"{LANE_KEY}:words", f"{LANE_KEY}:ledger"),
        *(NOTE_KEY, "redcat:{1}:notes"),
    ],
)
async def test_a_key_of_the_wrong_type_stops_the_lane_before_anything_is_written(server: RedisPlace, key: str) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    await server.back_door.delete(key)
    await server.back_door.zadd(key, {"a sorted set": 1})
    before = await server.contents()
    more = change(cells={"note-1": {CELL: {"clicks": 1}}, "new": {CELL: {"clicks": 1}}}, ledger={"order:consumed": 1})
    with pytest.raises(LaneStopped, match=key.replace("{", r"\{").replace("}", r"\}")):
        await store.commit(LANE, tip, more)
    assert await server.contents() == before


@pytest.mark.parametrize("key", [f"{LANE_KEY}:tip", LANE_KEY, f"{LANE_KEY}:outbox", f"{LANE_KEY}:words"])
async def test_a_lane_key_of_the_wrong_type_is_found_before_a_script_writes(server: RedisPlace, key: str) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    await server.back_door.delete(key)
    await server.back_door.zadd(key, {"a sorted set": 1})
    before = await server.contents()
    for act in (
        store.rolled_back(LANE, tip, 9, tip),
        store.trim(LANE, tip, tip),
        server.store().acquire(LANE, "second"),
    ):
        with pytest.raises(LaneStopped, match="is a zset"):
            await act
    assert await server.contents() == before


@pytest.mark.parametrize("value", ["many", "", "1.5", "007", " 1", "+1", "9" * 19, str(2**63 - 1)])
async def test_a_counter_that_does_not_take_the_change_is_found_before_anything_is_written(
    server: RedisPlace, value: str
) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    field = next(name for name in await server.fields(NOTE_KEY) if name.endswith(b"\x01"))
    await server.back_door.hset(NOTE_KEY, field, value)
    before = await server.contents()
    with pytest.raises(LaneStopped, match=r"note-1 field .* which takes no"):
        await store.commit(LANE, tip, full_change(tip))
    await server.back_door.hset(f"{LANE_KEY}:ledger", "order:consumed", value)
    with pytest.raises(LaneStopped, match=r"ledger field .* which takes no"):
        await store.commit(LANE, tip, change(ledger={"order:consumed": 1}))
    await server.back_door.hset(f"{LANE_KEY}:ledger", "order:consumed", 7)
    assert await server.contents() == before


async def test_a_counter_close_to_64_bits_still_takes_what_fits(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, change(ledger={"line": 2**63 - 2}))
    tip = await store.commit(LANE, tip, change(ledger={"line": 1}))
    with pytest.raises(LaneStopped):
        await store.commit(LANE, tip, change(ledger={"line": 1}))


async def test_words_that_somebody_else_changed_stop_the_lane_before_numbers_are_given_twice(
    server: RedisPlace,
) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    await server.back_door.rpush(f"{LANE_KEY}:words", "more")
    before = await server.contents()
    for nonce in ("second", "third"):
        with pytest.raises(LaneStopped, match="holds 3 words, its owner knows 2"):
            await store.commit(LANE, tip, full_change(tip))
        assert await server.contents() == before
        tip = (await store.acquire(LANE, nonce)).tip
        before = await server.contents()


async def test_two_cells_with_one_id_stop_the_lane_instead_of_being_mixed(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    field = next(name for name in await server.fields(NOTE_KEY) if name.endswith(b"\x00"))
    await server.back_door.hset(NOTE_KEY, field, "another|cell")
    tip = (await store.acquire(LANE, "second")).tip
    before = await server.contents()
    with pytest.raises(LaneStopped, match="another cell in the place of"):
        await store.commit(LANE, tip, full_change(tip))
    assert await server.contents() == before


async def test_a_stranger_who_breaks_a_key_between_look_and_write_is_noticed(server: RedisPlace) -> None:
    keys = LaneKeys(ShardKeys(server.group, LANE % SHARDS), LANE)
    link = await server.dial(LANE % SHARDS)
    tip = (await server.store().acquire(LANE, "first")).tip
    commit = Change(keys, tip, full_change(tip), Known())
    seen = commit.judge(await link.request(commit.look()))
    await server.back_door.set(NOTE_KEY, "a string")
    with pytest.raises(LaneStopped, match="somebody else"):
        commit.confirm(await link.request(commit.write(seen, msetex=False)))
    link.close()


async def damaged(server: RedisPlace, damage: Callable[[RedisPlace], Awaitable[object]]) -> None:
    store = server.store()
    tip = (await store.acquire(LANE, "first")).tip
    await store.commit(LANE, tip, full_change(tip))
    await damage(server)


DAMAGES: dict[str, Callable[[RedisPlace], Awaitable[object]]] = {
    "state": lambda server: server.back_door.hset(LANE_KEY, "state", b"\xc1garbage"),
    "state of another shape": lambda server: server.back_door.hset(LANE_KEY, "state", b"\x92\x01\x91\xa1x"),
    "published": lambda server: server.back_door.hset(LANE_KEY, "published", "nowhere"),
    "entry": lambda server: server.back_door.hset(f"{LANE_KEY}:outbox", "first:1", b""),
    "tip": lambda server: server.back_door.set(f"{LANE_KEY}:tip", "nonsense"),
    "tip without a nonce": lambda server: server.back_door.set(f"{LANE_KEY}:tip", ":3"),
    "tip gone": lambda server: server.back_door.delete(f"{LANE_KEY}:tip"),
    "state gone": lambda server: server.back_door.delete(LANE_KEY),
    "words gone": lambda server: server.back_door.delete(f"{LANE_KEY}:words"),
    "a word that is no text": lambda server: server.tell("LSET", f"{LANE_KEY}:words", "0", b"\xff"),
    "encoding": lambda server: server.back_door.hset(LANE_KEY, "encoding", "??"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_state_that_cannot_be_read_stops_the_lane(
    server: RedisPlace, damage: Callable[[RedisPlace], Awaitable[object]]
) -> None:
    await damaged(server, damage)
    with pytest.raises(LaneStopped, match="lane:1"):
        await server.store().acquire(LANE, "second")


NEWER: dict[str, Callable[[RedisPlace], Awaitable[object]]] = {
    "lane": lambda server: server.back_door.hset(LANE_KEY, "encoding", "99"),
    "state": lambda server: server.back_door.hset(LANE_KEY, "state", b"\x92\x63\xa3new"),
    "entry": lambda server: server.back_door.hset(f"{LANE_KEY}:outbox", "first:1", b"\x93\x63\x01\x02"),
}


@pytest.mark.parametrize("damage", NEWER.values(), ids=NEWER.keys())
async def test_a_newer_encoding_is_refused(
    server: RedisPlace, damage: Callable[[RedisPlace], Awaitable[object]]
) -> None:
    await damaged(server, damage)
    with pytest.raises(Misconfigured, match="run a newer Redcat"):
        await server.store().acquire(LANE, "second")


async def test_a_lane_in_a_newer_encoding_keeps_its_owner(server: RedisPlace) -> None:
    newer = server.store()
    tip = (await newer.acquire(LANE, "first")).tip
    await server.back_door.hset(LANE_KEY, "encoding", "99")
    with pytest.raises(Misconfigured):
        await server.store().acquire(LANE, "second")
    await newer.probe(LANE, tip)


async def test_a_lane_that_an_older_version_wrote_is_read(server: RedisPlace) -> None:
    older = msgspec.msgpack.encode([1, [{"order": 7}, [1], {}, {}, 5, 0]])
    await server.back_door.set(f"{LANE_KEY}:tip", "first:3")
    await server.back_door.hset(LANE_KEY, mapping={"encoding": "1", "state": older})
    state = await server.store().acquire(LANE, "second")
    assert (state.tip.sequence, state.positions, state.spent, state.restating) == (3, {"order": 7}, 5, "")
