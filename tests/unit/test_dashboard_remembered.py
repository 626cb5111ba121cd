"""What many pages show alike is looked up once."""

import asyncio

import pytest

from app.dashboard.remembered import MOST, Remembered
from streams.errors import Unavailable


async def test_pages_that_ask_together_wait_for_one_look() -> None:
    remembered, looks = Remembered(), list[str]()

    async def look() -> str:
        looks.append("looked")
        await asyncio.sleep(0)
        return "found"

    assert await asyncio.gather(*(remembered.get("key", 1, look) for _ in range(5))) == ["found"] * 5
    assert looks == ["looked"]
    assert await remembered.get("key", 2, look) == "found"
    remembered.forget("key")
    await remembered.get("key", 2, look)
    assert len(looks) == 3


async def test_a_page_that_is_closed_does_not_end_the_look_of_the_others() -> None:
    remembered, going_on = Remembered(), asyncio.Event()

    async def look() -> str:
        await going_on.wait()
        return "found"

    closed = asyncio.create_task(remembered.get("key", 1, look))
    other = asyncio.create_task(remembered.get("key", 1, look))
    await asyncio.sleep(0)
    closed.cancel()
    going_on.set()

    assert await other == "found"


async def test_a_look_that_failed_is_tried_again() -> None:
    remembered, answers = Remembered(), iter([Unavailable("away"), None])

    async def look() -> str:
        if error := next(answers):
            raise error
        return "found"

    with pytest.raises(Unavailable):
        await remembered.get("key", 1, look)
    assert await remembered.get("key", 1, look) == "found"


async def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    remembered, looks = Remembered(), list[int]()

    async def look() -> None:
        looks.append(1)

    for key in range(MOST + 1):
        await remembered.get(key, 0, look)
    await remembered.get(0, 0, look)

    assert len(looks) == MOST + 2
