"""The ledger of each lane, read in one step so that it is of one moment.  Writes nothing."""

from collections.abc import Callable

from app.redis_store.keys import LaneKeys
from app.redis_store.link import require
from app.redis_store.reader import Reader
from app.redis_store.resp import command
from streams.errors import LaneStopped

Lines = dict[str, int]


async def ledgers(reader: Reader) -> list[Lines]:
    """The ledger's lines by lane."""
    return await _hashes(reader, lambda keys: keys.ledger)


async def forgotten(reader: Reader) -> list[Lines]:
    """What the journeys of each lane had counted that were forgotten."""
    return await _hashes(reader, lambda keys: keys.forgotten)


async def _hashes(reader: Reader, key_of: Callable[[LaneKeys], bytes]) -> list[Lines]:
    hashes = []
    for link, keys in reader.lane_links():
        key = key_of(keys)
        (reply,) = await link.ask(command("HGETALL", key))
        fields = require(reply, key)
        try:
            lines = dict(zip(map(bytes.decode, fields[::2]), map(int, fields[1::2]), strict=True))
        except ValueError as error:
            raise LaneStopped(f"{key.decode()} holds what is no number: {error}") from error
        hashes.append(lines)
    return hashes
