"""The mirror of all counters shows what the store holds, however much news of changes it missed."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.redis_store.changes_reader import ChangesReader
from app.redis_store.keys import TOLD_COMMITS
from app.viewing.mirror import Mirror
from app.viewing.party import ADMIN
from app.viewing.view import View
from tests.contract.builders import CELL, change
from tests.contract.places import RedisPlace

CLICK = {CELL: {"clicks": 1}}


@pytest_asyncio.fixture
async def mirror(server: RedisPlace) -> AsyncIterator[Mirror]:
    """One that has begun at 1, and has read nothing yet."""
    reader = await server.reader()
    begun = Mirror(ChangesReader(reader))
    await begun.start(1)
    yield begun
    await reader.close()


async def caught_up(mirror: Mirror, now_ms: int) -> dict[str, int]:
    """The clicks of each note once everything up to a time is shown."""
    while mirror.as_of_ms < now_ms:
        await mirror.follow(now_ms)
    view = View(ADMIN, mirror.live)
    found = {note_id: view.figures("notes", note_id) for _, note_id in mirror.live.places()}
    return {note_id: figures.count("clicks") for note_id, figures in found.items() if figures is not None}


async def test_what_was_there_before_is_shown_and_then_what_changes(server: RedisPlace, mirror: Mirror) -> None:
    store = server.store()
    tip = (await store.acquire(0, "owner")).tip
    tip = await store.commit(0, tip, change(cells={f"n{number}": CLICK for number in range(700)}))
    assert await caught_up(mirror, 2) == {f"n{number}": 1 for number in range(700)}
    await store.commit(0, tip, change(cells={"n0": CLICK, "new": CLICK}))
    assert (await caught_up(mirror, 3)).items() >= {"n0": 2, "n1": 1, "new": 1}.items()


async def test_what_changed_while_nobody_looked_is_shown_and_known_to_be_late_until_then(
    server: RedisPlace, mirror: Mirror
) -> None:
    store = server.store()
    tip = (await store.acquire(0, "owner")).tip
    await caught_up(mirror, 2)
    for number in range(2 * TOLD_COMMITS):
        tip = await store.commit(0, tip, change(cells={f"n{number}": CLICK}))
    assert mirror.as_of_ms == 2
    assert await caught_up(mirror, 4) == {f"n{number}": 1 for number in range(2 * TOLD_COMMITS)}


async def test_a_note_that_a_rollback_took_away_is_shown_no_more(server: RedisPlace, mirror: Mirror) -> None:
    store = server.store()
    tip = (await store.acquire(0, "owner")).tip
    tip = await store.commit(0, tip, change(cells={"n1": CLICK}))
    saved = await server.save()
    await store.commit(0, tip, change(cells={"n1": CLICK, "n2": CLICK}))
    assert await caught_up(mirror, 2) == {"n1": 2, "n2": 1}
    await server.roll_back(saved)
    assert await caught_up(mirror, 3) == {"n1": 1}
