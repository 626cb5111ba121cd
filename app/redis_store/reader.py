"""What people read from Redis: counters of notes, the ledger and where the lanes stand.  Writes nothing."""

from collections.abc import AsyncIterator, Iterable
from typing import Final, NamedTuple

from app.redis_store.cells import Cells, read_cells
from app.redis_store.forms import unpack_state, unpack_tip
from app.redis_store.keys import LaneKeys, ShardKeys
from app.redis_store.link import Dial, Link, Reply, require
from app.redis_store.namespace import Namespace, read_namespace
from app.redis_store.order_index import across_shards, tokens_of
from app.redis_store.resp import command
from streams.commits import Clicks
from streams.errors import LaneStopped
from streams.records import Positions, Restating, Spans, Tip
from streams.topics import lane_count

PAGE: Final = 500  # notes in one request


class Cell(NamedTuple):
    """The finest group of clicks under a note that has counters of its own.

    In the cell of what is counted for the note itself, such as its reads, all is empty.
    """

    campaign_id: str | None
    merchant_id: str
    platform: str
    category: str
    link: str
    note_kind: str


CellCounters = list[tuple[Cell, dict[str, int]]]


class LaneOverview(NamedTuple):
    """Where a lane stands."""

    lane: int
    tip: Tip
    positions: Positions
    policies: list[int]
    parked: Spans
    published: Tip | None
    outbox: list[Tip]  # what is not known to be published, oldest first
    spent: int
    restating: Restating
    clicks: Clicks
    newest_ms: int  # the latest of the last records that it took of each topic; 0 before the first


class Reader:
    """Reads a namespace; made by `open_reader`."""

    def __init__(self, dial: Dial, links: list[Link], group: str, namespace: Namespace) -> None:
        self.namespace = namespace
        self._dial = dial
        self._group = group
        self._links = links
        self._shards = _shards(group, namespace)

    async def notes(self) -> AsyncIterator[tuple[str, CellCounters]]:
        """All notes with the counters of their cells, zeros left out; notes that appear meanwhile may be missing."""
        # SSCAN may tell an id twice, and lanes of several shards may know the same note.
        told: set[str] = set()
        for link, keys in zip(self._links, self._shards, strict=True):
            cursor = b""
            while cursor != b"0":
                (reply,) = await link.ask(command("SSCAN", keys.notes, cursor or b"0", "COUNT", PAGE))
                cursor, found = require(reply, keys.notes)
                fresh = [note for note in map(bytes.decode, found) if note not in told]
                told.update(fresh)
                for note_id, cells in zip(fresh, await self._cells(fresh), strict=True):
                    yield note_id, _with_fields(cells)

    async def note(self, note_id: str) -> CellCounters:
        """The counters of a note's cells, zeros left out."""
        (cells,) = await self._cells([note_id])
        return _with_fields(cells)

    async def ledger(self) -> dict[str, int]:
        """The ledger's lines, summed over the lanes, zeros left out."""
        total: dict[str, int] = {}
        for link, keys in self.lane_links():
            (reply,) = await link.ask(command("HGETALL", keys.ledger))
            for line, count in fields_of(reply, keys.ledger).items():
                total[line.decode()] = total.get(line.decode(), 0) + _number(count, keys.ledger)
        return {line: count for line, count in total.items() if count}

    async def tokens_of_order(self, order_id: str) -> list[str]:
        """The tokens whose journeys hold an order."""
        tokens: set[str] = set()
        for link, keys in zip(self._links, self._shards, strict=True):
            tokens.update(await tokens_of(link, keys, order_id))
        return sorted(tokens)

    async def reused_orders(self) -> list[str]:
        """The orders that two tokens held at one time; of different shards only those that they hold at present.

        With several shards this looks through the whole index.
        """
        shards = list(zip(self._links, self._shards, strict=True))
        orders = await across_shards(shards)
        for link, keys in shards:
            (reply,) = await link.ask(command("SMEMBERS", keys.reused))
            orders.update(order_id.decode() for order_id in require(reply, keys.reused))
        return sorted(orders)

    async def lanes(self) -> list[LaneOverview]:
        """The lanes that were acquired at least once."""
        overviews = []
        for lane, (link, keys) in enumerate(self.lane_links()):
            tip, state, outbox = await link.ask(
                command("GET", keys.tip), command("HGETALL", keys.state), command("HKEYS", keys.outbox)
            )
            if require(tip, keys.tip) is not None:
                entries = [unpack_tip(entry, keys.outbox) for entry in require(outbox, keys.outbox)]
                overviews.append(
                    _overview(lane, keys, unpack_tip(tip, keys.tip), fields_of(state, keys.state), entries)
                )
        return overviews

    async def waiting(self) -> dict[int, int]:
        """How many records waited in Kafka for each lane a moment ago, as far as workers have told."""
        found = {}
        for lane, (link, _) in enumerate(self.lane_links()):
            # Workers tell it beside all generations.
            key = LaneKeys(ShardKeys(self._group, lane % len(self._links)), lane).waiting
            (reply,) = await link.ask(command("GET", key))
            if (count := require(reply, key)) is not None:
                found[lane] = _number(count, key)
        return found

    async def renew(self) -> None:
        """Connect anew, to what is in force now.

        To be done after Unavailable, when servers have come back or shards have moved to other nodes, and by those who
        read for long: a namespace may have been rebuilt.
        """
        links, namespace = await _connect(self._dial, self._group, None)
        await self.close()
        self._links, self.namespace, self._shards = links, namespace, _shards(self._group, namespace)

    async def is_in_force(self) -> bool:
        """Whether what is read here still is in force, not replaced by a rebuild."""
        namespace = await read_namespace(self._links[0], self._group)
        return (namespace.generation, namespace.shards) == (self.namespace.generation, self.namespace.shards)

    async def close(self) -> None:
        """Close the connections."""
        for link in self._links:
            link.close()

    def lane_links(self) -> Iterable[tuple[Link, LaneKeys]]:
        """Every lane's link and keys, in the order of their numbers."""
        for lane in range(lane_count(self.namespace.partitions)):
            shard = lane % len(self._links)
            yield self._links[shard], LaneKeys(self._shards[shard], lane)

    async def _cells(self, note_ids: list[str]) -> list[Cells]:
        sums: list[Cells] = [{} for _ in note_ids]
        for link, keys in zip(self._links, self._shards, strict=True):
            names = [keys.note(note_id) for note_id in note_ids]
            replies = await link.ask(*(command("HGETALL", name) for name in names)) if names else []
            for total, reply, name in zip(sums, replies, names, strict=True):
                _add(total, read_cells(fields_of(reply, name), name))
        return sums


