"""Counters: kept by note, cell and name, and changed by differences."""

from tests.contract.builders import CELL, OTHER_CELL, change
from tests.contract.places import PARTITIONS, Place

NAMES = (
    *("reads", "likes", "saves", "comments", "shares", "clicks", "clicks_refused", "entries", "favourites", "carts"),
    *("orders", "orders_pending", "orders_held", "orders_closed", "clicks_entered", "clicks_ordered"),
    *("gross_minor:CNY", "refunded_minor:USD", "refused:entry/window_passed", "refused:order/no_click"),
    *("a name of the future", "a name: with a colon", "clicks:", ":", "gross_minor:"),
)


async def test_changes_add_up_over_commits_lanes_and_owners(place: Place) -> None:
    store = place.store()
    for turn in range(2):
        for lane in range(PARTITIONS):
            tip = (await store.acquire(lane, f"owner{turn}")).tip
            cells = {"n1": {CELL: {"clicks": 3, "orders": 1}, OTHER_CELL: {"clicks": lane}}, f"empty{lane}": {}}
            tip = await store.commit(lane, tip, change(cells=cells))
            await store.commit(lane, tip, change(cells={"n1": {CELL: {"orders": -1, "gross_minor:CNY": 10**12}}}))
    assert await place.counters() == {
        "n1": {CELL: {"clicks": 24, "gross_minor:CNY": 8 * 10**12}, OTHER_CELL: {"clicks": 12}}
    }


async def test_every_name_comes_back_as_it_was(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    counters = {name: number for number, name in enumerate(NAMES, 1)}
    await store.commit(0, tip, change(cells={"note": {CELL: counters}}))
    assert await place.counters() == {"note": {CELL: counters}}


async def test_cells_with_long_and_foreign_texts_come_back_as_they_were(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    long = "|".join(("c" * 128, "m" * 128, "p" * 60, "红猫.计划" * 20, "note", "ad"))
    exact = "|".join(("c" * 30, "m" * 10, "taobao", "fmcg", "note", "ad")).ljust(60, "x")
    cells = {text: {"clicks": 1} for text in (long, exact, exact + "y", "|||||")}
    await store.commit(0, tip, change(cells={"note": cells}))
    assert await place.counters() == {"note": cells}


async def test_a_note_may_have_any_number_of_cells(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    cells = {f"c{number}|m|tmall|fmcg|note|ad": dict.fromkeys(NAMES[:16], number + 1) for number in range(60)}
    for text, counters in cells.items():
        tip = await store.commit(0, tip, change(cells={"note": {text: counters}}))
    assert await place.counters() == {"note": cells}


async def test_counters_reach_far_beyond_32_bits_and_below_zero(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    for change_by in (2**61, 2**61, -5):
        tip = await store.commit(0, tip, change(cells={"note": {CELL: {"gross_minor:CNY": change_by, "clicks": -1}}}))
    assert await place.counters() == {"note": {CELL: {"gross_minor:CNY": 2**62 - 5, "clicks": -3}}}


async def test_a_counter_that_returns_to_zero_is_gone_for_readers(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    for change_by in (4, -4):
        tip = await store.commit(0, tip, change(cells={"note": {CELL: {"clicks": change_by}}}))
    assert await place.counters() == {}


async def test_zero_changes_and_empty_cells_do_no_harm(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    await store.commit(0, tip, change(cells={"a": {}, "b": {CELL: {}}, "c": {CELL: {"clicks": 0}}}, ledger={"x": 0}))
    assert (await place.counters(), await place.ledger()) == ({}, {})


async def test_the_ledger_adds_up_over_the_lanes(place: Place) -> None:
    store = place.store()
    for lane in range(PARTITIONS):
        tip = (await store.acquire(lane, "first")).tip
        tip = await store.commit(lane, tip, change(ledger={"order:consumed": 5, "entry:refused/no_click": 1}))
        await store.commit(lane, tip, change(ledger={"order:consumed": 2, "entry:refused/no_click": -1}))
    assert await place.ledger() == {"order:consumed": 7 * PARTITIONS}


async def test_thousands_of_counters_change_in_one_commit(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(0, "first")).tip
    cells = {f"note{number}": {CELL: dict.fromkeys(NAMES[:8], number + 1)} for number in range(700)}
    for _ in range(2):
        tip = await store.commit(0, tip, change(cells=cells))
    counters = await place.counters()
    assert counters["note699"] == {CELL: dict.fromkeys(NAMES[:8], 1_400)}
    assert len(counters) == 700
