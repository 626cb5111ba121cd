"""What people read: complete, and without leaving a trace."""

import pytest

from app.redis_store.reader import Cell, LaneOverview, open_reader
from streams.commits import Clicks
from streams.errors import LaneStopped, Misconfigured
from streams.records import Tip
from tests.contract.builders import CELL, OTHER_CELL, after, change, entry
from tests.contract.places import PARTITIONS, RedisPlace


async def test_a_note_is_read_over_all_shards_with_the_parts_of_its_cells(server: RedisPlace) -> None:
    store = server.store()
    for lane in range(PARTITIONS):
        tip = (await store.acquire(lane, "owner")).tip
        await store.commit(lane, tip, change(cells={"n1": {CELL: {"clicks": 1}, OTHER_CELL: {"orders": lane}}}))
    reader = await server.reader()
    assert await reader.note("n1") == [
        (Cell("c1", "m1", "taobao", "fmcg.skincare", "note", "ad"), {"clicks": 4}),
        (Cell(None, "m2", "xhs", "outdoor", "comment", "ugc"), {"orders": 6}),
    ]
    assert await reader.note("unknown") == []
    await reader.close()


async def test_every_note_is_told_once_however_many_there_are(server: RedisPlace) -> None:
    store = server.store()
    for lane in range(PARTITIONS):
        tip = (await store.acquire(lane, "owner")).tip
        cells = {f"n{number}": {CELL: {"clicks": 1}} for number in range(lane, 2_000)}
        await store.commit(lane, tip, change(cells=cells))
    reader = await server.reader()
    notes = [(note, cells[0][1]["clicks"]) async for note, cells in reader.notes()]
    assert len(notes) == 2_000
    assert dict(notes) == {f"n{number}": min(number + 1, PARTITIONS) for number in range(2_000)}
    await reader.close()


async def test_lanes_are_shown_as_they_stand_and_only_if_they_were_ever_acquired(server: RedisPlace) -> None:
    store = server.store()
    tip = (await store.acquire(2, "owner")).tip
    for name in ("one", "two", "three"):
        commit = change(positions={"order": 3}, parked={"order:internal": [(0, 1)]}, spent=4)
        commit = commit._replace(entry=entry(after(tip), name), restating="changes", clicks=Clicks(7, 5))
        tip = await store.commit(2, tip, commit)
    await store.trim(2, tip, Tip("owner", 1))
    reader = await server.reader()
    assert await reader.lanes() == [
        LaneOverview(
            lane=2,
            tip=Tip("owner", 3),
            positions={"order": 3},
            policies=[1],
            parked={"order:internal": [(0, 1)]},
            published=Tip("owner", 1),
            outbox=[Tip("owner", 2), Tip("owner", 3)],
            spent=4,
            restating="changes",
            clicks=Clicks(7, 5),
            newest_ms=0,
        )
    ]
    await reader.close()


async def test_reading_writes_nothing(server: RedisPlace) -> None:
    reader = await server.reader()
    before = await server.contents()
    assert [note async for note in reader.notes()] == []
    assert (await reader.note("n1"), await reader.ledger(), await reader.lanes()) == ([], {}, [])
    assert await server.contents() == before
    await reader.close()


async def test_a_namespace_that_is_not_there_is_said_and_not_made(server: RedisPlace) -> None:
    with pytest.raises(Misconfigured, match="no namespace"):
        await open_reader(server.dial, "nobody")
    assert await server.contents() == {}


async def test_what_is_no_number_is_said_with_its_key(server: RedisPlace) -> None:
    reader = await server.reader()
    await server.back_door.hset("redcat:{1}:lane:3:ledger", "line", "many")
    with pytest.raises(LaneStopped, match="lane:3:ledger"):
        await reader.ledger()
    await server.back_door.set("redcat:{0}:note:n1", "a string")
    with pytest.raises(LaneStopped, match="note:n1"):
        await reader.note("n1")
    await reader.close()
