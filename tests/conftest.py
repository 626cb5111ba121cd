"""Servers and names for the tests: one of each server a session, fresh names and databases for each test."""

import gc
import itertools
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from app.local_stack.kafka_server import KafkaServer, Listener
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import DATABASES, ValkeyServer
from tests.dealing import dealt


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The order for the processes of xdist; a single one keeps the order of the files."""
    of_process: dict[str, Any] = getattr(config, "workerinput", {})
    if processes := of_process.get("workercount"):
        items[:] = dealt(items, processes)


def pytest_collection_finish() -> None:
    """The collector does not look again and again at thousands of tests and modules, which stay to the end."""
    gc.collect()
    gc.freeze()


class Namespace(NamedTuple):
    """Names that no other test uses."""

    prefix: str  # of topics
    group: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KafkaServer]:
    """The embedded Kafka of this test session; its one more listener is for those who come through a proxy."""
    proxied = Listener("PROXIED", free_port(), advertised_port=free_port())
    server = KafkaServer(free_port(), tmp_path_factory.mktemp("kafka"), listeners=[proxied])
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyServer]:
    """The embedded Valkey of this test session."""
    server = ValkeyServer(free_port(), tmp_path_factory.mktemp("valkey"))
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis7_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyServer]:
    """A Redis 7 of this test session, from the system's redis-server."""
    server = ValkeyServer(free_port(), tmp_path_factory.mktemp("redis7"), binary=redis7_binary())
    await server.start()
    yield server
    await server.stop()


def redis7_binary() -> Path:
    """The system's redis-server; skips the test where there is none, but fails it in CI."""
    found = os.environ.get("REDCAT_TEST_REDIS_SERVER") or shutil.which("redis-server")
    if found is None and os.environ.get("CI"):
        pytest.fail("CI must test against Redis 7: install redis-server")
    if found is None:
        pytest.skip("no redis-server on this machine")
    return Path(found)


@pytest.fixture
def namespace() -> Namespace:
    """A fresh topic prefix and consumer group."""
    unique = uuid.uuid4().hex[:12]
    return Namespace(prefix=f"t{unique}.", group=f"g{unique}")


@pytest.fixture(scope="session")
def database_numbers() -> Callable[[], int]:
    """The numbers of a server's databases in turn."""
    numbers = itertools.cycle(range(DATABASES))
    return lambda: next(numbers)


@pytest_asyncio.fixture
async def valkey_url(valkey_server: ValkeyServer, database_numbers: Callable[[], int]) -> str:
    """URL of an empty database on the embedded Valkey."""
    return await valkey_server.empty_database(database_numbers())


@pytest_asyncio.fixture
async def redis7_url(redis7_server: ValkeyServer, database_numbers: Callable[[], int]) -> str:
    """URL of an empty database on Redis 7."""
    return await redis7_server.empty_database(database_numbers())
