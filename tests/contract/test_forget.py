"""Forgetting on real servers: one atomic step that shuts the lane's owner out and leaves no trace of the token."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.redis_store.forget import Erasure, erase, keyed_hash
from app.redis_store.keys import pack_token
from app.redis_store.ledger_reader import forgotten
from app.redis_store.reader import Reader
from streams.errors import LaneStopped, Refused
from streams.records import Tip
from tests.contract.builders import CELL, change
from tests.contract.places import RedisPlace

TOKEN, OTHER = uuid.uuid4().hex, "other"
COUNTED = {"click-out:distinct": 2, f"495000 note-1|{CELL} clicks": 2}
ERASURE = Erasure(1, TOKEN, b"journey", ["o1"], COUNTED, 1_790_000_000_000)


@pytest_asyncio.fixture
async def tip(server: RedisPlace) -> Tip:
    """Where lane 1 stands, with two journeys that hold the same order."""
    store = server.store()
    state = await store.acquire(1, "owner")
    return await store.commit(
        1,
        state.tip,
        change(
            positions={"order": 7},
            journeys={TOKEN: b"journey", OTHER: b"another"},
            held=[("o1", TOKEN), ("o1", OTHER)],
            cells={"note-1": {CELL: {"clicks": 2}}},
            ledger={"order:consumed": 7},
        ),
    )


@pytest_asyncio.fixture
async def reader(server: RedisPlace, tip: Tip) -> AsyncIterator[Reader]:
    """A reader of the namespace once the journeys are in it."""
    assert tip.sequence == 1
    reader = await server.reader()
    yield reader
    await reader.close()


async def held(server: RedisPlace) -> list[bytes | None]:
    """Both journeys, as a new owner of the lane finds them."""
    store = server.store()
    state = await store.acquire(1, "finder")
    assert state.positions == {"order": 7}
    return await store.load(1, state.tip, [TOKEN, OTHER])


async def test_the_journey_goes_with_its_order_and_everything_else_stays(server: RedisPlace, reader: Reader) -> None:
    assert await reader.reused_orders() == ["o1"]
    assert await erase(reader, ERASURE, "hash")
    assert await held(server) == [None, b"another"]
    assert await reader.tokens_of_order("o1") == [OTHER]
    assert await reader.reused_orders() == []
    assert await server.counters() == {"note-1": {CELL: {"clicks": 2}}}
    assert await reader.ledger() == {"order:consumed": 7}


async def test_what_it_counted_is_kept_as_sums(reader: Reader) -> None:
    assert await erase(reader, ERASURE, "hash")
    assert await erase(reader, ERASURE._replace(token=OTHER, value=b"another"), "other hash")
    sums = {name: 2 * count for name, count in COUNTED.items()}
    assert [lane for lane in await forgotten(reader) if lane] == [sums]


async def test_the_owner_is_shut_out_until_it_acquires_anew(server: RedisPlace, reader: Reader, tip: Tip) -> None:
    owner = server.store()
    tip = (await owner.acquire(1, "owner")).tip
    assert await erase(reader, ERASURE, "hash")
    for attempt in (owner.commit(1, tip, change()), owner.probe(1, tip), owner.load(1, tip, [TOKEN])):
        with pytest.raises(Refused):
            await attempt
    state = await owner.acquire(1, "again")
    assert state.tip == Tip("again", tip.sequence)
    assert (await owner.commit(1, state.tip, change())).sequence == tip.sequence + 1


@pytest.mark.parametrize("strange", [{"value": b"changed"}, {"token": "unknown"}])
async def test_a_journey_that_is_another_one_by_now_is_left_alone(
    server: RedisPlace, reader: Reader, strange: dict[str, bytes]
) -> None:
    before = await server.contents()
    assert not await erase(reader, ERASURE._replace(**strange), "hash")  # type: ignore[arg-type]
    assert await server.contents() == before
    assert await erase(reader, ERASURE, "hash")


async def test_of_two_who_forget_at_once_one_does(server: RedisPlace, reader: Reader) -> None:
    others = [await server.reader() for _ in range(4)]
    done = await asyncio.gather(*(erase(other, ERASURE, "hash") for other in others))
    for other in others:
        await other.close()
    assert sorted(done) == [False, False, False, True]
    assert [lane for lane in await forgotten(reader) if lane] == [COUNTED]


async def test_a_step_that_would_fail_half_way_is_not_begun(server: RedisPlace, reader: Reader) -> None:
    for key in ("redcat:{1}:lane:1:forgotten", "redcat:{1}:lane:1:forgettings", "redcat:{1}:reused"):
        saved = await server.save()
        await server.back_door.delete(key)
        await server.back_door.set(key, "of another type")
        before = await server.contents()
        with pytest.raises(LaneStopped, match=re.escape(key)):
            await erase(reader, ERASURE, "hash")
        assert await server.contents() == before
        await server.roll_back(saved)
    assert await erase(reader, ERASURE, "hash")


async def test_the_token_is_nowhere_any_more_and_that_it_was_forgotten_is_on_record(
    server: RedisPlace, reader: Reader
) -> None:
    token_hash = await keyed_hash(reader, server.group, TOKEN)
    assert await erase(reader, ERASURE, token_hash)
    traces = (TOKEN.encode(), pack_token(TOKEN))
    contents = await server.contents()
    assert not [key for key, value in contents.items() if any(trace in key or trace in value for trace in traces)]
    record = await server.back_door.hget("redcat:{1}:lane:1:forgettings", token_hash)
    assert record == b"1790000000000"


async def test_a_token_that_is_forgotten_again_has_both_times_on_record(server: RedisPlace, reader: Reader) -> None:
    assert await erase(reader, ERASURE, "hash")
    store = server.store()
    state = await store.acquire(1, "owner")
    await store.commit(1, state.tip, change(journeys={TOKEN: b"journey"}))
    assert await erase(reader, ERASURE._replace(at_ms=1_790_000_000_001, orders=[]), "hash")
    record = await server.back_door.hget("redcat:{1}:lane:1:forgettings", "hash")
    assert record == b"1790000000000 1790000000001"


async def test_the_hash_is_keyed_by_a_secret_of_the_namespace(server: RedisPlace, reader: Reader) -> None:
    first = [await keyed_hash(reader, server.group, token) for token in (TOKEN, TOKEN, OTHER)]
    await server.back_door.delete("redcat:{0}:forgetting-key")
    assert first[0] == first[1] != first[2]
    assert await keyed_hash(reader, server.group, TOKEN) != first[0]
    assert len(await server.back_door.get("redcat:{0}:forgetting-key") or b"") == 32
