"""An owner of a lane: turns batches into commits on the tip that the store last confirmed."""

import zlib
from collections.abc import Callable
from typing import Final

import msgspec

from streams.arrivals import Arrivals, Aside, add_spans, arrivals, dead_letter, forward
from streams.core.terms import PolicySet
from streams.digest import Digest, Digester, parked_offsets
from streams.errors import LaneStopped, Refused
from streams.ports import (
    Batch,
    Commit,
    Entry,
    Feed,
    Increments,
    LaneState,
    LastRecord,
    Marker,
    Positions,
    Publisher,
    ResultRecord,
    Spans,
    Store,
    Tip,
)  # fmt: skip
from streams.words import Words

COUNTER_ROOM: Final = 2**62  # no counter reaches 2**63 while all lanes together have spent less than this


class Surroundings(msgspec.Struct, frozen=True):
    """What all lanes of a worker share."""

    store: Store
    publisher: Publisher
    feed: Feed
    policies: PolicySet
    partitions: int
    now_ms: Callable[[], int]


class Owner:
    """Where a lane stands, only ever as the store last confirmed it, and the commits that move it on."""

    def __init__(self, lane: int, around: Surroundings, state: LaneState) -> None:
        self.lane = lane
        self.tip = state.tip
        self.positions = state.positions
        self.parked = state.parked
        self.last_records = state.last_records
        self.around = around
        self._words = Words(state.words)
        self.digester = Digester([around.policies] * len(around.policies.versions), self._words)
        self._spent = state.spent
        self.versions = around.policies.versions
        self.require_policies(state.policies)

    def require_policies(self, versions: list[int]) -> None:
        """Stop the lane if its state was computed under other policies than this worker's; none is no state."""
        if versions and sorted(versions) != self.versions:
            raise LaneStopped(f"lane {self.lane} works under policies {versions}, this worker has {self.versions}")

    async def absorb(self, batch: Batch, trim: Tip | None) -> Entry:
        """Digest a batch and commit it together with its outbox entry."""
        self.check_chain(batch)
        arrived = arrivals(batch, self.around.partitions)
        digest = await self.digest(arrived)
        parked = add_spans(self.parked, parked_offsets(digest))
        positions = self.positions | batch.after
        entry = self.entry(positions, parked, digest.results, arrived, digest.aside)
        await self.commit(digest, positions=positions, parked=parked, last=last_records(batch), entry=entry, trim=trim)
        return entry

    def check_chain(self, batch: Batch) -> None:
        """Refuse a batch that does not begin where the lane stands."""
        if any(self.positions.get(topic, 0) != offset for topic, offset in batch.before.items()):
            raise Refused(f"a batch from {batch.before}, but lane {self.lane} stands at {self.positions}")

    async def digest(self, arrived: Arrivals) -> Digest:
        """Load the journeys concerned and work out what changes."""
        loaded = await self.around.store.load(self.lane, self.tip, list(arrived.by_token))
        return self.digester.digest(arrived, loaded, self.tip.sequence + 1)

    def entry(
        self, positions: Positions, parked: Spans, results: list[ResultRecord], arrived: Arrivals, aside: list[Aside]
    ) -> Entry:
        """The outbox entry of the next commit; its marker says what readers of it have seen."""
        letters = [dead_letter(record, self.lane) for record in aside]
        forwards = [forward(misplaced) for misplaced in arrived.misplaced]
        marker = Marker(Tip(self.tip.nonce, self.tip.sequence + 1), positions, self.versions, parked)
        return Entry(marker, self.around.now_ms(), results, letters + forwards)

    async def commit(  # noqa: PLR0913  # a commit is what it is made of
        self,
        digest: Digest,
        *,
        positions: Positions,
        parked: Spans,
        last: dict[str, LastRecord],
        entry: Entry | None = None,
        trim: Tip | None = None,
        published: Tip | None = None,
    ) -> None:
        """Commit a digest on the lane's tip; afterwards the lane stands at `positions`."""
        increments = digest.increments()
        commit = Commit(
            positions=positions,
            policies=self.versions,
            parked=parked,
            last_records=self.last_records | last,
            spent=self._spend(increments),
            journeys=digest.journeys(self.around.policies),
            words=self._words.new,
            increments=increments,
            entry=entry,
            trim=trim,
            published=published,
        )
        self.tip = await self.around.store.commit(self.lane, self.tip, commit)
        self.positions, self.parked = positions, parked
        self.last_records, self._spent = commit.last_records, commit.spent
        self._words.new = []

    def _spend(self, increments: Increments) -> int:
        changes = (names.values() for cells in increments.cells.values() for names in cells.values())
        spent = self._spent + sum(sum(map(abs, values)) for values in changes)
        if spent > COUNTER_ROOM // self.around.partitions:
            raise LaneStopped(f"the counters of lane {self.lane} might overflow 64 bits: start a new namespace")
        return spent


def last_records(batch: Batch) -> dict[str, LastRecord]:
    """The last record of each topic in a batch, as the lane remembers it."""
    return {
        topic: LastRecord(
            record.offset, record.timestamp, zlib.crc32(record.value or b"", zlib.crc32(record.key or b""))
        )
        for topic, records in batch.records.items()
        if records
        for record in records[-1:]
    }
