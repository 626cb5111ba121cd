"""What was forgotten stays forgotten: the topics still have it, and a copy is made of the topics."""

from collections.abc import Callable

from app.forgetting.forget import forget
from app.redis_store.forget import hash_of, secret_of
from app.redis_store.journey_walk import pages
from app.redis_store.link import require
from app.redis_store.reader import Reader
from app.redis_store.resp import command


async def forget_again(stands: Reader, copy: Reader, group: str, now_ms: Callable[[], int]) -> int:
    """Erase from the copy the journeys of all tokens that were forgotten; returns how many.

    With them goes what came for such a token after it was forgotten.
    """
    hashes = await _copy_records(stands, copy)
    if not hashes:
        return 0
    secret, count = await secret_of(copy, group), 0
    async for page in pages(copy):
        for name, _ in page:
            if hash_of(secret, name).encode() in hashes:
                count += await forget(copy, group, name, now_ms) is not None
    return count


async def _copy_records(stands: Reader, copy: Reader) -> set[bytes]:
    """Take over when what was forgotten; returns the hashes of the tokens."""
    hashes: set[bytes] = set()
    for (here, known), (there, keys) in zip(stands.lane_links(), copy.lane_links(), strict=True):
        (reply,) = await here.ask(command("HGETALL", known.forgettings))
        fields = require(reply, known.forgettings)
        records = list(zip(fields[::2], fields[1::2], strict=True))
        for record in records:
            (taken,) = await there.ask(command("HSETNX", keys.forgettings, *record))
            require(taken, keys.forgettings)
        hashes.update(token_hash for token_hash, _ in records)
    return hashes
