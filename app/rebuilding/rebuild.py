"""`redcat rebuild`: a copy is made from the topics, compared with what is in force, and put into its place."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from app.auditing.options import Options
from app.bootstrap import now_ms
from app.connections import redis_address, until_answered
from app.policies.file import policy_texts, read_policies
from app.policies.publishing import read_in_force
from app.rebuilding.beginning import beginning
from app.rebuilding.comparing import Held, compare_journeys, compare_sums, differing
from app.rebuilding.copying import Copying, copying
from app.rebuilding.differences import Differences
from app.rebuilding.forgotten import forget_again
from app.rebuilding.guarding import Guard, guarding
from app.rebuilding.settling import restore_marker, settle
from app.rebuilding.telling import lanes_to_retell
from app.rebuilding.wishes import Found, Wishes
from app.redis_store.generations import Copy, unlink_generation
from app.redis_store.link import Dial, dialler
from app.redis_store.namespace import Namespace, NoNamespace, check_servers, open_namespace, read_namespace
from app.redis_store.reader import Reader, open_reader
from app.redis_store.store import RedisStore
from app.settings import Settings
from streams.core.policy import parse_policy
from streams.errors import Misconfigured
from streams.policy_book import PolicyBook
from streams.records import Marker, Positions

ROUNDS: Final = 20
NEAR: Final = 5_000  # records behind the lanes in force; that much is caught up with while lanes are held
LOOK_EVERY_S: Final = 0.3
SETTLING: Final = 8  # lanes at once
MOST_NAMES: Final = 200_000  # that are looked at a second time


class Rebuild:
    """One run, on a namespace that nobody else rebuilds."""

    def __init__(self, wishes: Wishes, dial: Dial, guard: Guard, stands: Namespace, book: PolicyBook) -> None:
        self._wishes = wishes
        self._settings = wishes.settings
        self._dial = dial
        self._guard = guard
        self._stands = stands
        self._book = book

    async def run(self) -> Found:
        """Make the copy, compare it, and put it into force unless that is not wished."""
        copy = await self._begin()
        future = msgspec.structs.replace(self._stands, generation=copy.generation, shards=copy.shards)
        async with AsyncExitStack() as opened:
            made = await opened.enter_async_context(copying(self._settings, self._dial, copy, self._book))
            stands = await open_reader(self._dial, self._settings.group)
            opened.push_async_callback(stands.close)
            copied = await open_reader(self._dial, self._settings.group, future)
            opened.push_async_callback(copied.close)
            await self._require_markers(made, stands)
            found = await self._compare(made, copy, stands, copied)
        if found.in_force:
            await self._discard(Copy(self._stands.generation, self._stands.shards))
        if self._wishes.compare_only:
            await self._discard(copy)
        return found

    async def _begin(self) -> Copy:
        """What is to be made; goes on with what an earlier run has left, if that is the same."""
        settings, generations = self._settings, self._guard.generations
        start = await beginning(settings, self._wishes.since_ms)
        wanted = Copy(self._stands.generation + 1, settings.shards, start)
        left = await generations.left()
        if left is not None:
            same = (left.generation, left.shards) == (wanted.generation, wanted.shards)
            if same and bool(left.start) == bool(start) and not self._wishes.restart:
                return left
            await self._discard(left)
        await generations.begin(wanted)
        return wanted

    async def _compare(self, made: Copying, copy: Copy, stands: Reader, copied: Reader) -> Found:
        wishes, differences = self._wishes, Differences()
        markers = await self._catch_up(made, copy, copied)
        forgotten = await forget_again(stands, copied, self._settings.group, now_ms)
        retold = await self._compare_results(differences, copied, markers)
        names = await self._differing(stands, copied)
        behind = await self._rest(made)
        markers = await made.follow(copy)
        if not behind:
            await self._compare_all(differences, names, stands, copied)
        records = sum(_records(marker.positions, copy, lane) for lane, marker in markers.items())
        found = Found(records, forgotten, sorted(behind), sorted(retold), differences)
        if wishes.compare_only:
            await self._guard.go_on()
            return found
        if differences.counts:
            await self._guard.go_on()
            if not await wishes.confirm(found):
                return found
            await self._rest(made)
            await made.follow(copy)
        for lane in retold:
            await made.retell(lane)
        await self._guard.generations.put_into_force(self._stands, copy)
        await self._guard.go_on()
        return found._replace(in_force=True)

    async def _require_markers(self, made: Copying, stands: Reader) -> None:
        """Refuse to copy what was published up to nobody knows where."""
        # In this order: workers go on publishing meanwhile, each marker before the store learns of it.
        published = {lane.lane: lane.published.sequence for lane in await stands.lanes() if lane.published is not None}
        known = {lane: marker.tip.sequence for lane, marker in (await made.markers()).items()}
        if lost := sorted(lane for lane, sequence in published.items() if known.get(lane, -1) < sequence):
            raise Misconfigured(
                f"lanes {', '.join(map(str, lost))} have published, but their markers are gone: the marker topic was "
                "emptied, cut off or recreated.  If Redis has not been rolled back since, "
                "`redcat rebuild --restore-markers` writes them again"
            )

    async def restore_markers(self) -> Found:
        """Write the markers that were lost."""
        copy = Copy(self._stands.generation, self._stands.shards)
        async with copying(self._settings, self._dial, copy, self._book) as made:
            done = await self._at_rest(lambda lane, store: restore_marker(lane, store, made.publisher, now_ms()), made)
        restored = tuple(lane for lane, written in enumerate(done) if written)
        return Found(0, 0, [], [], Differences(), restored=restored)

    async def _catch_up(self, made: Copying, copy: Copy, copied: Reader) -> dict[int, Marker]:
        """Follow the lanes in force until the copy is near them."""
        for _ in range(ROUNDS):
            async with asyncio.TaskGroup() as tasks:
                showing = tasks.create_task(self._show(made, copy, copied))
                markers = await made.follow(copy)
                showing.cancel()
            behind = await made.markers()
            left = sum(
                max(0, sum(marker.positions.values()) - sum(markers[lane].positions.values()))
                for lane, marker in behind.items()
                if lane in markers
            )
            if left <= NEAR:
                break
        return markers

    async def _show(self, made: Copying, copy: Copy, copied: Reader) -> None:
        """Show how far the copy is, until cancelled."""
        goals = {lane: _records(one.positions, copy, lane) for lane, one in (await made.markers()).items()}
        with self._wishes.progress("copying", sum(goals.values())) as progress:
            while True:
                done = {lane.lane: _records(lane.positions, copy, lane.lane) for lane in await copied.lanes()}
                progress(sum(min(done.get(lane, 0), goal) for lane, goal in goals.items()))
                await asyncio.sleep(LOOK_EVERY_S)

    async def _compare_results(self, differences: Differences, copied: Reader, markers: dict[int, Marker]) -> set[int]:
        if not self._wishes.with_results:
            return set()
        options = Options(self._settings, now_ms(), self._wishes.progress)
        revisions = {lane: marker.tip.sequence for lane, marker in markers.items()}
        return await lanes_to_retell(differences, copied, self._book, revisions, options)

    async def _differing(self, stands: Reader, copied: Reader) -> list[str]:
        names: dict[str, None] = {}
        looked = 0
        with self._wishes.progress("journeys", None) as progress:
            async for some in differing(await Held.open(stands), await Held.open(copied)):
                names.update(dict.fromkeys(some))
                looked += 1
                progress(looked)
        return list(names)[:MOST_NAMES]

    async def _rest(self, made: Copying) -> list[int]:
        """Hold the lanes in force, and bring them to rest; returns those that are behind what was published."""
        done = await self._at_rest(lambda lane, store: settle(lane, store, made.publisher), made)
        return [lane for lane, settled in enumerate(done) if not settled]

    async def _at_rest(self, act: Callable[[int, RedisStore], Awaitable[bool]], made: Copying) -> list[bool]:
        """Hold the lanes in force and do something with each, some at once."""
        await self._guard.hold()
        stands, turns = self._stands, asyncio.Semaphore(SETTLING)
        store = RedisStore(self._dial, self._settings.group, stands.shards, generation=stands.generation)

        async def one(lane: int) -> bool:
            async with turns:
                return await act(lane, store)

        try:
            return await asyncio.gather(*(one(lane.number) for lane in made.lanes))
        finally:
            await store.close()

    async def _compare_all(
        self, differences: Differences, names: Sequence[str], stands: Reader, copied: Reader
    ) -> None:
        with self._wishes.progress("comparing", None):
            await compare_journeys(differences, names, await Held.open(stands), await Held.open(copied))
            await compare_sums(differences, stands, copied, self._settings.kept, now_ms())

    async def _discard(self, copy: Copy) -> None:
        """Remove a generation that is not in force."""
        with self._wishes.progress("removing", None) as progress:
            gone = 0
            for shard in range(copy.shards):
                link = await self._dial(shard)
                try:
                    gone += await unlink_generation(link, self._settings.group, shard, copy.generation)
                finally:
                    link.close()
                progress(gone)
        await self._guard.generations.end()


def _records(positions: Positions, copy: Copy, lane: int) -> int:
    start = copy.start.get(lane, {})
    return sum(max(0, offset - start.get(topic, 0)) for topic, offset in positions.items())


async def rebuild(wishes: Wishes) -> Found:
    """Do what is wished; raises Misconfigured when it cannot be done like that."""
    settings = wishes.settings
    dial = dialler(redis_address(settings))
    in_force = await read_in_force(settings)
    own = read_policies(settings.policy)
    redis = f"Redis at {settings.shown()['redis']}"
    await until_answered(lambda: check_servers(dial, settings.shards), server=redis)
    stands = await until_answered(lambda: _namespace(dial, settings, in_force.published), server=redis)
    book = PolicyBook([*in_force.policies(), *own])
    book.add(parse_policy(msgspec.json.decode(text)) for text in stands.in_force.values())
    async with guarding(dial, settings.group) as guard:
        made = Rebuild(wishes, dial, guard, stands, book)
        return await (made.restore_markers() if wishes.restore_markers else made.run())


async def _namespace(dial: Dial, settings: Settings, published: Mapping[int, str]) -> Namespace:
    """The namespace that is in force; one without data if Redis was emptied."""
    shards = settings.shards
    link = await dial(0)
    try:
        known = await read_namespace(link, settings.group)
        shards = known.shards
        if known.partitions != settings.partitions:
            raise Misconfigured(
                f"namespace {settings.group} has {known.partitions} partitions: a rebuild cannot change their number "
                f"to {settings.partitions}, see docs/rebuild.md"
            )
    except NoNamespace:
        pass
    finally:
        link.close()
    return await open_namespace(
        dial, settings.group, partitions=settings.partitions, shards=shards,
        policies=policy_texts(read_policies(settings.policy)), published=published,
    )  # fmt: skip
