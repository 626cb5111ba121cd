"""Which notes the lanes have changed lately, and their counters as they stand.  Writes nothing."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from app.redis_store.cells import Cells, read_cells
from app.redis_store.forms import unpack_state
from app.redis_store.keys import TOLD_LARGE_COMMITS, LaneKeys, ShardKeys
from app.redis_store.link import Link, Reply, require
from app.redis_store.reader import Reader, fields_of
from app.redis_store.resp import command

PAGE: Final = 500  # ids in one request
NO_TIME: Final = 0

Place: TypeAlias = tuple[int, str]
"""Shard and note id."""


class LaneNews(NamedTuple):
    """What a lane's last commits have changed."""

    anchor: bytes | None  # names the last commit that was seen
    notes: list[str]
    complete: bool  # False: there were more commits than are told of


class News(NamedTuple):
    """The notes that have changed, by shard; if it is not complete, others may have as well."""

    places: list[Place]
    complete: bool


class LaneTime(NamedTuple):
    """When a lane last committed a change of counters (0: never), and when its newest record came to Kafka."""

    committed_ms: int
    record_ms: int


class ChangesReader:
    """Follows the changes of notes; an anchor per lane says how far it has come."""

    def __init__(self, reader: Reader) -> None:
        self._lanes = list(reader.lane_links())
        self._shards: list[tuple[Link, ShardKeys]] = []
        for link, keys in self._lanes[: reader.namespace.shards]:
            self._shards.append((link, keys.shard))
        self._anchors: list[bytes | None] = [None] * len(self._lanes)

    async def start(self) -> None:
        """Begin with what comes from now on."""
        for lane, (link, keys) in enumerate(self._lanes):
            (last,) = await link.ask(command("XREVRANGE", keys.changed, "+", "-", "COUNT", 1))
            entries = require(last, keys.changed)
            self._anchors[lane] = entries[0][0] if entries else None

    async def news(self) -> News:
        """The notes that changed since the last call."""
        places: dict[Place, None] = {}
        complete = True
        asked = zip(self._lanes, self._anchors, strict=True)
        # All lanes at once: one after the other, the way there and back would take most of the time.
        news = await asyncio.gather(*(_news(link, keys, anchor) for (link, keys), anchor in asked))
        for lane, told in enumerate(news):
            self._anchors[lane] = told.anchor
            complete = complete and told.complete
            places.update(dict.fromkeys((lane % len(self._shards), note_id) for note_id in told.notes))
        return News(list(places), complete)

    async def cells(self, places: Sequence[Place]) -> Iterator[tuple[Place, Cells]]:
        """The counters of the cells of some notes in one shard each, zeros left out.

        They are as they stand now, but each note is decoded when it is asked for, for that takes longest.
        """
        names = [self._shards[shard][1].note(note_id) for shard, note_id in places]
        replies: dict[int, Reply] = {}
        for shard, (link, _) in enumerate(self._shards):
            here = [number for number, (of, _) in enumerate(places) if of == shard]
            if here:
                answers = await link.ask(*(command("HGETALL", names[number]) for number in here))
                replies.update(zip(here, answers, strict=True))
        return (
            (place, read_cells(fields_of(replies[number], name), name) if replies[number] is not None else {})
            for number, (place, name) in enumerate(zip(places, names, strict=True))
        )

    async def notes(self, shard: int, cursor: bytes) -> tuple[bytes, list[str]]:
        """A page of the ids of a shard's notes, some of them perhaps told before, and the cursor of the next."""
        link, keys = self._shards[shard]
        (reply,) = await link.ask(command("SSCAN", keys.notes, cursor, "COUNT", PAGE))
        following, ids = require(reply, keys.notes)
        return following, list(map(bytes.decode, ids))

    @property
    def shards(self) -> int:
        return len(self._shards)

    async def times(self) -> list[LaneTime]:
        """Of every lane that ever committed."""
        times = []
        newest_of = await asyncio.gather(*(_newest_ms(link, keys) for link, keys in self._lanes))
        for anchor, newest in zip(self._anchors, newest_of, strict=True):
            # Kafka may hold records without a time.
            if anchor is not None and newest > NO_TIME:
                times.append(LaneTime(int(anchor.partition(b"-")[0]), newest))
        return times


class NotePages:
    """Goes through the ids of all notes once; after an error it may be asked again."""

    def __init__(self, changes: ChangesReader) -> None:
        self.told: set[Place] = set()
        self._changes = changes
        self._shard = 0
        self._cursor = b"0"

    async def page(self) -> list[Place] | None:
        """Some notes that were not told before; None when all were."""
        if self._shard == self._changes.shards:
            return None
        self._cursor, notes = await self._changes.notes(self._shard, self._cursor)
        fresh = [place for note_id in notes if (place := (self._shard, note_id)) not in self.told]
        self.told.update(fresh)
        if self._cursor == b"0":
            self._shard += 1
        return fresh


async def _news(link: Link, keys: LaneKeys, anchor: bytes | None) -> LaneNews:
    (reply,) = await link.ask(command("XRANGE", keys.changed, anchor or "-", "+"))
    entries: list[Reply] = require(reply, keys.changed)
    # The entry that was seen last is told again: were it not there, others might be missing as well.
    known = bool(entries) and entries[0][0] == anchor
    complete = known or (anchor is None and len(entries) < TOLD_LARGE_COMMITS)
    fresh = entries[1:] if known else entries
    notes = [note_id for _, (_, ids) in fresh for note_id in ids.decode().split(" ")]
    return LaneNews(entries[-1][0] if entries else None, notes, complete)


async def _newest_ms(link: Link, keys: LaneKeys) -> int:
    """When the newest record that a lane has counted came to Kafka."""
    (reply,) = await link.ask(command("HGET", keys.state, "state"))
    records = unpack_state(require(reply, keys.state), keys.state).last_records.values()
    return max((record.timestamp for record in records), default=NO_TIME)
