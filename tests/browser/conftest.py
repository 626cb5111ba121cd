"""One site and one browser for all tests of a process."""

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from app.local_stack.kafka_server import KafkaServer
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.settings import Settings
from bench.chromium import chromium
from tests.browser.axe import axe_script
from tests.browser.chromium import binary
from tests.browser.site import Site, served


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    async with chromium(binary()) as one:
        yield one


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script that looks for barriers."""
    return await axe_script(tmp_path_factory.mktemp("axe"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(
    browser: Browser, kafka_server: KafkaServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A server with facts of two merchants; what tests add, others must not mind."""
    del browser  # where there is none, nothing is started
    unique = uuid.uuid4().hex[:8]
    valkey = ValkeyServer(free_port(), tmp_path_factory.mktemp("valkey-of-site"))
    await valkey.start()
    settings = Settings(kafka=kafka_server.address, redis=valkey.url, topic_prefix=f"t{unique}.", group=f"g{unique}")
    try:
        async with served(settings) as one:
            yield one
    finally:
        await valkey.stop()
