"""A namespace against its copy: journeys while both may move, the sums when both stand still at the same offsets."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, Final

import msgspec

from app.rebuilding.differences import Differences
from app.redis_store.journey_reader import words_of
from app.redis_store.journey_walk import Page, pages
from app.redis_store.keys import pack_token
from app.redis_store.ledger_reader import ledgers
from app.redis_store.link import require
from app.redis_store.reader import CellCounters, Reader
from app.redis_store.resp import command
from app.redis_store.series_reader import read_series
from streams.core.journey import Journey
from streams.errors import LaneStopped
from streams.metric_digest import is_stored_name, unpack_metric
from streams.murmur2 import partition_of
from streams.rollups import HOUR_MS, Kept
from streams.stored import JourneyCodec
from streams.words import Words

DIGEST_BYTES: Final = 16
DAY_MS: Final = 24 * HOUR_MS
SOON_MS: Final = 10 * 60_000  # what expires within that time may be gone on one side
PAGE: Final = 1_000
AT_ONCE: Final = 100  # hashes of rows asked for together


class Held:
    """Reads the journeys and notes' figures of one side."""

    def __init__(self, reader: Reader, codecs: Sequence[JourneyCodec]) -> None:
        self.reader = reader
        self._codecs = codecs

    @classmethod
    async def open(cls, reader: Reader) -> "Held":
        """With the words that the lanes have now."""
        lanes = islice(reader.lane_links(), reader.namespace.partitions)
        return cls(reader, [JourneyCodec(Words(await words_of(link, keys))) for link, keys in lanes])

    async def load(self, names: Sequence[str]) -> dict[str, bytes]:
        """What is stored under some names, as `pages` has them."""
        shards = self.reader.namespace.shards
        links = list(islice(self.reader.lane_links(), shards))
        found: dict[str, bytes] = {}
        by_shard: dict[int, list[str]] = {}
        for name in names:
            by_shard.setdefault(self._lane(name) % shards, []).append(name)
        for shard, some in by_shard.items():
            link, keys = links[shard]
            stored = [keys.shard.journey_prefix + pack_token(name) for name in some]
            (reply,) = await link.ask(command("MGET", *stored))
            values = require(reply, keys.shard.journey_prefix)
            found.update({name: value for name, value in zip(some, values, strict=True) if value is not None})
        return found

    def content(self, name: str, value: bytes | None) -> Any:
        """Something equal where the same facts are held; what cannot be read is equal to nothing else."""
        if value is None:
            return None
        try:
            if is_stored_name(name):
                return unpack_metric(name.removeprefix("/"), value)
            journey, _ = self._codecs[self._lane(name)].unpack(name, value)
        except LaneStopped as error:
            return str(error)
        return content_of(journey)

    def _lane(self, name: str) -> int:
        partitions = self.reader.namespace.partitions
        if is_stored_name(name):
            return partitions + partition_of(name.removeprefix("/").encode(), partitions)
        return partition_of(name.encode(), partitions)


def content_of(journey: Journey) -> Any:
    """The facts that stand, and those that lost in whatever order."""
    lost = sorted(msgspec.json.encode(fact) for fact in journey.lost)
    return journey.clicks, journey.entries, journey.actions, journey.steps, lost


async def differing(stands: Held, copy: Held) -> AsyncIterator[list[str]]:
    """Names, page by page, under which the two sides hold different facts at some moment; some come more than once."""
    for here, there in ((stands, copy), (copy, stands)):
        async for page in pages(here.reader):
            yield await _differing(page, here, there)


async def _differing(page: Page, here: Held, there: Held) -> list[str]:
    others = await there.load([name for name, _ in page])
    return [name for name, value in page if here.content(name, value) != there.content(name, others.get(name))]


