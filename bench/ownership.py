"""Who owns which lane, and when the lanes move."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError

from app.connections import kafka_options
from app.redis_store.forms import unpack_tip
from app.redis_store.keys import LaneKeys, ShardKeys
from app.settings import Settings
from bench.world import World
from streams.errors import Unavailable
from streams.records import Tip

POLL_S = 0.005
JOIN_POLL_S = 0.2
SPAN_POLL_S = 0.02
PATIENCE_S = 60.0
QUIET_S = 1.5


async def members(settings: Settings) -> dict[str, set[int]]:
    """The members of the consumer group and their lanes; nobody while the group is rebalancing."""
    admin = AIOKafkaAdminClient(**kafka_options(settings))
    await admin.start()
    try:
        reply = (await admin.describe_consumer_groups([settings.group]))[0]
    except GroupCoordinatorNotAvailableError:
        return {}
    finally:
        await admin.close()
    _, _, state, _, _, joined, *_ = reply.groups[0]
    return {member: _lanes(assignment) for member, _, _, _, assignment, *_ in joined} if state == "Stable" else {}


def _lanes(assignment: bytes) -> set[int]:
    return {partition.partition for partition in ConsumerProtocolMemberAssignment.decode(assignment).partitions()}


@dataclass
class Span:
    """A stretch of loop time."""

    begin_s: float = 0.0
    end_s: float = 0.0

    @property
    def length_s(self) -> float:
        return self.end_s - self.begin_s


@asynccontextmanager
async def _patience(otherwise: str) -> AsyncIterator[None]:
    """PATIENCE_S for the body; after that Unavailable says what did not happen."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    except TimeoutError as error:
        raise Unavailable(f"{otherwise} within {PATIENCE_S:.0f} s") from error


class Lanes:
    """The lanes of a namespace as Redis holds them."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._redis = world.redis
        self._settings = settings
        shard = ShardKeys(settings.group, 0)
        self._keys = [LaneKeys(shard, lane).tip for lane in range(settings.partitions)]

    async def tips(self) -> dict[int, Tip]:
        """The tips of the lanes that have one."""
        values = await self._redis.mget([*self._keys])
        found = zip(self._keys, values, strict=True)
        return {
            lane: unpack_tip(cast("bytes", value), key) for lane, (key, value) in enumerate(found) if value is not None
        }

    async def at_work(self, span: Span) -> None:
        """Keep in `span` when the first lane had an owner and when the last commit was seen, until cancelled."""
        loop, before = asyncio.get_running_loop(), await self.tips()
        while True:
            await asyncio.sleep(SPAN_POLL_S)
            now = await self.tips()
            if now != before:
                span.end_s = loop.time()
                span.begin_s = span.begin_s or span.end_s
                before = now

    async def joined(self, count: int) -> dict[str, set[int]]:
        """The members with their lanes, once there are `count` and all lanes are theirs."""
        async with _patience(f"{count} workers did not share all lanes"):
            while True:
                found = await members(self._settings)
                if len(found) == count and sum(map(len, found.values())) == self._settings.partitions:
                    return found
                await asyncio.sleep(JOIN_POLL_S)

    async def all_move(self) -> None:
        """Return when every lane has moved; there must be traffic."""
        async with _patience("some lane did not move"):
            before = await self.tips()
            while not self._all_beyond(before, await self.tips()):
                await asyncio.sleep(POLL_S)

    async def moved_on(self, lanes: Collection[int]) -> float:
        """Loop time at which the last of `lanes` had a commit under another owner than at the call.

        An owner is known by the nonce of the tip.
        """
        owned, taken, moved = await self.tips(), dict[int, Tip](), set[int]()
        async with _patience(f"lanes {sorted(lanes)} did not move on"):
            while not moved.issuperset(lanes):
                await asyncio.sleep(POLL_S)
                for lane, tip in (await self.tips()).items():
                    if tip.nonce != owned[lane].nonce and tip.sequence > taken.setdefault(lane, tip).sequence:
                        moved.add(lane)
        return asyncio.get_running_loop().time()

    async def until_quiet(self) -> None:
        """Return when every lane has moved once and none has moved for QUIET_S."""
        async with _patience("the lanes did not come to rest"):
            before, now = None, await self.tips()
            while now != before or not self._all_beyond({}, now):
                await asyncio.sleep(QUIET_S)
                before, now = now, await self.tips()

    def _all_beyond(self, before: dict[int, Tip], now: dict[int, Tip]) -> bool:
        return len(now) == self._settings.partitions and all(
            tip.sequence > (before[lane].sequence if lane in before else 0) for lane, tip in now.items()
        )
