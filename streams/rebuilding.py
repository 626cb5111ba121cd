"""Lanes of a copy: brought to where the readers of the results are, while the lanes in force go on elsewhere.

A copy is what a store would hold that was emptied and whose owner has replayed silently up to the marker.  So the next
owner of the lane may take the copy in the place of the store that it knows, and do what it does after any rollback.
"""

import secrets

from streams.commits import LaneState
from streams.errors import LaneStopped
from streams.lane import Lane
from streams.owner import Owner
from streams.parking import FOR_EVER, topic_of
from streams.records import Marker, Positions, Spans
from streams.restating import Restatement
from streams.takeover import Replay, decide


class CopiedLane(Lane):
    """A lane in a store that nobody else works on; no producer is opened, so that nobody is fenced."""

    async def follow(self, start: Positions) -> Marker | None:
        """Absorb, in silence, what was published so far, from `start` on; returns the marker up to which that is.

        None if nothing was ever published.  To be called again when the marker has moved on; an earlier call may have
        been cut short anywhere.  Raises LaneStopped when the copy is of another history than the published one.
        """
        state, owner = await self._acquire()
        marker = await self._around.publisher.read_marker(self.number)
        if start and not state.positions:
            await self._begin_at(owner, start, marker)
            state, owner = await self._acquire()
        step = decide(state, marker)
        if isinstance(step, Replay):
            if step.fork is not None:
                raise LaneStopped(f"lane {self.number} of the copy is not what was published: begin it anew")
            await self._catch_up(owner, state, step)
        return marker

    async def retell(self) -> None:
        """Let the next owner tell every result of the lane again, under new revisions."""
        state, owner = await self._acquire()
        owner.policies.restating = "all"
        if state.published is not None:
            await Restatement(owner).mark_published(state.published)

    async def _acquire(self) -> tuple[LaneState, Owner]:
        store = self._around.store
        state = await store.acquire(self.number, secrets.token_hex(8))
        owner = Owner(self.number, self._around, state)
        owner.recall(await store.recent(self.number, state.tip))
        return state, owner

    async def _begin_at(self, owner: Owner, start: Positions, marker: Marker | None) -> None:
        """Commit that everything before `start` is left out, and nothing that was not published."""
        parked: Spans = {}
        if marker is not None:
            start = {topic: min(offset, marker.positions.get(topic, 0)) for topic, offset in start.items()}
            parked = _below(marker.parked, start)
        nothing = owner.digester.restate([], owner.tip.sequence + 1, everything=False)
        await owner.commit(nothing, positions=start, parked=parked, last={})


def _below(parked: Spans, positions: Positions) -> Spans:
    """The part of the spans that begins before some positions; a journey that was full stays so."""
    below: Spans = {}
    for name, spans in parked.items():
        end = positions.get(topic_of(name), 0)
        begun = [(first, last if last == FOR_EVER else min(last, end)) for first, last in spans if first < end]
        if begun:
            below[name] = begun
    return below
