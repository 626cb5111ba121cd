"""Silent replay: brings a lane whose store was rolled back to where the readers of its results are.

The set of facts up to the marker's positions is the one whose results were published, and outcomes are a function of
that set: so absorbing it again, without publishing, gives the very state that was lost.

Where the store also holds records that the marker does not cover (a fork: two faults at once), results may have been
published that this history never made.  Then every result of every journey touched there is told again.
"""

from typing import Any

from streams.arrivals import Arrivals, arrivals, parkable
from streams.digesting import Digest
from streams.errors import LaneStopped, Refused
from streams.owner import Owner, last_records
from streams.parking import PARK_CODES, is_parked, park, within, without
from streams.records import NOTHING_READ, Batch, Entry, Positions, ResultRecord, Spans
from streams.takeover import Fork, Replay, require_same_records


def at_end(positions: Positions, until: Positions) -> bool:
    """Whether the lane has come as far as `until` on every topic."""
    return all(positions.get(topic, 0) >= end for topic, end in until.items())


def left(positions: Positions, until: Positions) -> int:
    """How many offsets lie between a lane and `until`."""
    return sum(max(0, end - positions.get(topic, 0)) for topic, end in until.items())


async def absorb_silently(owner: Owner, batch: Batch, replay: Replay) -> None:
    """Commit a batch of the replay without an entry; the last commit sets the published tip to the marker's."""
    owner.check_chain(batch)
    arrived = arrivals(batch, owner.around.partitions, parked=replay.marker.parked)
    digest = await owner.digest(arrived)
    _refuse_to_park_anew(owner.lane, digest, replay.marker.parked)
    positions, last = owner.positions | batch.after, last_records(batch)
    at_its_end = at_end(positions, replay.until)
    if at_its_end:
        require_same_records(replay.marker, owner.began, positions, owner.last_records | last)
    done = replay.fork is None and at_its_end
    await owner.commit(
        digest,
        positions=positions,
        parked=park(owner.parked, parkable(digest.aside)),
        last=last,
        published=replay.marker.tip if done else None,
    )


def _refuse_to_park_anew(lane: int, digest: Digest, parked: Spans) -> None:
    for topic, code, record in parkable(digest.aside):
        if code in PARK_CODES and not is_parked(parked, topic, record):
            raise LaneStopped(
                f"lane {lane}: {topic} at offset {record.offset} was absorbed before the store was rolled back, but is "
                f"now set aside as {code}: run the version of Redcat that absorbed it"
            )


class Retelling:
    """The closing commits after a fork; nothing of them is published before the last."""

    def __init__(self, owner: Owner, replay: Replay, fork: Fork) -> None:
        self._owner = owner
        self._marker = replay.marker
        self._fork = fork
        self.told = dict(fork.start)
        self.entries: list[Entry] = []

    def done(self) -> bool:
        """Whether the whole stretch is told again."""
        return at_end(self.told, self._fork.end)

    async def tell(self, batch: Batch) -> None:
        """Commit every result of the journeys that a batch touches, without counting its records again."""
        owner = self._owner
        if any(self.told.get(topic, 0) != offset for topic, offset in batch.before.items()):
            raise Refused(f"a batch from {batch.before}, but lane {owner.lane} is told up to {self.told}")
        self.told |= batch.after
        unparked, again = self._sort(batch)
        digest = await owner.digest(unparked)
        _refuse_to_park_anew(owner.lane, digest, {})
        results = await self._results(digest, again)
        self._uncount(digest, batch)
        parked = without(owner.parked, self._fork.parked_here_only, self.told)
        covered = {topic: max(offset, self._marker.positions.get(topic, 0)) for topic, offset in self.told.items()}
        entry = owner.entry(covered, parked, results, again, again.aside, last=NOTHING_READ)
        published = self._marker.tip if self.done() else None
        await owner.commit(digest, positions=owner.positions, parked=parked, last={}, entry=entry, published=published)
        self.entries.append(entry)

    def _sort(self, batch: Batch) -> tuple[Arrivals[Any], Arrivals[Any]]:
        """Records that only the store had parked, to be absorbed now; and all records to be told again."""
        marker, fork, partitions = self._marker, self._fork, self._owner.around.partitions
        unparked = batch._replace(records={
            topic: [record for record in records if is_parked(fork.parked_here_only, topic, record)]
            for topic, records in batch.records.items()
        })  # fmt: skip
        again = batch._replace(records={
            topic: [record for record in records if fork.concerns(topic, record, marker)]
            for topic, records in batch.records.items()
        })  # fmt: skip
        still_parked = without(self._owner.parked, fork.parked_here_only, fork.end)
        return arrivals(unparked, partitions), arrivals(again, partitions, parked=still_parked)

    def _uncount(self, digest: Digest, batch: Batch) -> None:
        """What is unparked was counted as consumed and invalid when it was parked; now its facts are counted."""
        ledger = digest.ledger
        for name, spans in self._fork.parked_here_only.items():
            topic, _, code = name.partition(":")
            count = sum(within(record.offset, spans) for record in batch.records.get(topic, ()))
            for line in (f"{topic}:consumed", f"{topic}:invalid/{code}"):
                ledger[line] = ledger.get(line, 0) - count

    async def _results(self, digest: Digest, again: Arrivals[Any]) -> list[ResultRecord]:
        """Every result of the journeys to be told again, as they are after the digest."""
        owner = self._owner
        loaded = await owner.load(again)
        if again.late:
            loaded = owner.digester.without_late(again, loaded)
        values = {key: value for key, value in zip(again.by_key, loaded, strict=True) if value is not None}
        for changed in digest.journeys():
            values.update(zip(changed.tokens, changed.values, strict=True))
        revision = owner.tip.sequence + 1
        return [record for key, value in values.items() for record in owner.digester.tell(key, value, revision)]
