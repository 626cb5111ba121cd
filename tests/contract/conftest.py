"""The places that every contract test runs on."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.contract.places import MemoryPlace, Place, RedisPlace
from tests.valkey_cluster import ValkeyCluster, valkey_cluster


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyCluster]:
    """The Redis Cluster of this test session: three nodes."""
    async with valkey_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest_asyncio.fixture
async def cluster_url(valkey_nodes: ValkeyCluster) -> str:
    """URLs of an empty cluster's nodes."""
    await valkey_nodes.flush()
    return valkey_nodes.urls


@pytest.fixture(params=["memory", "valkey", "redis7", "cluster"])
def place_url(request: pytest.FixtureRequest) -> str | None:
    """URL of an empty database, or None for memory."""
    if request.param == "memory":
        return None
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest_asyncio.fixture
async def place(place_url: str | None) -> AsyncIterator[Place]:
    """Memory, each real server and a cluster in turn."""
    if place_url is None:
        yield MemoryPlace()
        return
    server = RedisPlace(place_url)
    yield server
    await server.close()
