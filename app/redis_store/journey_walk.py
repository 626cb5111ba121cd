"""All journeys, and all notes' latest records, that a namespace holds, page by page.  Writes nothing."""

from collections.abc import AsyncIterator
from itertools import islice
from typing import Final, TypeAlias

from app.redis_store.keys import unpack_token
from app.redis_store.link import require
from app.redis_store.reader import Reader
from app.redis_store.resp import command

PAGE: Final = 2_000  # keys looked at for one page, so that the server never stands still for long

Page: TypeAlias = list[tuple[str, bytes]]
"""Names and stored values: journeys by their tokens, notes' latest records as "/NOTE"."""


async def pages(reader: Reader) -> AsyncIterator[Page]:
    """Everything stored; what is held all the while comes at least once, and more than once only if much expires."""
    for link, lane in islice(reader.lane_links(), reader.namespace.shards):
        prefix = lane.shard.journey_prefix
        cursor = b""
        while cursor != b"0":
            cursor, keys = await link.scan(cursor or b"0", prefix, PAGE)
            if keys:
                (values,) = await link.ask(command("MGET", *keys))
                names = [unpack_token(key[len(prefix) :]) for key in keys]
                found = zip(names, require(values, prefix), strict=True)
                yield [(name, value) for name, value in found if value is not None]
