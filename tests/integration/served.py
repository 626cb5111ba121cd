"""A server on a real Valkey with a small world in it that two merchants, three platforms and one note share."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import httpx

from app.connections import redis_address
from app.redis_store.link import Dial, dialler
from app.redis_store.party_keys import PartyKey, PartyKeys
from app.serving import build_app, build_server, following
from app.settings import Settings
from app.simulator.facts import Outgoing
from app.viewing.model import now_ms
from tests.behaviour.builders import cart, click, entry, metric, paid
from tests.generators.policies import MIDNIGHT_MS
from tests.generators.records import Written
from tests.integration.absorbed import absorb

GROUP: Final = "served"
HOUR_MS: Final = 3_600_000
PATIENCE_S: Final = 20.0
HOST: Final = "http://127.0.0.1:8080"
PARTIES: Final = ("admin", "xhs", "platform:tmall", "platform:jd", "merchant:m1", "merchant:m2", "merchant:m9")
TMALL: Final = {"platform": "tmall", "merchant_id": "m1", "campaign_id": "c1", "category": "fmcg.skincare"}
JD: Final = {"platform": "jd", "merchant_id": "m2", "campaign_id": "c2", "category": "outdoor.camping"}
JD_OF_M1: Final = JD | {"merchant_id": "m1", "campaign_id": "c1"}
IN_APP: Final = {
    "platform": "xhs", "merchant_id": "m2", "category": "outdoor.camping", "link": "comment", "note_kind": "ugc",
}  # fmt: skip
SHOP: Final = ("platform", "merchant_id")


def world(at_ms: int) -> list[Written]:
    """Clicks at a time, in hours before and after it nothing.  Token t1 visits both merchants; n1 and n2 are one's own.

    | note | m1 tmall | m1 jd | m2 jd | m2 xhs |
    |---|---|---|---|---|
    | shared | t1 + 2 more | 1 | t1 + 1 more | 1 |
    | n1 | 1 | | | |
    | n2 | | | 1 | |
    """
    at = at_ms - MIDNIGHT_MS
    visits = [
        ("t1", "shared", TMALL), ("a1", "shared", TMALL), ("a2", "shared", TMALL), ("a3", "shared", JD_OF_M1),
        ("t1", "shared", JD), ("b1", "shared", JD), ("x1", "shared", IN_APP), ("a4", "n1", TMALL), ("b2", "n2", JD),
    ]  # fmt: skip
    records = [
        click(f"{token}-{fields['platform']}", at=at, token=token, note=note, **fields)
        for token, note, fields in visits
    ]
    records += [metric(at=at, note=note, reads=100, likes=5) for note in ("shared", "n1", "n2", "unlinked")]
    for token, fields in (("t1", TMALL), ("t1", JD), ("a1", TMALL), ("b2", JD)):
        shop = {name: fields[name] for name in SHOP}
        platform, note = fields["platform"], token
        records += [
            entry(f"{note}-{platform}-e", at=at + 60_000, token=token, **shop),
            cart(f"{note}-{platform}-c", at=at + 61_000, token=token, **shop),
            paid(at=at + 120_000, token=token, order=f"{note}-{platform}-o", amount=10_000, **shop),
        ]
    return records


class Served(NamedTuple):
    """A client of a server, the keys of the parties, and where it all is."""

    client: httpx.AsyncClient
    keys: dict[str, str]
    settings: Settings
    at_ms: int
    dial: Dial

    async def get(self, path: str, party: str | None = None, **headers: str) -> httpx.Response:
        """What a party is answered; without one, what somebody without a key is."""
        key = {} if party is None else {"Authorization": f"Bearer {self.keys[party]}"}
        return await self.client.get(path, headers=key | headers)

    async def make_key(self, party: str) -> None:
        """Make the key of a party, whose id is the party."""
        link = await self.dial(0)
        await PartyKeys(link, self.settings.group).add(self.keys[party], PartyKey(party, party, "", 0))
        link.close()


def outgoing(records: Iterable[Written]) -> list[Outgoing]:
    """Records as they would be sent."""
    return [Outgoing(record.topic, None, record.key, record.value, None) for record in records]


@asynccontextmanager
async def serving(settings: Settings, keys: Iterable[str] = PARTIES) -> AsyncIterator[Served]:
    """A server that has read everything, without sockets, and a key for each party."""
    server = build_server(settings)
    transport = httpx.ASGITransport(build_app(server), raise_app_exceptions=False)
    secrets = {party: f"rck_{party}" for party in keys}
    async with following(server), httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        served = Served(client, secrets, settings, 0, dialler(redis_address(settings)))
        for party in secrets:
            await served.make_key(party)
        async with asyncio.timeout(PATIENCE_S):
            while not server.model.ready:
                await asyncio.sleep(0.01)
        yield served


@asynccontextmanager
async def small_world(valkey_url: str, keys: Iterable[str] = PARTIES, k_tokens: int = 1) -> AsyncIterator[Served]:
    """A server of the small world, whose clicks came two hours ago."""
    settings = Settings(redis=valkey_url, group=GROUP, k_tokens=k_tokens)
    at_ms = now_ms() - 2 * HOUR_MS
    await absorb(settings, outgoing(world(at_ms)))
    async with serving(settings, keys) as served:
        yield served._replace(at_ms=at_ms)
