"""A store that was rolled back: everything is as it was then, together."""

from tests.contract.builders import CELL, after, change, entry, full_change
from tests.contract.places import Place

LANE = 2


async def test_everything_returns_together(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    saved, then = await place.save(), await place.contents()
    state = await store.acquire(LANE, "second")
    await place.roll_back(saved)
    later = change(
        positions={"order": 50},
        journeys={"a" * 32: b"later", "more": b"x"},
        words=("note-2",),
        cells={"note-1": {CELL: {"clicks": 5}}, "note-2": {CELL: {"clicks": 1}}},
        ledger={"order:consumed": 43},
        entry=entry(after(tip), "two"),
        trim=tip,
    )
    await store.commit(LANE, tip, later)
    await place.roll_back(saved)
    assert await place.contents() == then
    assert await place.counters() == {"note-1": {CELL: {"clicks": 2, "gross_minor:CNY": 3}}}
    assert await place.ledger() == {"order:consumed": 7}
    assert await store.load(LANE, tip, ["a" * 32, "more"]) == [b"journey", None]
    assert await store.acquire(LANE, "second") == state


async def test_cells_defined_after_the_moment_rolled_back_to_are_defined_again(place: Place) -> None:
    store = place.store()
    saved = await place.save()
    cells = {"note": {CELL: {"clicks": 1}}}
    for nonce in ("first", "second"):
        tip = (await store.acquire(LANE, nonce)).tip
        tip = await store.commit(LANE, tip, change(cells=cells))
        await store.commit(LANE, tip, change(cells=cells))
        assert await place.counters() == {"note": {CELL: {"clicks": 2}}}
        await place.roll_back(saved)
