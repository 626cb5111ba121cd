"""Which results somebody looks at just now, and those results, for a minute.

GROUP:{0}:watched             hash: what is looked at -> until when, in ms by Redis's clock; expires
GROUP:{0}:told:WATCHED        stream: the results of it that workers have told of; capped, expires

Servers keep the hash fresh while pages are open.  Workers read it once a second and tell of their commits only what is
in it, beside the commits: what is lost here is missing from a page and from nothing else.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from app.redis_store.link import Link, Reply, require
from app.redis_store.resp import command

LEASE_MS: Final = 15_000
MOST_WATCHED: Final = 200
KEPT_MS: Final = 60_000
KEPT_TELLINGS: Final = 32

Dimension: TypeAlias = Literal["note_id", "campaign_id", "merchant_id", "platform"]


class ShownResult(msgspec.Struct, frozen=True, gc=False):
    """What is shown of a result; names and meaning as in the topic `conversion`."""

    result_id: str
    revision: int
    kind: str
    outcome: str
    token: str
    reason: str | None = None
    platform: str | None = None
    merchant_id: str | None = None
    at_ms: int | None = None
    note_id: str | None = None
    nearest_note_id: str | None = None
    campaign_id: str | None = None
    order_id: str | None = None
    gross_minor: int = 0
    refunded_minor: int = 0
    net_minor: int = 0
    currency: str | None = None

    def under(self, dimension: Dimension) -> str | None:
        """The id that it is shown under; what was refused is shown under the note of its nearest click."""
        if dimension == "note_id":
            return self.note_id or self.nearest_note_id
        value: str | None = getattr(self, dimension)
        return value


class Watched(NamedTuple):
    """What a page looks at: the results of one id, with `merchant_id` those at this merchant's shops only."""

    dimension: Dimension
    id: str
    merchant_id: str = ""

    def holds(self, result: ShownResult) -> bool:
        """Whether a result belongs to it."""
        return result.under(self.dimension) == self.id and self.merchant_id in ("", result.merchant_id)


_pack = msgspec.msgpack.Encoder().encode
_told = msgspec.msgpack.Decoder(list[ShownResult]).decode


class Watching:
    """Reads and writes both, through one link."""

    def __init__(self, link: Link, group: str) -> None:
        self._link = link
        self._watched = f"{group}:{{0}}:watched".encode()
        self._told = f"{group}:{{0}}:told:"

    async def renew(self, watched: Collection[Watched]) -> None:
        """Say that these are looked at for another while."""
        now_ms, held = await self._held()
        gone = [one for one, until_ms in held.items() if until_ms <= now_ms]
        writes = [command("HDEL", self._watched, *gone)] if gone else []
        known = held.keys() - set(gone)
        for text in map(_text, watched):
            if text in known or len(known) < MOST_WATCHED:
                known.add(text)
                writes.append(command("HSET", self._watched, text, now_ms + LEASE_MS))
        writes.append(command("PEXPIRE", self._watched, LEASE_MS))
        for reply in await self._link.ask(*writes):
            require(reply, self._watched)

    async def watched(self) -> list[Watched]:
        """What is looked at by somebody."""
        now_ms, held = await self._held()
        found = (_watched(text) for text, until_ms in held.items() if until_ms > now_ms)
        return [one for one in found if one is not None][:MOST_WATCHED]

    async def tell(self, told: Mapping[Watched, Sequence[ShownResult]]) -> None:
        """Tell of results, by what is looked at."""
        writes = []
        for watched, results in told.items():
            key = self._key(watched)
            writes.append(command("XADD", key, "MAXLEN", "=", KEPT_TELLINGS, "*", "results", _pack(results)))
            writes.append(command("PEXPIRE", key, KEPT_MS))
        for reply in await self._link.ask(*writes) if writes else ():
            require(reply, self._told)

    async def told(self, after: Mapping[Watched, bytes]) -> dict[Watched, tuple[bytes, list[ShownResult]]]:
        """What was told since, where there is anything, and how far that is; b"0" stands for all that is kept."""
        if not after:
            return {}
        requests = (command("XRANGE", self._key(watched), b"(" + last, "+") for watched, last in after.items())
        found = {}
        for watched, reply in zip(after, await self._link.ask(*requests), strict=True):
            if entries := require(reply, self._key(watched)):
                found[watched] = entries[-1][0], [result for _, fields in entries for result in _results(fields)]
        return found

    def close(self) -> None:
        """Disconnect."""
        self._link.close()

    async def _held(self) -> tuple[int, dict[bytes, int]]:
        """The time, and what was said to be looked at until when."""
        time, reply = await self._link.ask(command("TIME"), command("HGETALL", self._watched))
        seconds, microseconds = map(int, require(time, "TIME"))
        items = require(reply, self._watched)
        pairs = zip(items[::2], items[1::2], strict=True)
        held = {text: int(until_ms) if until_ms.isdigit() else 0 for text, until_ms in pairs}
        return seconds * 1_000 + microseconds // 1_000, held

    def _key(self, watched: Watched) -> bytes:
        return self._told.encode() + _text(watched)


def _text(watched: Watched) -> bytes:
    return "|".join(watched).encode()


def _watched(text: bytes) -> Watched | None:
    """None of what this version does not know."""
    dimension, _, rest = text.decode(errors="replace").partition("|")
    name, separator, merchant_id = rest.partition("|")
    for known in get_args(Dimension):
        if known == dimension and name and separator:
            return Watched(known, name, merchant_id)
    return None


def _results(fields: Sequence[Reply]) -> list[ShownResult]:
    """None where another version tells in another form: these are shown by it alone."""
    try:
        return _told(fields[1])
    except msgspec.DecodeError:
        return []
