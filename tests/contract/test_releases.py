"""What is released to grouped parties is there as a whole or not at all, whoever is interrupted wherever."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import product
from typing import Final, cast

import pytest
import pytest_asyncio

from app.redis_store.link import Link
from app.redis_store.releases import PAGE, Hour, Releases, Rows
from streams.errors import Unavailable
from tests.contract.places import RedisPlace

HOUR_MS: Final = 3_600_000
FIRST, SECOND, THIRD = 10, 11, 12
MANY: Final = PAGE + 50  # rows, so that there is more than one page
FAR_MS: Final = 2**42
READING: Final = 5  # requests that reading all rows takes at least: when, two pages of new ones, two of all


def hour(number: int, rows: int = MANY) -> Hour:
    """A release that changes rows, most of them those that others change too, to its number."""
    changed = {f"row-{row}": {"orders": number} for row in range(number, number + rows)}
    return Hour(number, FAR_MS, changed, {f"cell-{row}": counts for row, counts in changed.items()}, changed)


def after(*numbers: int) -> tuple[int, Rows, Rows, set[int]]:
    """What is to be seen after these releases: when, rows, cells, and the hours that have something in them."""
    rows, cells = Rows(), Rows()
    for number in numbers:
        rows |= hour(number).rows
        cells |= hour(number).cells
    return numbers[-1] * HOUR_MS, rows, cells, set(numbers)


async def seen(releases: Releases) -> tuple[int, Rows, Rows, set[int]]:
    """What a reader sees."""
    hours = await releases.hours([FIRST, SECOND, THIRD], [f"row-{row}" for row in range(MANY + THIRD)])
    assert all(rows in ({}, hour(number).steps) for number, rows in hours.items())
    of = {number for number, rows in hours.items() if rows}
    return await releases.at_ms(), await releases.rows(), await releases.cells(), of


async def release(releases: Releases, number: int, before: int) -> bool:
    """Release an hour after another."""
    return await releases.release(number * HOUR_MS, before * HOUR_MS, hour(number))


class Interrupted:
    """A link at whose request of a number something happens first."""

    def __init__(self, link: Link, number: int, happen: Callable[[], Awaitable[object]]) -> None:
        self.left = number
        self._link = link
        self._happen = happen

    async def ask(self, *commands: bytes) -> list[object]:
        self.left -= 1
        if self.left == 0:
            await self._happen()
        return await self._link.ask(*commands)


@pytest.fixture(params=["redis7"])
def server_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database on the oldest server."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest_asyncio.fixture
async def link(server: RedisPlace) -> AsyncIterator[Link]:
    """A connection of the one that is interrupted."""
    one = await server.dial(0)
    yield one
    one.close()


@pytest_asyncio.fixture
async def releases(server: RedisPlace) -> AsyncIterator[Releases]:
    """Those of somebody else."""
    one = Releases(await server.dial(0), server.group)
    yield one
    one.close()


@pytest.mark.parametrize("server_url", ["redis7", "cluster"], indirect=True)
async def test_releases_add_up_and_nothing_else_is_left(server: RedisPlace, releases: Releases) -> None:
    assert await release(releases, FIRST, 0)
    assert await release(releases, SECOND, FIRST)
    assert await seen(releases) == after(FIRST, SECOND)
    known = {b"", b":rows", b":cells", b":hour:%d" % FIRST, b":hour:%d" % SECOND}
    assert {key.removeprefix(b"redcat:{0}:released") for key in await server.save()} == known
    assert await server.back_door.pttl(f"redcat:{{0}}:released:hour:{FIRST}") > 0
    assert await server.back_door.pttl("redcat:{0}:released:rows") == -1


@pytest.mark.parametrize("server_url", ["redis7", "cluster"], indirect=True)
async def test_of_two_that_release_an_hour_one_does(link: Link, releases: Releases) -> None:
    await release(releases, FIRST, 0)
    assert await release(releases, SECOND, FIRST)
    assert not await Releases(link, "redcat").release(SECOND * HOUR_MS + 1, FIRST * HOUR_MS, hour(SECOND, 1))
    assert await seen(releases) == after(FIRST, SECOND)


async def requests_of_a_release(releases: Releases, link: Link) -> int:
    """How many requests the second release takes."""
    counted = Interrupted(link, 0, releases.at_ms)
    await release(releases, FIRST, 0)
    await release(Releases(cast("Link", counted), "redcat"), SECOND, FIRST)
    return -counted.left


async def begin_again(server: RedisPlace, releases: Releases) -> None:
    """There is the first release and nothing else."""
    await server.back_door.flushall()
    await release(releases, FIRST, 0)


async def crash() -> None:
    """The process ends."""
    raise Unavailable("gone")


async def test_wherever_a_release_is_interrupted_it_is_there_as_a_whole_or_not_at_all(
    server: RedisPlace, link: Link, releases: Releases
) -> None:
    number, found = await requests_of_a_release(releases, link), set[int]()
    for interrupted in range(1, number + 1):
        await begin_again(server, releases)
        with suppress(Unavailable):
            await release(Releases(cast("Link", Interrupted(link, interrupted, crash)), "redcat"), SECOND, FIRST)

        at_ms, *_ = await seen(releases)
        last = at_ms // HOUR_MS
        found.add(last)
        assert await seen(releases) == (after(FIRST, SECOND) if last == SECOND else after(FIRST))
        assert await release(releases, THIRD, last)
        assert await seen(releases) == (after(FIRST, SECOND, THIRD) if last == SECOND else after(FIRST, THIRD))
    assert found == {FIRST, SECOND}


async def test_who_falls_behind_at_any_moment_changes_nothing_that_came_later(
    server: RedisPlace, link: Link, releases: Releases
) -> None:
    number = await requests_of_a_release(releases, link)

    async def others() -> None:
        last = await releases.at_ms() // HOUR_MS
        assert await release(releases, THIRD, last)

    for interrupted in range(1, number + 1):
        await begin_again(server, releases)
        done = await release(Releases(cast("Link", Interrupted(link, interrupted, others)), "redcat"), SECOND, FIRST)
        assert await seen(releases) == (after(FIRST, SECOND, THIRD) if done else after(FIRST, THIRD))


async def test_a_reader_sees_one_release_or_the_other_whatever_happens_meanwhile(
    server: RedisPlace, link: Link, releases: Releases
) -> None:
    for interrupted in range(await requests_of_a_release(releases, link)):
        await begin_again(server, releases)
        with suppress(Unavailable):
            await release(Releases(cast("Link", Interrupted(link, interrupted, crash)), "redcat"), SECOND, FIRST)
        if interrupted and await releases.at_ms() == SECOND * HOUR_MS:
            break
    unsettled = await server.save()
    assert b"redcat:{0}:released:new:rows" in unsettled

    async def settled() -> None:
        await releases._settle(SECOND * HOUR_MS)

    async def others() -> None:
        assert await release(releases, THIRD, SECOND)

    for happen, request in product((settled, others), range(1, READING + 1)):
        await server.roll_back(unsettled)
        reading = Interrupted(link, request, happen)
        rows = await Releases(cast("Link", reading), "redcat").rows()
        assert rows in (after(FIRST, SECOND)[1], after(FIRST, SECOND, THIRD)[1])
        assert reading.left <= 0
