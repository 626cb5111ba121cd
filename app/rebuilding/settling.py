"""Bringing the lanes in force to rest: nobody owns them, and what they have committed is published."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from app.redis_store.store import RedisStore
from streams.errors import LaneStopped, Refused, Unavailable
from streams.ports import Publisher
from streams.records import Entry, Marker
from streams.takeover import GoOn, decide

TRIES: Final = 20
PAUSE_S: Final = 0.1


async def settle(lane: int, store: RedisStore, publisher: Publisher) -> bool:
    """Take the lane from its owner, and publish what that has left, as the next owner would.

    False if the lane is not where its readers are: it was rolled back or emptied and nobody has owned it since, or no
    owner can go on with it.
    Raises Unavailable if others keep taking it.
    """
    return await _undisturbed(lane, lambda: _settle(lane, store, publisher))


async def restore_marker(lane: int, store: RedisStore, publisher: Publisher, now_ms: int) -> bool:
    """Publish the marker of a lane whose markers were lost, as its state has it; False if none was lost.

    Right only if the store has not been rolled back since: nobody else knows up to where results were published.
    """
    return await _undisturbed(lane, lambda: _restore(lane, store, publisher, now_ms))


async def _undisturbed(lane: int, attempt: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(TRIES):
        try:
            return await attempt()
        except (Refused, Unavailable) as error:
            # An owner that was about to take over when lanes began to be held; it does not come again.
            reason = error
            await asyncio.sleep(PAUSE_S)
    raise Unavailable(f"lane {lane} does not come to rest: {reason}")


async def _settle(lane: int, store: RedisStore, publisher: Publisher) -> bool:
    state = await store.acquire(lane, secrets.token_hex(8))
    producer = await publisher.open(lane)
    try:
        try:
            step = decide(state, await publisher.read_marker(lane))
        except LaneStopped:
            return False
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


async def _restore(lane: int, store: RedisStore, publisher: Publisher, now_ms: int) -> bool:
    state = await store.acquire(lane, secrets.token_hex(8))
    producer = await publisher.open(lane)
    try:
        known = await publisher.read_marker(lane)
        if state.published is None or (known is not None and known.tip.sequence >= state.published.sequence):
            return False
        # With an empty outbox all commits are published, up to where the lane stands.
        marker = Marker(
            state.published, state.positions, state.policies, state.parked, state.restating, state.last_records
        )
        entries = state.outbox or [Entry(marker, now_ms, [], [])]
        await producer.publish(entries)
        await store.trim(lane, state.tip, entries[-1].marker.tip)
        return True
    finally:
        await producer.close()
        await store.release(lane)