async def open_reader(dial: Dial, group: str, copy: Namespace | None = None) -> Reader:
    """A reader of the group's namespace; Misconfigured if there is none.

    With `copy` it reads another generation: that is the namespace as it would be if this one were in force.
    """
    links, namespace = await _connect(dial, group, copy)
    return Reader(dial, links, group, namespace)


async def _connect(dial: Dial, group: str, copy: Namespace | None) -> tuple[list[Link], Namespace]:
    links = [await dial(0)]
    try:
        namespace = copy or await read_namespace(links[0], group)
        links += [await dial(shard) for shard in range(1, namespace.shards)]
    except BaseException:
        for link in links:
            link.close()
        raise
    return links, namespace


def _shards(group: str, namespace: Namespace) -> list[ShardKeys]:
    return [ShardKeys(group, shard, namespace.generation) for shard in range(namespace.shards)]


def _overview(lane: int, keys: LaneKeys, tip: Tip, fields: dict[bytes, bytes], outbox: list[Tip]) -> LaneOverview:
    state = unpack_state(fields.get(b"state"), keys.state)
    published = fields.get(b"published")
    return LaneOverview(
        lane=lane,
        tip=tip,
        positions=state.positions,
        policies=state.policies,
        parked=state.parked,
        published=None if published is None else unpack_tip(published, keys.state),
        outbox=sorted(outbox, key=lambda entry: entry.sequence),
        spent=state.spent,
        restating=state.restating,
        clicks=state.clicks,
        newest_ms=max((record.timestamp for record in state.last_records.values()), default=0),
    )


def _add(total: Cells, cells: Cells) -> None:
    for cell, counters in cells.items():
        sums = total.setdefault(cell, {})
        for name, count in counters.items():
            sums[name] = sums.get(name, 0) + count


def _with_fields(cells: Cells) -> CellCounters:
    counters = []
    for text, counts in sorted(cells.items()):
        campaign_id, *others = text.split("|")
        counters.append((Cell(campaign_id or None, *others), counts))
    return counters


def fields_of(reply: Reply, key: bytes) -> dict[bytes, bytes]:
    """A hash from the reply to HGETALL."""
    items = require(reply, key)
    return dict(zip(items[::2], items[1::2], strict=True))


def _number(value: bytes, key: bytes) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise LaneStopped(f"{key.decode()} holds {value!r}, which is no number") from error
