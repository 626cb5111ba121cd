"""What pages look at, and what workers tell of it, on every server and on a cluster."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.redis_store.watching import KEPT_TELLINGS, MOST_WATCHED, ShownResult, Watched, Watching
from tests.contract.places import RedisPlace

NOTE, CAMPAIGN = Watched("note_id", "n1"), Watched("campaign_id", "c1", "m1")
WATCHED = "redcat:{0}:watched"
BEGINNING = b"0"


def result(number: int) -> ShownResult:
    """An entry under n1."""
    return ShownResult(f"entry:e{number}", number, "entry", "credited", "t1", note_id="n1", merchant_id="m1")


@pytest.fixture(params=["valkey", "redis7", "cluster"])
def server_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database on each real server and on a cluster."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest_asyncio.fixture
async def watching(server: RedisPlace) -> AsyncIterator[Watching]:
    """One that both sides use."""
    one = Watching(await server.dial(0), server.group)
    yield one
    one.close()


async def test_what_servers_look_at_is_watched_until_they_look_no_more(server: RedisPlace, watching: Watching) -> None:
    assert await watching.watched() == []
    await watching.renew([NOTE])
    await watching.renew([CAMPAIGN])
    assert set(await watching.watched()) == {NOTE, CAMPAIGN}

    await server.back_door.hset(WATCHED, "note_id|n1|", "1")  # as if its time had passed
    await server.back_door.hset(WATCHED, mapping={"of a newer version": "9999999999999", "note_id|n2|": "never"})

    assert await watching.watched() == [CAMPAIGN]
    await watching.renew([CAMPAIGN])
    assert set(await server.fields(WATCHED)) == {b"campaign_id|c1|m1", b"of a newer version"}
    assert await server.back_door.pttl(WATCHED) > 0


async def test_no_more_is_watched_than_workers_can_look_for(watching: Watching) -> None:
    await watching.renew([Watched("note_id", f"n{number}") for number in range(2 * MOST_WATCHED)])

    assert len(await watching.watched()) == MOST_WATCHED


async def test_each_reader_is_told_everything_once_in_order(watching: Watching) -> None:
    await watching.tell({NOTE: [result(1), result(2)]})
    first = await watching.told({NOTE: BEGINNING, CAMPAIGN: BEGINNING})
    await watching.tell({NOTE: [result(3)], CAMPAIGN: [result(3)]})

    last, results = first[NOTE]
    assert (results, CAMPAIGN in first) == ([result(1), result(2)], False)
    then = await watching.told({NOTE: last, CAMPAIGN: BEGINNING})
    assert {one: results for one, (_, results) in then.items()} == {NOTE: [result(3)], CAMPAIGN: [result(3)]}
    assert await watching.told({NOTE: then[NOTE][0]}) == {}


async def test_little_is_kept_and_not_for_long(server: RedisPlace, watching: Watching) -> None:
    for number in range(2 * KEPT_TELLINGS):
        await watching.tell({NOTE: [result(number)]})

    _, results = (await watching.told({NOTE: BEGINNING}))[NOTE]
    assert results == [result(number) for number in range(KEPT_TELLINGS, 2 * KEPT_TELLINGS)]
    assert await server.back_door.pttl("redcat:{0}:told:note_id|n1|") > 0
