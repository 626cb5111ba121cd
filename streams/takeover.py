"""Take-over: what a new owner does with the state it found and the last marker that readers have seen.  Pure."""

import msgspec

from streams.arrivals import within
from streams.errors import LaneStopped
from streams.ports import Entry, LaneState, Marker, Positions, Spans, Tip


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

    def concerns(self, name: str, offset: int, marker: Marker) -> bool:
        """Whether the results of a record (`name`: its topic) must be told again."""
        if offset >= marker.positions.get(name, 0):
            return True
        return any(
            within(offset, spans)
            for parked in (self.parked_here_only, self.parked_there_only)
            for key, spans in parked.items()
            if key.partition(":")[0] == name
        )


def decide(state: LaneState, marker: Marker | None) -> GoOn | Replay:
    """Whether the lane goes on from its state, or must first be brought to where its readers are."""
    if marker is None:
        if state.published is None:
            return GoOn(state.outbox, None)
        raise LaneStopped(
            f"results were published up to commit {state.published.sequence}, but the marker topic holds no marker: "
            "it was emptied or recreated; run `redcat rebuild` into a new namespace"
        )
    if marker.tip == state.published:
        return GoOn(state.outbox, None)
    for index, entry in enumerate(state.outbox):
        if entry.marker.tip == marker.tip:
            return GoOn(state.outbox[index + 1 :], marker.tip)
    return _replay(state, marker)


def _replay(state: LaneState, marker: Marker) -> Replay:
    here_only = _difference(state.parked, marker.parked, below=marker.positions)
    there_only = _difference(marker.parked, state.parked, below=state.positions)
    topics = marker.positions.keys() | state.positions.keys()
    until = {topic: max(marker.positions.get(topic, 0), state.positions.get(topic, 0)) for topic in topics}
    ahead = any(state.positions.get(topic, 0) > marker.positions.get(topic, 0) for topic in topics)
    behind = any(state.positions.get(topic, 0) < marker.positions.get(topic, 0) for topic in topics)
    fork = None
    if ahead or here_only or there_only:
        start = {topic: marker.positions.get(topic, 0) for topic in topics}
        for parked in (here_only, there_only):
            for name, spans in parked.items():
                topic = name.partition(":")[0]
                start[topic] = min(start.get(topic, 0), spans[0][0])
        fork = Fork(start, until, here_only, there_only)
    return Replay(marker, until, not behind, fork)


def _difference(parked: Spans, other: Spans, below: Positions) -> Spans:
    """The spans of `parked` below the positions that are not in `other`."""
    difference: Spans = {}
    for name, spans in parked.items():
        end = below.get(name.partition(":")[0], 0)
        known = other.get(name, [])
        alone = [
            (offset, offset + 1)
            for first, last in spans
            for offset in range(first, min(last, end))
            if not within(offset, known)
        ]
        if alone:
            difference[name] = alone
    return difference
