"""Bringing the lanes in force to rest: nobody owns them, and what they have committed is published."""

import asyncio
import secrets
from typing import Final

from app.redis_store.store import RedisStore
from streams.errors import Refused, Unavailable
from streams.ports import Publisher
from streams.takeover import GoOn, decide

TRIES: Final = 20
PAUSE_S: Final = 0.1


async def settle(lane: int, store: RedisStore, publisher: Publisher) -> bool:
    """Take the lane from its owner, and publish what that has left, as the next owner would.

    False if the lane is behind what was published: it was rolled back or emptied, and nobody has owned it since.
    Raises Unavailable if others keep taking it.
    """
    for _ in range(TRIES):
        try:
            return await _settle(lane, store, publisher)
        except (Refused, Unavailable) as error:
            # An owner that was about to take over when lanes began to be held; it does not come again.
            reason = error
            await asyncio.sleep(PAUSE_S)
    raise Unavailable(f"lane {lane} does not come to rest: {reason}")


async def _settle(lane: int, store: RedisStore, publisher: Publisher) -> bool:
    state = await store.acquire(lane, secrets.token_hex(8))
    producer = await publisher.open(lane)
    try:
        step = decide(state, await publisher.read_marker(lane))
        if not isinstance(step, GoOn):
            return False
        trim = step.trim
        if step.pending:
            await producer.publish(step.pending)
            trim = step.pending[-1].marker.tip
        if trim is not None:
            await store.trim(lane, state.tip, trim)
        return True
    finally:
        await producer.close()
        await store.release(lane)
