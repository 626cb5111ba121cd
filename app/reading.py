"""A reader of what the settings name, opened with the patience of commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.connections import redis_address, until_answered
from app.redis_store.link import dialler
from app.redis_store.reader import Reader, open_reader
from app.settings import Settings


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Reader]:
    """A reader of the namespace that the settings name; Misconfigured if there is none."""
    dial = dialler(redis_address(settings))
    server = f"Redis at {settings.shown()['redis']}"
    reader = await until_answered(lambda: open_reader(dial, settings.group), server=server)
    try:
        yield reader
    finally:
        await reader.close()
