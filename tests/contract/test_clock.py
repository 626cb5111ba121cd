"""The clock that workers share."""

from redis.asyncio import Redis

from app.connections import redis_address
from app.redis_store.clock import SharedClock
from app.redis_store.link import dialler
from app.settings import Settings

ANSWER_MS = 5_000


async def test_it_is_that_of_redis(valkey_url: str) -> None:
    clock = SharedClock(dialler(redis_address(Settings(redis=valkey_url))))
    clock._ahead_ms += 30 * 3_600_000  # a machine whose own clock is wrong

    await clock.start()

    async with Redis.from_url(valkey_url) as redis:
        seconds, microseconds = await redis.time()
    assert abs(seconds * 1_000 + microseconds // 1_000 - clock.now_ms()) < ANSWER_MS
