"""The places that every contract test runs on."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.contract.places import MemoryPlace, Place, RedisPlace


@pytest.fixture(params=["valkey", "redis7"])
def server_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database on each real server."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest_asyncio.fixture
async def server(server_url: str) -> AsyncIterator[RedisPlace]:
    """A place on each real server."""
    place = RedisPlace(server_url)
    yield place
    await place.close()


@pytest.fixture(params=["memory", "valkey", "redis7"])
def place_url(request: pytest.FixtureRequest) -> str | None:
    """URL of an empty database, or None for memory."""
    if request.param == "memory":
        return None
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest_asyncio.fixture
async def place(place_url: str | None) -> AsyncIterator[Place]:
    """Memory and each real server in turn."""
    if place_url is None:
        yield MemoryPlace()
        return
    server = RedisPlace(place_url)
    yield server
    await server.close()
