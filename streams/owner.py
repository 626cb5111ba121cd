"""An owner of a lane: turns batches into commits on the tip that the store last confirmed.

Lanes of tokens and of metrics differ in what digests their batches, and in nothing else.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from streams.arrivals import Arrivals, Aside, arrivals, dead_letter, forward, parkable
from streams.commits import Commit, Increments, LaneState, Moment, Series
from streams.digest import Digester
from streams.digesting import Digest, Digesting
from streams.errors import LaneStopped, Refused
from streams.lane_policies import LanePolicies
from streams.metric_digest import MetricDigester, stored_names
from streams.observer import Nobody, Observer
from streams.outbox import MAX_RECORDS
from streams.parking import park
from streams.policy_book import PolicyBook
from streams.ports import Feed, Publisher, Store
from streams.records import Batch, Entry, LastRecord, Marker, Positions, ResultRecord, Spans, Tip
from streams.rollups import Gathered, Kept, by_cell, minutes_until, roll_up
from streams.topics import CLICK_OUT, METRIC_TOPICS, lane_count, partition_of_lane, topics_of
from streams.words import Words

FOLD_FROM: Final = 20_000  # moments: each row that they share is then written once
MOST_PARKED: Final = 10_000  # stretches of records: every marker and every commit names them all
COUNTER_ROOM: Final = 2**62  # no counter reaches 2**63 while all lanes together have spent less than this


class Surroundings(msgspec.Struct, frozen=True):
    """What all lanes of a worker share."""

    store: Store
    publisher: Publisher
    feed: Feed
    policies: PolicyBook
    partitions: int
    now_ms: Callable[[], int]
    kept: Kept = Kept()
    observer: Observer = Nobody()
    most_records: int = MAX_RECORDS  # in one transaction


class Owner:
    """Where a lane stands, only ever as the store last confirmed it, and the commits that move it on."""

    def __init__(self, lane: int, around: Surroundings, state: LaneState) -> None:
        self.lane = lane
        self.tip = state.tip
        self.positions = self.began = state.positions
        self.parked = state.parked
        self.last_records = state.last_records
        self.around = around
        self.partition = partition_of_lane(lane, around.partitions)
        self._words = Words(state.words)
        self._spent = state.spent
        self._recent = Gathered()  # changes in time that wait to be folded into series
        self._metrics = topics_of(lane, around.partitions) == METRIC_TOPICS
        # No policy has a say in metrics.
        self.policies = LanePolicies(PolicyBook() if self._metrics else around.policies, state)

    @property
    def digester(self) -> Digesting:
        """What digests the lane's batches under the policies in force."""
        return MetricDigester() if self._metrics else Digester(self.policies.sets, self._words)

    def recall(self, recent: Iterable[Moment]) -> None:
        """Remember what the owners before have left to be folded."""
        self._recent = Gathered(by_cell(recent))

    async def absorb(self, batch: Batch, trim: Tip | None, poison: Spans | None = None) -> Entry:
        """Digest a batch and commit it together with its outbox entry; what is `poison` is set aside untried.

        LaneStopped when so much was parked that the core must be to blame, not the records.
        """
        self.check_chain(batch)
        arrived = arrivals(batch, self.around.partitions, parked=poison)
        digest = await self.digest(arrived)
        parked = park(self.parked, parkable(digest.aside))
        if sum(map(len, parked.values())) > MOST_PARKED:
            raise LaneStopped(
                f"more than {MOST_PARKED} stretches of records of lane {self.lane} could not be digested: "
                "the version that runs must be to blame; run one that digests them"
            )
        positions = self.positions | batch.after
        last = last_records(batch)
        entry = self.entry(positions, parked, digest.results, arrived, digest.aside, last=self.last_records | last)
        await self.commit(digest, positions=positions, parked=parked, last=last, entry=entry, trim=trim)
        return entry

    def unfolded(self) -> bool:
        """Whether there are moments that wait to be folded into series."""
        return self._recent.number > 0

    async def fold(self, trim: Tip | None) -> Entry:
        """Fold what waits, by a commit of its own."""
        nothing = self.digester.restate([], self.tip.sequence + 1, everything=False)
        return await self.commit_in_place(nothing, trim, fold=True)

    async def commit_in_place(self, digest: Digest, trim: Tip | None, *, fold: bool = False) -> Entry:
        """Commit what came from no batch, together with its outbox entry: the lane stays where it stands."""
        nothing: Arrivals[Any] = Arrivals({}, [], [], [], {})
        entry = self.entry(self.positions, self.parked, digest.results, nothing, [], last=self.last_records)
        await self.commit(
            digest, positions=self.positions, parked=self.parked, last={}, entry=entry, trim=trim, fold=fold
        )
        return entry

    def check_chain(self, batch: Batch) -> None:
        """Refuse a batch that does not begin where the lane stands."""
        if any(self.positions.get(topic, 0) != offset for topic, offset in batch.before.items()):
            raise Refused(f"a batch from {batch.before}, but lane {self.lane} stands at {self.positions}")

    async def digest(self, arrived: Arrivals[Any]) -> Digest:
        """Load what is known of the journeys or notes concerned and work out what changes."""
        clicks = (fact for topic, facts, _ in arrived.sources if topic == CLICK_OUT for fact in facts)
        self.policies.note(clicks, self.around.now_ms())
        loaded = await self.load(arrived)
        if arrived.late:
            loaded = self.digester.without_late(arrived, loaded)
        return self.digester.digest(arrived, loaded, self.tip.sequence + 1)

    async def load(self, arrived: Arrivals[Any]) -> list[bytes | None]:
        """What the store holds, in the order of `arrived.by_key`."""
        names = stored_names(arrived.by_key) if self._metrics else list(arrived.by_key)
        return await self.around.store.load(self.lane, self.tip, names)

    def entry(
        self,
        positions: Positions,
        parked: Spans,
        results: list[ResultRecord],
        arrived: Arrivals[Any],
        aside: list[Aside],
        *,
        last: dict[str, LastRecord],
    ) -> Entry:
        """The outbox entry of the next commit; its marker says what readers of it have seen."""
        letters = [dead_letter(record, self.partition) for record in aside]
        forwards = [forward(misplaced) for misplaced in arrived.misplaced]
        tip = Tip(self.tip.nonce, self.tip.sequence + 1)
        marker = Marker(tip, positions, self.policies.versions, parked, self.policies.restating, last)
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
        fold: bool = False,
    ) -> None:
        """Commit a digest on the lane's tip; afterwards the lane stands at `positions`."""
        increments = digest.increments()
        series = self._folded(increments, at_once=fold)
        commit = Commit(
            positions=positions,
            policies=self.policies.versions,
            parked=parked,
            last_records=self.last_records | last,
            spent=self._spend(increments),
            journeys=digest.journeys(),
            words=self._words.new,
            increments=increments,
            entry=entry,
            trim=trim,
            published=published,
            orders=digest.orders(),
            fold=series,
            minutes_until=None if series is None else minutes_until(self.around.kept, self.around.now_ms()),
            restating=self.policies.restating,
            clicks=self.policies.clicks,
        )
        self.tip = await self.around.store.commit(self.lane, self.tip, commit)
        self.positions, self.parked = positions, parked
        self.last_records, self._spent = commit.last_records, commit.spent
        self._words.stored()
        if series is None:
            self._recent.add(increments.moments)
        else:
            self._recent = Gathered()

    def _folded(self, increments: Increments, *, at_once: bool) -> Series | None:
        """What waits and `increments` come to in series, when there is enough of it; None while they wait on."""
        if not at_once and self._recent.number + sum(map(len, increments.moments.values())) < FOLD_FROM:
            return None
        recent = self._recent, Gathered(increments.moments)
        return roll_up(recent, self.around.kept, self.around.now_ms())

    def _spend(self, increments: Increments) -> int:
        changes = (names.values() for cells in increments.cells.values() for names in cells.values())
        spent = self._spent + sum(sum(map(abs, values)) for values in changes)
        if spent > COUNTER_ROOM // lane_count(self.around.partitions):
            raise LaneStopped(f"the counters of lane {self.lane} might overflow 64 bits: start a new namespace")
        return spent


def last_records(batch: Batch) -> dict[str, LastRecord]:
    """The last record of each topic in a batch, as the lane remembers it."""
    return {topic: LastRecord.of(records[-1]) for topic, records in batch.records.items() if records}
