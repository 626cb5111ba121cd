"""What a lane needs from the outside, as small protocols; `streams.records` and `streams.commits` cross them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from streams.commits import Commit, LaneState, Moment
from streams.records import Batch, Entry, LastRecord, Marker, Positions, Tip


class Store(Protocol):
    """Journeys, counters, outbox and positions of the lanes.

    Every method but `acquire` raises Refused when the lane stands at another tip than the given one,
    and Unavailable when no answer came; after Unavailable the effect is unknown.
    """

    async def acquire(self, lane: int, nonce: str) -> LaneState:
        """Make `nonce` the lane's owner, keep its sequence, and read its state, in one atomic step."""
        ...

    async def load(self, lane: int, tip: Tip, tokens: Sequence[str]) -> list[bytes | None]:
        """Read journeys, in the order of `tokens`; None where there is none."""
        ...

    async def tokens(self, lane: int, cursor: int) -> tuple[int, list[str]]:
        """A page of the tokens whose journeys are held, those of some other lanes among them, and where to go on.

        Cursor 0 begins, and says at the end that all pages were given.  What is held all the while is given at least
        once.  Does not look at the tip.
        """
        ...

    async def recent(self, lane: int, tip: Tip) -> list[Moment]:
        """The moments of commits since the last one that folded them into series, oldest first."""
        ...

    async def commit(self, lane: int, tip: Tip, commit: Commit) -> Tip:
        """Apply all of `commit` and return the new tip: same nonce, sequence + 1."""
        ...

    async def rolled_back(self, lane: int, tip: Tip, sequence: int, published: Tip | None) -> Tip:
        """Empty the outbox, raise the lane's sequence to at least `sequence`, set the published tip if given.

        Returns the new tip; a caller that wants it to be another one than before gives a greater sequence.
        """
        ...

    async def trim(self, lane: int, tip: Tip, published: Tip) -> None:
        """Drop the outbox entries up to and including the one of tip `published`; the tip stays as it is.

        An outbox without such an entry stays as it is, and so does its published tip.
        """
        ...

    async def probe(self, lane: int, tip: Tip) -> None:
        """Do nothing but compare the tip."""
        ...

    async def release(self, lane: int) -> None:
        """Give up what is held for a lane that is not ours any more, such as a connection."""
        ...


class Producer(Protocol):
    """One lane's transactional producer; making one fences every older one of the lane."""

    async def publish(self, entries: Sequence[Entry]) -> None:
        """Publish results and messages of `entries` in order, then the last one's marker, in one transaction.

        Raises Refused when fenced and Unavailable otherwise; then the outcome is unknown and the producer is spent.
        """
        ...

    async def close(self) -> None: ...


class Publisher(Protocol):
    """Kafka as the lanes write to it."""

    async def open(self, lane: int) -> Producer:
        """A new producer with the lane's transactional id; fences older ones and ends their open transactions."""
        ...

    async def read_marker(self, lane: int) -> Marker | None:
        """The last committed marker of the lane."""
        ...


class Feed(Protocol):
    """Kafka as the lanes read it."""

    async def confirm(self, lane: int) -> None:
        """Return after a heartbeat that the group accepted in the current generation while the lane is ours.

        Raises Refused when the lane is not ours.
        """
        ...

    async def seek(
        self,
        lane: int,
        positions: Positions,
        until: Positions | None = None,
        last: Mapping[str, LastRecord] | None = None,
    ) -> int:
        """Deliver the lane's records from `positions` on, each topic at most up to `until`; returns the seek number.

        Every batch fetched earlier is void.  Topics that are not the lane's here are not read: a worker that knows
        more may have left their positions.  Raises LaneStopped when `until` wants such a topic read on, when Kafka
        does not hold a position, or when the record at `last[topic].offset` is another one than `last` says.
        """
        ...

    def release(self, batch: Batch) -> None:
        """Say that `batch` is done with, so that another may be fetched."""
        ...
