"""Lanes whose records have waited in Kafka for too long do not go on by themselves.

A journey lives for its longest window and `retention_slack`.  Records that waited for longer than that may belong to
journeys that have expired meanwhile: their orders would be refused, and the results published.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from app.health.lag import Waiting
from streams.core.policy import duration_ms
from streams.errors import LaneStopped
from streams.feed import KafkaFeed
from streams.policy_book import PolicyBook
from streams.records import Batch, LastRecord, Positions
from streams.topics import TOKEN_TOPICS, topics_of

BRIEF_MS: Final = 60_000  # nobody asks Kafka about lanes that were not served for no longer than that


class TimelyFeed:
    """A `streams.ports.Feed` that raises LaneStopped when a lane is to serve that is too late.

    How long records have waited is remembered across workers by notes beside the offsets that the group commits.  None
    can have waited since before its own timestamp.  With `accept_lag` lanes go on, and what has expired begins anew.
    """

    def __init__(
        self, kafka: KafkaFeed, policies: PolicyBook, now_ms: Callable[[], int], partitions: int, *, accept_lag: bool
    ) -> None:
        self.kafka = kafka
        self.waiting: dict[int, Waiting] = {}  # by lane
        self._policies = policies
        self._now_ms = now_ms
        self._partitions = partitions
        self._accept_lag = accept_lag

    async def confirm(self, lane: int) -> None:
        """See Feed."""
        await self.kafka.confirm(lane)

    async def seek(
        self,
        lane: int,
        positions: Positions,
        until: Positions | None = None,
        last: Mapping[str, LastRecord] | None = None,
    ) -> int:
        """See Feed; without `until` the lane is to serve."""
        if until is None:
            if lane not in self.waiting:
                await self._remember(lane, positions)
            late = self.too_late(lane, self.waiting[lane].seconds(time.monotonic(), positions))
            if late is not None:
                raise late
        return await self.kafka.seek(lane, positions, until, last)

    def release(self, batch: Batch) -> None:
        """See Feed."""
        self.kafka.release(batch)

    def slack_s(self) -> float:
        """The shortest retention_slack of the policies in force."""
        policies = map(self._policies.policy, self._policies.versions)
        return min((duration_ms(policy.retention_slack) for policy in policies), default=float("inf")) / 1_000

    def too_late(self, lane: int, waited_s: float) -> LaneStopped | None:
        """Why a lane whose records have waited for so long must not go on; figures of notes never expire."""
        slack_s = self.slack_s()
        if waited_s <= slack_s or self._accept_lag or topics_of(lane, self._partitions) != TOKEN_TOPICS:
            return None
        return LaneStopped(
            f"lane {lane}: records have waited for {waited_s:.0f} s, longer than retention_slack ({slack_s:.0f} s): "
            "journeys may have expired whose orders wait. Run `redcat rebuild`, or workers with --accept-lag"
        )

    def keep_only(self, lanes: Iterable[int]) -> None:
        """Forget what is known of other lanes: somebody else sees to them."""
        for lane in self.waiting.keys() - set(lanes):
            del self.waiting[lane]

    async def report(self, positions: Mapping[int, Positions]) -> None:
        """Tell the group where lanes stand, and up to when nothing had waited for them."""
        now_s, now_ms = time.monotonic(), self._now_ms()
        caught_up_ms = {
            lane: now_ms - round(1_000 * self.waiting[lane].seconds(now_s, reached))
            for lane, reached in positions.items()
            if lane in self.waiting
        }
        await self.kafka.commit_positions(positions, caught_up_ms)

    async def _remember(self, lane: int, positions: Positions) -> None:
        now_ms = self._now_ms()
        since_ms = await self.kafka.caught_up_ms(lane)
        if since_ms is not None and now_ms - since_ms > BRIEF_MS:
            oldest_ms = await self.kafka.looks.oldest_waiting_ms(lane, positions)
            since_ms = None if oldest_ms is None else max(since_ms, oldest_ms)
        ends = await self.kafka.looks.end_offsets([lane])
        waited_s = 0.0 if since_ms is None else max(0, now_ms - since_ms) / 1_000
        waiting = self.waiting[lane] = Waiting()
        waiting.see(time.monotonic() - waited_s, ends[lane], positions)
