"""Journeys: kept by token, as long as they are told to live."""

import pytest

from streams.commits import Increments, Journeys
from tests.contract.builders import CELL, DAY_MS, change
from tests.contract.places import Place

LANE = 3
TOKENS = [
    *("a" * 32, "A" * 32, "0" * 32, "aB" * 16, "g" * 32, "12345678901234567890123456789_12"),
    *("123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"),
    *("123e4567e89b12d3a456426614174000", "exactly15chars.", "exactly16chars..", "x", "~" * 128, "u" + "a" * 16),
    *("/x", "/" + "a" * 32, "/" + "~" * 128),
]


async def test_journeys_come_back_in_the_order_asked_for(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    journeys = {f"{number:032x}": b"value %d" % number for number in range(20)}
    tip = await store.commit(LANE, tip, change(journeys=journeys))
    asked = [f"{number:032x}" for number in (7, 19, 999, 0)]
    assert await store.load(LANE, tip, asked) == [b"value 7", b"value 19", None, b"value 0"]


async def test_loading_nothing_yields_nothing(place: Place) -> None:
    store = place.store()
    assert await store.load(LANE, (await store.acquire(LANE, "first")).tip, []) == []


async def test_tokens_of_every_form_are_told_apart(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    journeys = {token: token.encode() for token in TOKENS}
    tip = await store.commit(LANE, tip, change(journeys=journeys))
    assert await store.load(LANE, tip, TOKENS) == list(journeys.values())


@pytest.mark.parametrize("value", [b"", b"\r\n$3\r\n", bytes(range(256)), b"x" * 65_536], ids=len)
async def test_values_are_any_bytes(place: Place, value: bytes) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, change(journeys={"a" * 32: value}))
    assert await store.load(LANE, tip, ["a" * 32]) == [value]


async def test_a_later_value_replaces_an_earlier_one(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    for value in (b"old", b"new"):
        tip = await store.commit(LANE, tip, change(journeys={"token": value}))
    assert await store.load(LANE, tip, ["token"]) == [b"new"]


async def test_thousands_of_journeys_go_in_one_commit_and_one_load(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    journeys = {f"{number:032x}": b"%d" % number for number in range(9_001)}
    tip = await store.commit(LANE, tip, change(journeys=journeys))
    assert await store.load(LANE, tip, list(journeys)) == list(journeys.values())


async def test_each_group_lives_as_long_as_it_is_told(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    groups = [Journeys(DAY_MS, ["a", "b"], [b"1", b"2"]), Journeys(180 * DAY_MS, ["c"], [b"3"]), Journeys(5, [], [])]
    commit = change()._replace(journeys=groups)
    tip = await store.commit(LANE, tip, commit)
    assert await store.load(LANE, tip, ["a", "b", "c"]) == [b"1", b"2", b"3"]
    for token, ttl_ms in (("a", DAY_MS), ("b", DAY_MS), ("c", 180 * DAY_MS)):
        assert ttl_ms - 60_000 < await place.lifetime_ms(LANE, token) <= ttl_ms


async def test_every_commit_renews_the_lifetime(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, change(journeys={"token": b"1"}, ttl_ms=DAY_MS))
    await place.let_pass(DAY_MS // 2)
    tip = await store.commit(LANE, tip, change(journeys={"token": b"1"}, ttl_ms=DAY_MS))
    assert await place.lifetime_ms(LANE, "token") > DAY_MS - 60_000


async def test_journeys_expire_by_themselves_and_counters_stay(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    increments = Increments({"note": {"|m|jd|health|note|ad": {"clicks": 1}}}, {})
    commit = change(journeys={"short": b"1"}, ttl_ms=DAY_MS)._replace(increments=increments)
    tip = await store.commit(LANE, tip, commit)
    tip = await store.commit(LANE, tip, change(journeys={"long": b"2"}, ttl_ms=2 * DAY_MS))
    await place.let_pass(DAY_MS)
    assert await store.load(LANE, tip, ["short", "long"]) == [None, b"2"]
    assert await place.counters() == {"note": {"|m|jd|health|note|ad": {"clicks": 1}}}


async def test_words_are_kept_in_the_order_in_which_they_came(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    for words in (["b", "a"], [], ["红猫", "b", ""]):
        tip = await store.commit(LANE, tip, change(words=words))
    tip = await store.rolled_back(LANE, tip, 9, None)
    state = await store.acquire(LANE, "second")
    assert state.words == ["b", "a", "红猫", "b", ""]
    await store.commit(LANE, state.tip, change(words=[f"word {number}" for number in range(20_000)]))
    assert len((await store.acquire(LANE, "third")).words) == 20_005
    assert (await store.acquire(0, "other")).words == []


async def test_a_lane_does_not_see_the_journeys_of_another(place: Place) -> None:
    store = place.store()
    tips = [(await store.acquire(lane, "first")).tip for lane in (0, 1)]
    await store.commit(0, tips[0], change(journeys={"token": b"1"}))
    assert await store.load(1, tips[1], ["token"]) == [None]


async def test_what_is_to_live_for_ever_does_and_so_does_what_replaces_it(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    for value in (b"old", b"new"):
        tip = await store.commit(LANE, tip, change(journeys={"/note": value}, ttl_ms=None))
    await place.let_pass(10_000 * DAY_MS)
    assert await store.load(LANE, tip, ["/note", "note"]) == [b"new", None]


async def test_all_tokens_held_are_told_page_by_page(place: Place) -> None:
    store = place.store()
    names = [f"{number:032x}" for number in range(5_000)] + ["short", "x" * 128, "00000000-0000-4000-8000-00000000000a"]
    tip = (await store.acquire(0, "first")).tip
    tip = await store.commit(0, tip, change(journeys=dict.fromkeys(names, b"1")))
    await store.commit(0, tip, change(words=["a word"], held=[("o1", "short")], cells={"note": {CELL: {"clicks": 1}}}))
    told: set[str] = set()
    pages, cursor = 0, 0
    while pages == 0 or cursor:
        cursor, page = await store.tokens(0, cursor)
        told.update(page)
        pages += 1
    assert (told, pages > 1) == (set(names), True)