async def compare_journeys(found: Differences, names: Sequence[str], stands: Held, copy: Held) -> None:
    """Look once more at names that differed while the sides moved, now that they stand still."""
    for start in range(0, len(names), PAGE):
        some = names[start : start + PAGE]
        here, there = await stands.load(some), await copy.load(some)
        for name in some:
            one, other = stands.content(name, here.get(name)), copy.content(name, there.get(name))
            if one != other:
                part = "figures" if is_stored_name(name) else "journey"
                found.add(part, name.removeprefix("/"), _said(one), _said(other))  # type: ignore[arg-type]


def _said(content: Any) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, tuple):
        return " ".join(f"{len(facts)} {what}" for facts, what in zip(content, WHAT, strict=True) if facts)
    return msgspec.json.encode(content).decode()


WHAT: Final = ("clicks", "entries", "actions", "order steps", "lost")


async def compare_sums(found: Differences, stands: Reader, copy: Reader, kept: Kept, now_ms: int) -> None:
    """Ledger, counters, orders under several tokens, totals and series."""
    for lane, (one, other) in enumerate(zip(await ledgers(stands), await ledgers(copy), strict=True)):
        _compare(found, "ledger", f"lane {lane}", one, other)
    await compare_figures(found, stands, copy, kept, now_ms)
    # With several shards that takes looking through all orders, for which lanes are not to be held.
    if stands.namespace.shards == copy.namespace.shards == 1:
        reused, again = set(await stands.reused_orders()), set(await copy.reused_orders())
        for order_id in sorted(reused ^ again):
            found.add("reused_order", order_id, *("reused" if order_id in side else None for side in (reused, again)))


async def compare_figures(found: Differences, stands: Reader, copy: Reader, kept: Kept, now_ms: int) -> None:
    """Counters, totals and series, whatever lanes they were counted in."""
    await _compare_notes(found, stands, copy)
    one_series, other_series = await read_series(stands), await read_series(copy)
    buckets = list(_buckets(kept, now_ms))
    for some in (buckets[start : start + AT_ONCE] for start in range(0, len(buckets), AT_ONCE)):
        here = await asyncio.gather(*(one_series.bucket(*bucket) for bucket in some))
        there = await asyncio.gather(*(other_series.bucket(*bucket) for bucket in some))
        for (span, number), rows, others in zip(some, here, there, strict=True):
            for row in sorted({*rows, *others}):
                _compare(found, "series", f"{span} {number} {row}", rows.get(row, {}), others.get(row, {}))


async def _compare_notes(found: Differences, stands: Reader, copy: Reader) -> None:
    sides = [{note: _digest(cells) async for note, cells in reader.notes()} for reader in (stands, copy)]
    empty = _digest([])
    for note in sorted({*sides[0], *sides[1]}):
        if sides[0].get(note, empty) != sides[1].get(note, empty):
            one, other = _named(await stands.note(note)), _named(await copy.note(note))
            _compare(found, "counter", note, one, other)


def _buckets(kept: Kept, now_ms: int) -> Iterator[tuple[str, int]]:
    """What is kept of totals and series, but for what is about to expire."""
    yield "totals", 0
    for span, length_ms, kept_ms in (
        ("days", DAY_MS, kept.hours_ms), ("hours", HOUR_MS, kept.hours_ms), ("minutes", HOUR_MS, kept.minutes_ms),
    ):  # fmt: skip
        first = (now_ms + SOON_MS - kept_ms) // length_ms
        for number in range(first, now_ms // length_ms + 2):
            yield span, number


def _compare(found: Differences, part: Any, place: str, stands: Mapping[str, int], copied: Mapping[str, int]) -> None:
    for name in sorted({*stands, *copied}):
        one, other = stands.get(name, 0), copied.get(name, 0)
        if one != other:
            found.add(part, f"{place} {name}", one, other)


def _named(cells: CellCounters) -> dict[str, int]:
    return {
        f"{'|'.join(part or '' for part in cell)} {name}": count
        for cell, counts in cells
        for name, count in counts.items()
    }


def _digest(cells: CellCounters) -> bytes:
    return blake2b(msgspec.json.encode(sorted(_named(cells).items())), digest_size=DIGEST_BYTES).digest()
