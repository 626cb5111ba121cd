"""Where the stores under test keep their data, with a back door to look at it and to roll it back."""

from math import inf
from typing import Any, Protocol, cast

from redis.asyncio import Redis, RedisCluster

from app.connections import RedisAddress, redis_address
from app.memory_store import MemoryStore, Snapshot
from app.redis_store.keys import ShardKeys, pack_token
from app.redis_store.link import Dial, dialler
from app.redis_store.live_series import LiveSeries
from app.redis_store.namespace import open_namespace
from app.redis_store.reader import Reader, open_reader
from app.redis_store.resp import command
from app.redis_store.series_reader import read_series
from app.redis_store.store import RedisStore
from app.settings import Settings
from streams.commits import Bucket
from streams.ports import Store
from streams.rollups import Rows

SHARDS, PARTITIONS = 2, 4
FOR_EVER = -1  # what Redis says of a key without lifetime

Counters = dict[str, dict[str, dict[str, int]]]


class Place(Protocol):
    """One set of data that any number of stores, each as in a process of its own, work on."""

    def store(self) -> Store: ...

    async def contents(self) -> Any:
        """Something equal if and only if the data are, but for what remains of lifetimes."""

    async def save(self) -> Any:
        """All data, for `roll_back`."""

    async def roll_back(self, saved: Any) -> None: ...

    async def counters(self) -> Counters: ...

    async def ledger(self) -> dict[str, int]: ...

    async def tokens_of_order(self, order_id: str) -> list[str]: ...

    async def reused_orders(self) -> list[str]: ...

    async def rows(self, bucket: Bucket) -> Rows:
        """The rows of a bucket, summed over the lanes."""

    async def lifetime_ms(self, lane: int, token: str) -> float:
        """How long a journey still lives."""

    async def let_pass(self, ms: int) -> None: ...


class MemoryPlace:
    """The twin; it is its own back door."""

    def __init__(self) -> None:
        self._now_ms = 1_750_000_000_000
        self._store = MemoryStore(lambda: self._now_ms)

    def store(self) -> MemoryStore:
        return self._store

    async def contents(self) -> Snapshot:
        return self._store.snapshot()

    async def save(self) -> Snapshot:
        return self._store.snapshot()

    async def roll_back(self, saved: Snapshot) -> None:
        self._store.restore(saved)

    async def counters(self) -> Counters:
        return self._store.cells()

    async def ledger(self) -> dict[str, int]:
        return self._store.ledger()

    async def tokens_of_order(self, order_id: str) -> list[str]:
        return self._store.tokens_of_order(order_id)

    async def reused_orders(self) -> list[str]:
        return self._store.reused_orders()

    async def rows(self, bucket: Bucket) -> Rows:
        return self._store.series().get(bucket.span, {}).get(bucket.hour, {})

    async def lifetime_ms(self, lane: int, token: str) -> float:
        return self._store.snapshot().journeys[lane, token][0] - self._now_ms

    async def let_pass(self, ms: int) -> None:
        self._now_ms += ms


class RedisPlace:
    """A database of a real server, or a cluster, named by its nodes with commas."""

    def __init__(self, url: str, group: str = "redcat") -> None:
        self.address: RedisAddress = redis_address(Settings(redis=url, partitions=PARTITIONS, shards=SHARDS))
        self.group = group
        self.dial: Dial = dialler(self.address)
        first = url.partition(",")[0]
        # Both kinds of client have every command that the tests use.
        self.back_door: Redis = cast("Any", RedisCluster if self.address.cluster else Redis).from_url(first)
        self._stores: list[RedisStore] = []

    def store(self) -> RedisStore:
        self._stores.append(RedisStore(self.dial, self.group, SHARDS))
        return self._stores[-1]

    async def reader(self) -> Reader:
        """A reader; makes the namespace if there is none yet."""
        await open_namespace(self.dial, self.group, partitions=PARTITIONS, shards=SHARDS, policies={1: "{}"})
        return await open_reader(self.dial, self.group)

    async def tell(self, *values: str | bytes) -> list[Any]:
        """Any command, and its reply in a list."""
        link = await self.dial(0)
        replies = await link.ask(command(*values))
        link.close()
        return replies

    async def fields(self, key: str) -> list[bytes]:
        """The fields of a hash."""
        return [field for field in await self.back_door.hkeys(key) if isinstance(field, bytes)]

    async def close(self) -> None:
        for store in self._stores:
            await store.close()
        await self.back_door.aclose()

    async def contents(self) -> dict[bytes, bytes]:
        return {key: value for key, (value, _) in (await self.save()).items()}

    async def save(self) -> dict[bytes, tuple[bytes, int]]:
        saved: dict[bytes, tuple[bytes, int]] = {}
        for key in await self._keys("*"):
            value, ttl_ms = await self.back_door.dump(key), await self.back_door.pttl(key)
            if value is not None:
                saved[key] = value, max(0, ttl_ms)
        return saved

    async def roll_back(self, saved: dict[bytes, tuple[bytes, int]]) -> None:
        await self.back_door.flushdb()
        for key, (value, ttl_ms) in saved.items():
            await self.back_door.restore(key, ttl_ms, value)

    async def counters(self) -> Counters:
        reader = await self.reader()
        counters = {
            note: {"|".join((cell.campaign_id or "", *cell[1:])): counts for cell, counts in cells}
            async for note, cells in reader.notes()
            if cells
        }
        await reader.close()
        return counters

    async def ledger(self) -> dict[str, int]:
        reader = await self.reader()
        ledger = await reader.ledger()
        await reader.close()
        return ledger

    async def tokens_of_order(self, order_id: str) -> list[str]:
        reader = await self.reader()
        tokens = await reader.tokens_of_order(order_id)
        await reader.close()
        return tokens

    async def reused_orders(self) -> list[str]:
        reader = await self.reader()
        orders = await reader.reused_orders()
        await reader.close()
        return orders

    async def rows(self, bucket: Bucket) -> Rows:
        reader, span = await self.reader(), (bucket.span, bucket.hour)
        try:
            rows, live = await (await read_series(reader)).bucket(*span), LiveSeries(reader)
            for row, counts in rows.items():
                found = (await live.rows({span: [row, "none"]}))[span]
                assert found.keys() == {row}
                assert {name: count for name, count in found[row].items() if count} == counts
        finally:
            await reader.close()
        return rows

    async def lifetime_ms(self, lane: int, token: str) -> float:
        key = ShardKeys(self.group, lane % SHARDS).journey_prefix + pack_token(token)
        ttl_ms: int = await self.back_door.pttl(key)
        return inf if ttl_ms == FOR_EVER else ttl_ms

    async def let_pass(self, ms: int) -> None:
        """As if time had passed, for journeys and orders: their lifetimes are shortened."""
        for key in (*await self._keys(f"{self.group}{{?}}*"), *await self._keys(f"{self.group}:{{?}}:order:*")):
            ttl_ms = await self.back_door.pttl(key)
            if ttl_ms != FOR_EVER:
                await self.back_door.pexpire(key, ttl_ms - ms)

    async def _keys(self, pattern: str) -> list[bytes]:
        return [key async for key in self.back_door.scan_iter(pattern, count=1_000) if isinstance(key, bytes)]
