"""Which notes have changed is told commit by commit, or it is said that it cannot be told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest
import pytest_asyncio

from app.redis_store.changes_reader import ChangesReader, News
from app.redis_store.keys import MANY_NOTES, TOLD_COMMITS, TOLD_LARGE_COMMITS
from streams.errors import LaneStopped
from tests.contract.builders import CELL, change
from tests.contract.places import RedisPlace

CLICK = {CELL: {"clicks": 1}}


Follow: TypeAlias = Callable[[], Awaitable[ChangesReader]]


@pytest_asyncio.fixture
async def follow(server: RedisPlace) -> AsyncIterator[Follow]:
    """Makes a reader that tells of what is committed from then on."""
    reader = await server.reader()

    async def started() -> ChangesReader:
        changes = ChangesReader(reader)
        await changes.start()
        return changes

    yield started
    await reader.close()


async def test_each_change_is_told_once_with_the_counters_as_they_stand(server: RedisPlace, follow: Follow) -> None:
    store, changes = server.store(), await follow()
    tip = (await store.acquire(1, "owner")).tip
    tip = await store.commit(1, tip, change(cells={"n1": CLICK, "n2": CLICK}))
    tip = await store.commit(1, tip, change(cells={"n1": CLICK}))
    assert await changes.news() == News([(1, "n1"), (1, "n2")], complete=True)
    cells = await changes.cells([(1, "n1"), (0, "n1")])
    assert list(cells) == [((1, "n1"), {CELL: {"clicks": 2}}), ((0, "n1"), {})]
    assert await changes.news() == News([], complete=True)
    await store.commit(1, tip, change(cells={"n3": CLICK}))
    assert await changes.news() == News([(1, "n3")], complete=True)


async def test_what_was_there_before_is_found_by_pages_and_not_told_as_news(server: RedisPlace, follow: Follow) -> None:
    store = server.store()
    tip = (await store.acquire(0, "owner")).tip
    await store.commit(0, tip, change(cells={f"n{number}": CLICK for number in range(1_200)}))
    changes = await follow()
    found, cursor = set(), b""
    while cursor != b"0":
        cursor, ids = await changes.notes(0, cursor or b"0")
        found.update(ids)
    assert found == {f"n{number}" for number in range(1_200)}
    assert await changes.news() == News([], complete=True)


@pytest.mark.parametrize("seen", [True, False])
async def test_who_looked_away_for_too_long_is_told_so(server: RedisPlace, follow: Follow, *, seen: bool) -> None:
    store = server.store()
    tip = (await store.acquire(0, "owner")).tip
    if seen:
        tip = await store.commit(0, tip, change(cells={"n0": CLICK}))
    changes = await follow()
    for number in range(TOLD_COMMITS):
        tip = await store.commit(0, tip, change(cells={f"n{number}": CLICK}))
    assert not (await changes.news()).complete
    assert await changes.news() == News([], complete=True)


async def test_commits_of_many_notes_are_told_of_for_a_shorter_time(server: RedisPlace, follow: Follow) -> None:
    store, changes = server.store(), await follow()
    tip = (await store.acquire(0, "owner")).tip
    many = {f"n{number}": CLICK for number in range(MANY_NOTES)}
    tip = await store.commit(0, tip, change(cells=many))
    assert await changes.news() == News([(0, note_id) for note_id in many], complete=True)
    for _ in range(TOLD_LARGE_COMMITS - 1):
        tip = await store.commit(0, tip, change(cells=many))
    assert await changes.news() == News([(0, note_id) for note_id in many], complete=True)
    for _ in range(TOLD_LARGE_COMMITS):
        tip = await store.commit(0, tip, change(cells=many))
    assert not (await changes.news()).complete


async def test_a_rollback_cannot_be_told(server: RedisPlace, follow: Follow) -> None:
    store = server.store()
    tip = (await store.acquire(0, "owner")).tip
    tip = await store.commit(0, tip, change(cells={"n1": CLICK}))
    saved, changes = await server.save(), await follow()
    await store.commit(0, tip, change(cells={"n1": CLICK}))
    assert await changes.news() == News([(0, "n1")], complete=True)
    await server.roll_back(saved)
    assert not (await changes.news()).complete


async def test_a_stream_that_is_none_stops_the_lane_before_anything_is_written(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(0, "owner")).tip
    await server.back_door.set("redcat:{0}:lane:0:changed", "text")
    before = await server.contents()
    with pytest.raises(LaneStopped, match="lane:0:changed"):
        await store.commit(0, tip, change(cells={"n1": CLICK}))
    assert await server.contents() == before
