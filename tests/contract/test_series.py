"""Totals and time series: rows of counters by bucket, changed by differences, and gone when their time is over."""

import msgspec
import pytest

from app.redis_store.rows import ARRAY, MOST_PAIRS, long_name, short_name
from app.redis_store.series_reader import read_series
from app.redis_store.settling import BACK, SOON_MS
from streams.errors import LaneStopped, Refused
from tests.contract.builders import TOTALS, change, hour
from tests.contract.places import PARTITIONS, Place, RedisPlace
from tests.contract.test_counters import NAMES

HOUR, MINUTES = hour(480_000), hour(480_000, span="minutes")
pack = msgspec.msgpack.encode


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


async def test_what_is_counted_in_a_minute_counts_in_its_hour(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    one = {"07kmM": {"clicks": 2, "gross_minor:CNY": 5}, "59kmM": {"clicks": 1}, "knN": {"clicks": 3}}
    tip = await store.commit(0, tip, change(fold={HOUR: one}))
    await store.commit(
        0, tip, change(fold={HOUR: {"07kmM": {"clicks": 1}, "59kmM": {"clicks": -1}, "kmM": {"carts": 1}}})
    )
    assert await place.rows(HOUR) == {"kmM": {"clicks": 3, "gross_minor:CNY": 5, "carts": 1}, "knN": {"clicks": 3}}
    assert await place.rows(MINUTES) == {"07kmM": {"clicks": 3, "gross_minor:CNY": 5}}


async def test_a_row_of_many_commits_stays_small_and_right(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    for turn in range(3 * MOST_PAIRS):
        tip = await store.commit(
            0, tip, change(fold={HOUR: {f"{turn % 50:02d}kmM": {"clicks": 1, "carts": -(turn % 2)}}})
        )
    rows = await server.rows(MINUTES)
    assert sum(counts["clicks"] for counts in rows.values()) == 3 * MOST_PAIRS
    assert rows["01kmM"] == {"clicks": 8, "carts": -8}
    assert await server.rows(HOUR) == {"kmM": {"clicks": 3 * MOST_PAIRS, "carts": -192}}
    assert await server.back_door.hstrlen("redcat:{0}:lane:0:hours:480000", "kmM") < 6 * MOST_PAIRS


async def test_rows_of_encoding_3_are_read_and_continued(server: RedisPlace) -> None:
    lane = "redcat:{0}:lane:0"
    await server.back_door.hset(f"{lane}:hours:480000", mapping={"kmM": pack({1: 5}), "kgG": pack({1: 2})})
    await server.back_door.hset(f"{lane}:minutes:480000", mapping={"07kmM": pack({1: 3}), "08kmM": pack({1: 2})})
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    await store.commit(0, tip, change(fold={HOUR: {"07kmM": {"clicks": 1}}}))
    assert await server.rows(HOUR) == {"kmM": {"clicks": 6}, "kgG": {"clicks": 2}}
    assert await server.rows(MINUTES) == {"07kmM": {"clicks": 4}, "08kmM": {"clicks": 2}}


async def test_an_old_hour_lets_its_minutes_go_and_counts_as_before(server: RedisPlace) -> None:
    store, key = server.store(), f"redcat:{{0}}:lane:0:hours:{HOUR.hour}"
    tip = (await store.acquire(0, "first")).tip
    later = hour(HOUR.hour + 1)
    some = {f"07kmM{number}": {"clicks": number} for number in range(1, 1_201)}  # more than a page
    tip = await store.commit(0, tip, change(fold={HOUR: some, later: {"01kmM": {"clicks": 1}}}))
    folds = 0
    while any(value[:1] == ARRAY for value in await server.back_door.hvals(key)):
        late = {} if folds else {HOUR: {"kmM7": {"carts": 1}}}
        tip = await store.commit(0, tip, change(fold=late, minutes_until=HOUR.hour + 1))
        folds += 1
        assert folds < 2 * BACK
    assert folds > BACK
    reader = await server.reader()
    series = await read_series(reader)
    whole = {row[2:]: counts for row, counts in some.items()} | {"kmM7": {"clicks": 7, "carts": 1}}
    assert await series.bucket("hours", HOUR.hour) == whole
    assert await series.bucket("minutes", HOUR.hour) == {}
    assert await series.bucket("minutes", later.hour) == {"01kmM": {"clicks": 1}}
    await reader.close()


async def test_a_row_that_changes_as_its_page_is_settled_stays_as_it_was_changed(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(fold={HOUR: {"07kmM": {"clicks": 1}, "07kmN": {"clicks": 1}}}))
    for turn in range(BACK):
        late = {HOUR: {"kmM": {"carts": 1}}} if turn == BACK - 1 else {}
        tip = await store.commit(0, tip, change(fold=late, minutes_until=HOUR.hour + 1))
    assert await server.rows(HOUR) == {"kmM": {"clicks": 1, "carts": 1}, "kmN": {"clicks": 1}}
    assert await server.rows(MINUTES) == {"07kmM": {"clicks": 1}}


async def test_an_hour_that_is_about_to_expire_is_left_alone(server: RedisPlace) -> None:
    store, key = server.store(), f"redcat:{{0}}:lane:0:hours:{HOUR.hour}"
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(fold={HOUR: {"07kmM": {"clicks": 1}}}))
    await server.back_door.pexpire(key, SOON_MS // 2)
    for _ in range(BACK + 1):
        tip = await store.commit(0, tip, change(fold={}, minutes_until=HOUR.hour + 1))
    assert await server.rows(MINUTES) == {"07kmM": {"clicks": 1}}
    assert await server.back_door.pttl(key) > 0


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


@pytest.mark.parametrize(
    ("key", "field", "damage"),
    [("totals", "mM", b"\xc1"), ("hours:480000", "kmM", b"\xc1"), ("hours:480000", "kmM", b"\x93\xc1")],
)
async def test_a_row_that_somebody_damaged_stops_the_lane_before_anything_is_written(
    server: RedisPlace, key: str, field: str, damage: bytes
) -> None:
    store = server.store()
    tip = (await store.acquire(0, "first")).tip
    fold = {TOTALS: {"mM": {"clicks": 1}}, HOUR: {"07kmM": {"clicks": 1}}}
    tip = await store.commit(0, tip, change(fold=fold))
    await server.back_door.hset(f"redcat:{{0}}:lane:0:{key}", field, damage)
    before = await server.contents()
    with pytest.raises(LaneStopped, match=f"lane:0:{key} holds a row that cannot be read"):
        await store.commit(0, tip, change(fold=fold, ledger={"order:consumed": 1}))
    assert await server.contents() == before


@pytest.mark.parametrize("pairs", [b"\x01", b"\x01\x02", b"\xc1\xc1"])
async def test_minutes_that_somebody_damaged_are_told_of_by_readers(server: RedisPlace, pairs: bytes) -> None:
    await server.back_door.hset("redcat:{0}:lane:0:hours:480000", "kmM", pack(({1: 1}, 1, pairs)))
    with pytest.raises(LaneStopped, match="hours:480000 holds a row that cannot be read"):
        await server.rows(MINUTES)


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
