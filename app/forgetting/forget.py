"""`redcat forget`: what a journey is made of, and its erasure."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from app.auditing.recount import lane_memory
from app.auditing.sums import fields_of, tally_of
from app.redis_store.forget import Erasure, erase, keyed_hash, times_forgotten
from app.redis_store.journey_reader import JourneyReader, StoredJourney
from app.redis_store.reader import Reader
from streams.core.credit import outcomes
from streams.core.orders import orders
from streams.core.policy import parse_policy
from streams.errors import LaneStopped, Unavailable
from streams.murmur2 import partition_of
from streams.policy_book import PolicyBook

TRIES: Final = 200


class Contents(NamedTuple):
    """What is to be forgotten."""

    stored: StoredJourney
    facts: int  # contents that lost a conflict included
    orders: list[str]
    counted: dict[str, int]  # as `fields_of` names it


class Forgotten(NamedTuple):
    """What was forgotten."""

    facts: int
    orders: int
    at_ms: int
    token_hash: str


async def contents(reader: Reader, token: str) -> Contents | None:
    """What is held of a token, or None; raises LaneStopped when it cannot be read."""
    journeys = JourneyReader(reader)
    stored = await journeys.journey(token)
    if stored is None:
        return None
    book = PolicyBook(parse_policy(msgspec.json.decode(text)) for text in journeys.policies.values())
    try:
        memory = lane_memory(stored.words, stored.policies, book)
        journey, known = memory.codec.unpack(token, stored.value)
        tally = tally_of(journey, outcomes(journey, memory.policies[known - 1]))
    except Exception:
        # From None: what went wrong in detail may name the token.
        raise LaneStopped(
            "the journey cannot be read, so that what it counted is not known: `redcat audit` says more"
        ) from None
    facts = len(journey.clicks) + len(journey.entries) + len(journey.actions) + len(journey.steps) + len(journey.lost)
    return Contents(stored, facts, sorted(orders(journey.steps.values())), fields_of(tally))


async def forgotten_before(reader: Reader, group: str, token: str) -> list[int]:
    """When a token was forgotten, in ms."""
    lane = partition_of(token.encode(), reader.namespace.partitions)
    return await times_forgotten(reader, lane, await keyed_hash(reader, group, token))


async def forget(reader: Reader, group: str, token: str, now_ms: Callable[[], int]) -> Forgotten | None:
    """Erase what is held of a token; None if there is nothing.  Raises Unavailable if the lane is too busy."""
    token_hash = await keyed_hash(reader, group, token)
    for _ in range(TRIES):
        found = await contents(reader, token)
        if found is None:
            return None
        at_ms = now_ms()
        erasure = Erasure(found.stored.lane, token, found.stored.value, found.orders, found.counted, at_ms)
        if await erase(reader, erasure, token_hash):
            return Forgotten(found.facts, len(found.orders), at_ms, token_hash)
    raise Unavailable("the lane moved on each time before the journey could be erased: try again")
