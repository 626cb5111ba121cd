"""Redis Cluster: each shard on the node that serves its slot, and nothing half-written while slots move."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import hiredis
import pytest
import pytest_asyncio

from app.connections import RedisAddress
from app.redis_store.cluster import ClusterDial, holds_all, slot_of
from app.redis_store.commit import Change, Known
from app.redis_store.journey_walk import pages
from app.redis_store.keys import LaneKeys, ShardKeys
from app.redis_store.link import Link, dialler
from app.redis_store.resp import command
from app.redis_store.store import RedisStore
from streams.errors import Misconfigured, Refused, Unavailable
from streams.records import Tip
from tests.contract.builders import change, full_change
from tests.contract.places import SHARDS, RedisPlace
from tests.valkey_cluster import ValkeyCluster

LANE = 1
SLOT = slot_of(LANE % SHARDS)
LINE = "order:consumed"


@pytest_asyncio.fixture
async def place(valkey_nodes: ValkeyCluster, cluster_url: str) -> AsyncIterator[RedisPlace]:
    """A place on the cluster, whose slots are where they began in the end."""
    home = await valkey_nodes.primary_of(SLOT)
    place = RedisPlace(cluster_url)
    yield place
    await place.close()
    if await valkey_nodes.primary_of(SLOT) is not home:
        await valkey_nodes.move(SLOT, home)


async def elsewhere(nodes: ValkeyCluster) -> Any:
    """A node that does not serve the slot."""
    home = await nodes.primary_of(SLOT)
    return next(node for node in nodes.nodes if node is not home)


async def all_but_tips(place: RedisPlace) -> dict[bytes, bytes]:
    """What the place holds; an acquire changes a tip's nonce."""
    return {key: value for key, value in (await place.contents()).items() if not key.endswith(b":tip")}


async def acquire_and_commit(store: RedisStore, nonce: str) -> None:
    tip = (await store.acquire(LANE, nonce)).tip
    await store.commit(LANE, tip, full_change(tip))


async def test_each_shard_is_found_on_the_node_that_serves_its_slot(
    valkey_nodes: ValkeyCluster, place: RedisPlace
) -> None:
    for shard in range(12):
        link = await place.dial(shard)
        key = ShardKeys("redcat", shard).notes
        assert await link.ask(command("CLUSTER", "KEYSLOT", key), command("SCARD", key)) == [slot_of(shard), 0]
        assert link.name.endswith(str((await valkey_nodes.primary_of(slot_of(shard))).port))
        link.close()


async def test_a_lane_whose_slot_has_moved_is_refused_and_found_again(
    valkey_nodes: ValkeyCluster, place: RedisPlace
) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    await valkey_nodes.move(SLOT, await elsewhere(valkey_nodes))
    for act in (store.commit(LANE, tip, change()), store.load(LANE, tip, ["short"]), store.probe(LANE, tip)):
        with pytest.raises(Unavailable, match="another node of the cluster"):
            await act
    state = await store.acquire(LANE, "second")
    assert (state.tip, state.positions) == (Tip("second", 1), {"order": 7})
    assert await store.load(LANE, state.tip, ["short"]) == [b""]
    assert await store.commit(LANE, state.tip, full_change(state.tip)) == Tip("second", 2)


async def test_while_a_slot_is_moving_nothing_is_written_by_halves(
    valkey_nodes: ValkeyCluster, place: RedisPlace
) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    tip = await store.commit(LANE, tip, full_change(tip))
    before = await all_but_tips(place)
    source, target = await valkey_nodes.primary_of(SLOT), await elsewhere(valkey_nodes)
    await valkey_nodes.begin_move(SLOT, source, target)
    keys = await valkey_nodes.tell(source, "CLUSTER", "GETKEYSINSLOT", SLOT, 1_000)
    for number, key in enumerate(keys):
        with pytest.raises((Refused, Unavailable)):
            await acquire_and_commit(store, f"owner{number}")
        await valkey_nodes.tell(source, "MIGRATE", "127.0.0.1", target.port, key, 0, 5_000)
    await valkey_nodes.end_move(SLOT, source, target)
    assert await all_but_tips(place) == before
    state = await store.acquire(LANE, "last")
    assert state.tip == Tip("last", 1)
    assert await store.commit(LANE, state.tip, full_change(state.tip)) == Tip("last", 2)


async def test_a_slot_that_moves_between_look_and_write_makes_the_commit_void(
    valkey_nodes: ValkeyCluster, place: RedisPlace
) -> None:
    keys = LaneKeys(ShardKeys(place.group, LANE % SHARDS), LANE)
    for move in (valkey_nodes.move, valkey_nodes.move_at_once):
        tip = (await place.store().acquire(LANE, "first")).tip
        link = await place.dial(LANE % SHARDS)
        late = Change(keys, tip, full_change(tip), Known())
        seen = late.judge(await link.request(late.look()))
        await move(SLOT, await elsewhere(valkey_nodes))
        replies = await link.request(late.write(seen, msetex=link.has_msetex))
        with pytest.raises((Unavailable, Refused)):
            late.confirm(replies)
        assert await place.counters() == {}
        link.close()


