"""Take-over: what a new owner does with the state it found and the last marker that readers have seen.  Pure."""

import msgspec

from streams.commits import LaneState
from streams.errors import LaneStopped
from streams.parking import difference, has_full, is_parked, topic_of
from streams.records import Entry, LastRecord, Marker, Positions, Record, Spans, Tip


class GoOn(msgspec.Struct, frozen=True):
    """Store and topic agree: publish `pending`, trim up to `trim`, and fetch on."""

    pending: list[Entry]
    trim: Tip | None


class Replay(msgspec.Struct, frozen=True):
    """The store lost what was published: absorb again, silently, up to the marker's positions.

    If the store also holds what the marker does not cover, the histories have parted, and `fork` says from where on
    they must be told again.
    """

    marker: Marker
    until: Positions
    nothing_to_absorb: bool
    fork: "Fork | None"


class Fork(msgspec.Struct, frozen=True):
    """Where the store and the published history have parted."""

    start: Positions  # the marker's, or lower where one side parked a record and the other did not
    end: Positions
    parked_here_only: Spans
    parked_there_only: Spans

    def concerns(self, topic: str, record: Record, marker: Marker) -> bool:
        """Whether the results of a record must be told again."""
        if record.offset >= marker.positions.get(topic, 0):
            return True
        return any(is_parked(parked, topic, record) for parked in (self.parked_here_only, self.parked_there_only))


def decide(state: LaneState, marker: Marker | None) -> GoOn | Replay:
    """Whether the lane goes on from its state, or must first be brought to where its readers are."""
    if marker is None:
        if state.published is None:
            return GoOn(state.outbox, None)
        raise LaneStopped(
            f"results were published up to commit {state.published.sequence}, but the marker topic holds no marker: "
            "it was emptied or recreated; see `redcat rebuild --restore-markers`"
        )
    if state.published is not None and marker.tip.sequence < state.published.sequence:
        raise LaneStopped(
            f"results were published up to commit {state.published.sequence}, but the last marker is that of commit "
            f"{marker.tip.sequence}: the marker topic has lost its end; see `redcat rebuild --restore-markers`"
        )
    if marker.tip == state.published:
        return GoOn(state.outbox, None)
    for index, entry in enumerate(state.outbox):
        if entry.marker.tip == marker.tip:
            return GoOn(state.outbox[index + 1 :], marker.tip)
    return _replay(state, marker)


def _replay(state: LaneState, marker: Marker) -> Replay:
    here_only = difference(state.parked, marker.parked, below=marker.positions)
    there_only = difference(marker.parked, state.parked, below=state.positions)
    if has_full(here_only):
        raise LaneStopped(
            "a journey was full before some records came that are part of it in what was published: the histories have "
            "parted there; run `redcat rebuild`"
        )
    topics = marker.positions.keys() | state.positions.keys()
    until = {topic: max(marker.positions.get(topic, 0), state.positions.get(topic, 0)) for topic in topics}
    ahead = any(state.positions.get(topic, 0) > marker.positions.get(topic, 0) for topic in topics)
    behind = any(state.positions.get(topic, 0) < marker.positions.get(topic, 0) for topic in topics)
    fork = None
    if ahead or here_only or there_only:
        start = {topic: marker.positions.get(topic, 0) for topic in topics}
        for parked in (here_only, there_only):
            for name, spans in parked.items():
                topic = topic_of(name)
                start[topic] = min(start.get(topic, 0), spans[0][0])
        fork = Fork(start, until, here_only, there_only)
    return Replay(marker, until, not behind, fork)


def require_same_records(marker: Marker, began: Positions, positions: Positions, last: dict[str, LastRecord]) -> None:
    """Raise LaneStopped unless a replay from `began` to `positions` has read what was read when the marker was made."""
    for topic, expected in marker.last_records.items():
        # Where a lane began later, it may be that nothing of the topic is left to be read.
        is_known = topic in last or began.get(topic, 0) == 0
        if is_known and positions.get(topic, 0) == marker.positions.get(topic, 0) and last.get(topic) != expected:
            raise LaneStopped(
                f"topic {topic}: what Kafka holds before offset {positions.get(topic, 0)} is not what results were "
                "published of: the topic was cut off or recreated. Restore the topic, or rebuild the namespace"
            )
