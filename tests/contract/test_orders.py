"""The index from orders to the tokens whose journeys hold them."""

import asyncio

import pytest

from app.redis_store.commit import Change, Known
from app.redis_store.keys import LaneKeys, ShardKeys
from app.redis_store.order_index import MOST_WATCHED
from streams.errors import LaneStopped, Refused
from tests.contract.builders import DAY_MS, change
from tests.contract.places import SHARDS, Place, RedisPlace

HEX, UUID = "a" * 32, "00000000-0000-4000-8000-00000000000a"


@pytest.mark.parametrize("token", [HEX, UUID, "short", "x" * 128])
async def test_an_order_leads_to_the_token_that_holds_it(place: Place, token: str) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(held=[("o1", token)]))
    assert await place.tokens_of_order("o1") == [token]
    await store.commit(0, tip, change(gone=[("o1", token)]))
    assert await place.tokens_of_order("o1") == []


async def test_an_order_that_two_tokens_hold_is_reused_whichever_lane_comes_first(place: Place) -> None:
    store = place.store()
    for lane, token in ((0, "one"), (SHARDS, "other"), (0, "one")):
        tip = (await store.acquire(lane, "owner")).tip
        await store.commit(lane, tip, change(held=[("twice", token), (f"once{token}", token)]))
    assert await place.tokens_of_order("twice") == ["one", "other"]
    assert await place.reused_orders() == ["twice"]


async def test_an_order_that_tokens_of_different_shards_hold_is_reused(place: Place) -> None:
    store = place.store()
    for lane, token in ((0, "one"), (1, "other"), (2, "third")):
        tip = (await store.acquire(lane, "owner")).tip
        await store.commit(lane, tip, change(held=[("across", token), (f"once{token}", token)]))
    assert await place.reused_orders() == ["across"]
    assert await place.tokens_of_order("across") == ["one", "other", "third"]


async def test_an_order_is_not_reused_any_more_when_one_of_its_two_tokens_turns_out_not_to_hold_it(
    place: Place,
) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(held=[("o1", "one"), ("o1", "other"), ("o2", "one")]))
    assert await place.reused_orders() == ["o1"]
    tip = await store.commit(0, tip, change(held=[("o2", "one")], gone=[("o1", "one"), ("o3", "one")]))
    assert (await place.reused_orders(), await place.tokens_of_order("o1")) == ([], ["other"])


async def test_a_commit_is_void_if_an_order_gets_another_token_after_the_look(server: RedisPlace) -> None:
    store, link = server.store(), await server.dial(0)
    tip = (await store.acquire(0, "first")).tip
    late = Change(LaneKeys(ShardKeys(server.group, 0), 0), tip, change(held=[("o1", "one")]), Known())
    seen = late.judge(await link.request(late.look()))
    other_tip = (await store.acquire(SHARDS, "other")).tip
    await store.commit(SHARDS, other_tip, change(held=[("o1", "other")]))
    with pytest.raises(Refused):
        late.confirm(await link.request(late.write(seen, msetex=link.has_msetex)))
    assert await server.tokens_of_order("o1") == ["other"]
    await store.commit(0, tip, change(held=[("o1", "one")]))
    assert await server.reused_orders() == ["o1"]
    link.close()


async def test_lanes_that_come_upon_an_order_at_the_same_time_both_commit(place: Place) -> None:
    store = place.store()
    lanes = [(lane, (await store.acquire(lane, "owner")).tip) for lane in (0, SHARDS)]
    for number in range(5):
        tips = await asyncio.gather(
            *(store.commit(lane, tip, change(held=[(f"o{number}", f"of{lane}")])) for lane, tip in lanes)
        )
        lanes = [(lane, tip) for (lane, _), tip in zip(lanes, tips, strict=True)]
    assert sorted(await place.reused_orders()) == [f"o{number}" for number in range(5)]


async def test_the_index_lives_as_long_as_the_journeys_do(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(held=[("o1", "one"), ("o2", "one")]))
    await place.let_pass(DAY_MS // 2)
    await store.commit(0, tip, change(kept=[("o2", "one")]))
    await place.let_pass(DAY_MS // 2 + 1_000)
    assert (await place.tokens_of_order("o1"), await place.tokens_of_order("o2")) == ([], ["one"])


async def test_an_order_is_kept_whoever_has_got_it_as_well_and_whether_or_not_it_is_still_there(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(held=[("o1", "one"), ("o1", "other")]))
    await store.commit(0, tip, change(kept=[("o1", "one"), ("gone", "one")], held=[("gone", "other")]))
    assert await place.tokens_of_order("o1") == ["one", "other"]
    assert await place.tokens_of_order("gone") == ["one", "other"]
    assert await place.reused_orders() == ["gone", "o1"]


async def test_any_number_of_orders_is_held_by_one_commit(place: Place) -> None:
    store, names = place.store(), [f"o{number:03}" for number in range(3 * MOST_WATCHED)]
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(held=[(name, "one") for name in names]))
    await store.commit(0, tip, change(kept=[(name, "one") for name in names], held=[(names[-1], "other")]))
    found = [await place.tokens_of_order(name) for name in (names[0], names[-2], names[-1])]
    assert found == [["one"], ["one"], ["one", "other"]]
    assert await place.reused_orders() == names[-1:]


@pytest.mark.parametrize("key", ["redcat:{0}:order:o1", "redcat:{0}:reused"])
async def test_an_index_that_somebody_damaged_stops_the_lane_before_anything_is_written(
    server: RedisPlace, key: str
) -> None:
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    await server.back_door.rpush(key, "text")
    before = await server.contents()
    with pytest.raises(LaneStopped, match=key.partition(":{0}:")[2]):
        await store.commit(0, tip, change(held=[("o1", "one")], ledger={"order:consumed": 1}))
    assert await server.contents() == before


async def test_an_order_of_one_token_is_a_string_and_of_several_a_set(server: RedisPlace) -> None:
    store, key = server.store(), "redcat:{0}:order:o1"
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(held=[("o1", HEX)]))
    assert await server.back_door.get(key) == bytes.fromhex(HEX)
    tip = await store.commit(0, tip, change(held=[("o1", UUID)]))
    assert await server.back_door.scard(key) == 2
    tip = await store.commit(0, tip, change(gone=[("o1", UUID), ("o1", "third")]))
    assert (await server.tokens_of_order("o1"), await server.reused_orders()) == ([HEX], [])


async def test_the_sets_of_older_versions_are_read_and_added_to(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    for order in ("known", "shared", "left"):
        await server.back_door.sadd(f"redcat:{{0}}:order:{order}", bytes.fromhex(HEX))
    assert await server.tokens_of_order("known") == [HEX]
    tip = await store.commit(0, tip, change(held=[("known", HEX), ("shared", "other")], gone=[("left", HEX)]))
    found = [await server.tokens_of_order(order) for order in ("known", "shared", "left")]
    assert (found, await server.reused_orders()) == ([[HEX], [HEX, "other"], []], ["shared"])
    assert await server.back_door.pttl("redcat:{0}:order:shared") > 0