async def test_what_is_committed_while_a_slot_moves_at_once_is_there_whole(
    valkey_nodes: ValkeyCluster, place: RedisPlace
) -> None:
    store, moves = place.store(), 5
    for move in range(moves):
        tip = (await store.acquire(LANE, f"owner{move}")).tip
        moving = asyncio.create_task(valkey_nodes.move_at_once(SLOT, await elsewhere(valkey_nodes)))
        with suppress(Unavailable, Refused):
            while not moving.done():
                number = tip.sequence + 1
                held = [(f"order{number}", "one"), (f"order{number}", "other")]
                tip = await store.commit(LANE, tip, change(words=[f"word{number}"], ledger={LINE: 1}, held=held))
        await moving
        state = await store.acquire(LANE, f"after{move}")
        numbers = range(1, state.tip.sequence + 1)
        assert (state.words, await place.ledger()) == ([f"word{number}" for number in numbers], {LINE: numbers[-1]})
        assert await place.reused_orders() == sorted(f"order{number}" for number in numbers)
    assert state.tip.sequence > moves


async def test_a_scan_of_a_slot_that_is_not_all_here_is_refused(valkey_nodes: ValkeyCluster, place: RedisPlace) -> None:
    store, reader = place.store(), await place.reader()
    tip = (await store.acquire(LANE, "first")).tip
    await store.commit(LANE, tip, change(journeys={"token": b"journey"}))
    assert [name async for page in pages(reader) for name, _ in page] == ["token"]
    source, target = await valkey_nodes.primary_of(SLOT), await elsewhere(valkey_nodes)
    await valkey_nodes.begin_move(SLOT, source, target)
    for act in (store.tokens(LANE, 0), anext(pages(reader))):
        with pytest.raises(Unavailable, match="does not hold all of slot"):
            await act
    await valkey_nodes.end_move(SLOT, source, target)
    for act in (store.tokens(LANE, 0), anext(pages(reader))):
        with pytest.raises(Unavailable, match="does not hold all of slot"):
            await act
    await reader.close()


async def test_an_address_that_does_not_fit_the_server_says_so(
    valkey_nodes: ValkeyCluster, valkey_url: str, place: RedisPlace
) -> None:
    lone = RedisPlace(f"redis://127.0.0.1:{valkey_nodes.nodes[0].port}/0")
    with pytest.raises(Misconfigured, match="part of a Redis Cluster: set REDCAT_REDIS to all its nodes"):
        await lone.dial(0)
    await lone.close()
    host_port = RedisPlace(valkey_url).address.nodes
    with pytest.raises(Misconfigured, match="no part of a Redis Cluster"):
        await dialler(RedisAddress(host_port * 2, 0, None, None, tls=False))(0)
    assert place.address.cluster


async def test_nodes_that_are_away_are_passed_over(valkey_nodes: ValkeyCluster, place: RedisPlace) -> None:
    away = ("127.0.0.1", 1)
    dial = dialler(RedisAddress((away, *place.address.nodes[:1]), 0, None, None, tls=False))
    for shard in range(3):
        link = await dial(shard)
        link.close()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await dialler(RedisAddress((away, away), 0, None, None, tls=False))(0)
    assert valkey_nodes.nodes[0].process.running


class Node:
    """A node that gives one reply to everything."""

    def __init__(self, reply: Any) -> None:
        self.slot: int | None = None
        self.closed = False
        self._reply = reply

    async def ask(self, *commands: bytes) -> list[Any]:
        return [self._reply for _ in commands]

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("shares", "goes_to"),
    [
        ([[0, 16383, [None, 7001, b"id"]]], ("asked", 7001)),
        ([[0, 16383, [b"?", 7001, b"id"]]], ("asked", 7001)),
        ([[0, 9000, [b"a", 1, b"id"]], [9001, 16383, [b"b", 2, b"id", []], [b"replica", 3, b"id"]]], ("b", 2)),
    ],
)
async def test_the_primary_of_a_slot_is_taken_from_what_a_node_says(shares: Any, goes_to: tuple[str, int]) -> None:
    asked: list[tuple[str, int]] = []

    async def connect(node: tuple[str, int]) -> Node:
        asked.append(node)
        return Node(shares)

    link = await ClusterDial([("asked", 7000)], connect)(0)
    assert (asked, link.slot, link.closed) == ([("asked", 7000), goes_to], slot_of(0), False)


@pytest.mark.parametrize(
    ("shares", "text"),
    [([], "no node of the cluster serves slot"), (hiredis.ReplyError("LOADING"), "does not say who serves")],
)
async def test_a_node_that_knows_no_primary_is_unavailable(shares: Any, text: str) -> None:
    node = Node(shares)

    async def connect(_: tuple[str, int]) -> Node:
        return node

    with pytest.raises(Unavailable, match=text):
        await ClusterDial([("asked", 7000)], connect)(0)
    assert node.closed


@pytest.mark.parametrize(
    ("own", "holds"),
    [
        ("0-5460 9842", True),
        ("9000-10000", True),
        ("0-5460", False),
        ("", False),
        ("9000-10000 [9842->-other]", False),
        ("9000-10000 [1->-other]", True),
        ("0-5460 [9842-<-other]", False),
    ],
)
def test_a_node_holds_all_of_a_slot_if_it_serves_it_and_nothing_moves(own: str, holds: bool) -> None:
    nodes = f"b h:2@3,name master - 0 0 2 connected 9842\na h:1@2 myself,master - 0 0 1 connected {own}\n"
    assert holds_all(nodes.encode(), 9842) is holds
    assert not holds_all(hiredis.ReplyError("NOPERM"), 9842)


async def test_a_plain_server_has_no_slots(valkey_url: str) -> None:
    place = RedisPlace(valkey_url)
    link: Link = await place.dial(0)
    assert link.slot is None
    link.close()
    await place.close()
