"""Totals and time series: rows of counters by bucket, changed by differences, and gone when their time is over."""

import pytest

from app.redis_store.series import long_name, short_name
from streams.errors import LaneStopped, Refused
from tests.contract.builders import TOTALS, change, hour
from tests.contract.places import PARTITIONS, Place, RedisPlace
from tests.contract.test_counters import NAMES

HOUR = hour(480_000)


async def test_rows_add_up_over_commits_lanes_and_owners(place: Place) -> None:
    store = place.store()
    for turn in range(2):
        for lane in range(PARTITIONS):
            tip = (await store.acquire(lane, f"owner{turn}")).tip
            first = {
                TOTALS: {"mM": {"clicks": 3, "orders": 1}, "gfmcg": {"clicks": lane}},
                HOUR: {"kmM": {"clicks": 1}},
            }
            tip = await store.commit(lane, tip, change(fold=first))
            await store.commit(lane, tip, change(fold={TOTALS: {"mM": {"orders": -1, "gross_minor:CNY": 10**12}}}))
    assert await place.rows(TOTALS) == {"mM": {"clicks": 24, "gross_minor:CNY": 8 * 10**12}, "gfmcg": {"clicks": 12}}
    assert await place.rows(HOUR) == {"kmM": {"clicks": 8}}


async def test_minutes_and_hours_of_one_hour_are_different_buckets(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    minutes = hour(HOUR.hour, span="minutes")
    await store.commit(0, tip, change(fold={HOUR: {"kmM": {"clicks": 1}}, minutes: {"07kmM": {"clicks": 2}}}))
    assert (await place.rows(HOUR), await place.rows(minutes)) == ({"kmM": {"clicks": 1}}, {"07kmM": {"clicks": 2}})


async def test_every_counter_of_a_row_comes_back_as_it_was(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    counts = {name: number for number, name in enumerate(NAMES, 1)}
    await store.commit(0, tip, change(fold={TOTALS: {"c红猫|note|ad": counts}}))
    assert await place.rows(TOTALS) == {"c红猫|note|ad": counts}


@pytest.mark.parametrize("name", NAMES)
def test_a_short_name_is_short_for_one_name_only(name: str) -> None:
    assert long_name(short_name(name)) == name


async def test_an_hour_that_is_over_long_enough_is_gone(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    past, to_come = hour(480_000, expires_ms=1_700_000_000_000), hour(480_001)
    await store.commit(0, tip, change(fold={past: {"kmM": {"clicks": 1}}, to_come: {"kmM": {"clicks": 1}}}))
    assert (await place.rows(past), await place.rows(to_come)) == ({}, {"kmM": {"clicks": 1}})


async def test_a_row_that_somebody_damaged_stops_the_lane_before_anything_is_written(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(fold={TOTALS: {"mM": {"clicks": 1}}}))
    await server.back_door.hset("redcat:{0}:lane:0:totals", "mM", b"\xc1")
    before = await server.contents()
    with pytest.raises(LaneStopped, match="lane:0:totals holds a row that cannot be read"):
        await store.commit(0, tip, change(fold={TOTALS: {"mM": {"clicks": 1}}}, ledger={"order:consumed": 1}))
    assert await server.contents() == before


async def test_totals_that_are_no_hash_stop_the_lane_before_anything_is_written(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    await server.back_door.set("redcat:{0}:lane:0:totals", "text")
    before = await server.contents()
    with pytest.raises(LaneStopped, match="lane:0:totals"):
        await store.commit(0, tip, change(fold={TOTALS: {"mM": {"clicks": 1}}}, ledger={"order:consumed": 1}))
    assert await server.contents() == before


async def test_moments_count_at_once_and_are_folded_with_all_before(place: Place) -> None:
    store = place.store()
    cell = ("n1", None, "M", "jd", "fmcg", "note", "ad")
    moment = (cell, 28_800_007, 28_800_000, "entries", 1)
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(moments=[moment]))
    tip = await store.commit(0, tip, change(moments=[moment]))
    assert await store.recent(0, tip) == [moment, moment]
    assert (await place.rows(TOTALS))["mM|jd|fmcg"] == {"entries": 2}
    assert (await place.rows(hour(480_000, span="minutes")))["07emM|jd|fmcg"] == {"entries": 2}
    tip = await store.commit(0, tip, change(moments=[moment], fold={TOTALS: {"mM": {"entries": 3}}}))
    assert await store.recent(0, tip) == []
    assert await place.rows(TOTALS) == {"mM": {"entries": 3}}


async def test_moments_are_not_told_to_a_zombie(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    await place.store().acquire(0, "second")
    with pytest.raises(Refused):
        await store.recent(0, tip)


@pytest.mark.parametrize("damage", ["text", "list"])
async def test_moments_that_somebody_damaged_stop_the_lane(server: RedisPlace, damage: str) -> None:
    store, key = server.store(), "redcat:{0}:lane:0:recent"
    tip = (await store.acquire(0, "first")).tip
    await (server.back_door.set(key, "text") if damage == "text" else server.back_door.rpush(key, b"\xc1"))
    with pytest.raises(LaneStopped, match="lane:0:recent"):
        await store.recent(0, tip)
    if damage == "text":
        with pytest.raises(LaneStopped, match="lane:0:recent"):
            await store.commit(0, tip, change(ledger={"order:consumed": 1}))
