"""A worker and a server in processes of their own, and facts to send them."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final, NamedTuple

import httpx

from app.connections import redis_address
from app.kafka_sender import kafka_sender
from app.local_stack.server_process import free_port
from app.redis_store.link import dialler
from app.redis_store.party_keys import PartyKey, PartyKeys
from app.settings import Settings
from app.simulator.facts import Outgoing
from app.topic_admin import create_topics
from tests.integration import workers
from tests.integration.workers import is_ready
from tests.waiting import until

PATIENCE_S: Final = 60.0
KEYS: Final = {"admin": "key-of-admin", "merchant:m1": "key-of-m1", "merchant:m2": "key-of-m2"}
OWN, FOREIGN = "note-of-m1", "note-of-m2"

_numbers = count(1)


class Site(NamedTuple):
    """Where everything is."""

    settings: Settings
    origin: str

    async def send(self, *facts: Outgoing) -> None:
        """Produce facts to Kafka."""
        async with kafka_sender(self.settings) as sender:
            await sender.send(facts)

    async def has(self, note_id: str, **counters: int) -> None:
        """Return when the API tells of these counters."""
        headers = {"Authorization": f"Bearer {KEYS['admin']}"}
        async with httpx.AsyncClient(base_url=self.origin, headers=headers) as client:
            await until(
                lambda: client.get(f"/v1/notes/{note_id}"),
                lambda answer: answer.is_success and counters.items() <= answer.json()["counters"].items(),
                patience_s=PATIENCE_S,
            )


def click(note_id: str, token: str, merchant_id: str = "m1", platform: str = "tmall", **fields: Any) -> Outgoing:
    """A click-out, by default of an ad note just now."""
    known = {"note_id": note_id, "note_kind": "ad", "link": "note", "category": "fmcg.skincare", "campaign_id": "c1"}
    return _fact("click-out", token, merchant_id, platform, known | fields)


def entry(token: str, merchant_id: str = "m1", platform: str = "tmall", **fields: Any) -> Outgoing:
    """A shop entry."""
    return _fact("shop-entry", token, merchant_id, platform, fields)


def paid(order_id: str, token: str, amount_minor: int, merchant_id: str = "m1", platform: str = "tmall") -> Outgoing:
    """An order that was paid at once."""
    fields = {"order_id": order_id, "status": "paid", "amount_minor": amount_minor, "currency": "CNY"}
    return _fact("order", token, merchant_id, platform, fields)


def reads(note_id: str, number: int) -> Outgoing:
    """A note's own figures."""
    value = {"event_id": f"e{next(_numbers)}", "note_id": note_id, "at_ms": _now_ms(), "reads": number}
    value |= {"likes": 1, "saves": 1}
    return Outgoing("note-metric", None, note_id.encode(), json.dumps(value).encode(), None)


def _fact(topic: str, token: str, merchant_id: str, platform: str, fields: dict[str, Any]) -> Outgoing:
    value = {"event_id": f"e{next(_numbers)}", "token": token, "at_ms": _now_ms(), "merchant_id": merchant_id}
    value |= {"platform": platform} | fields
    return Outgoing(topic, None, token.encode(), json.dumps(value).encode(), None)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Site]:
    """Topics, keys, a worker and a server; some facts of two merchants are there."""
    settings = Settings(**{**vars(settings), "http": f"127.0.0.1:{free_port()}", "partitions": 2})
    site = Site(settings, f"http://{settings.http}")
    await create_topics(settings)
    await _make_keys(settings)
    serving = await workers.start(settings, "serve")
    try:
        async with workers.working(settings):
            await site.send(*beginning())
            await _until_ready(site)
            await site.has(OWN, clicks=3, orders=2)
            await site.has(FOREIGN, clicks=1)
            yield site
    finally:
        serving.terminate()
        await serving.communicate()


def beginning() -> list[Outgoing]:
    """What is there from the beginning: m1's note with two orders, m2's with an entry; one order of no click."""
    return [
        reads(OWN, 1_234),
        *(click(OWN, f"own-{number}") for number in range(3)),
        *(entry(f"own-{number}") for number in range(2)),
        paid("order-of-m1", "own-0", 12_900),
        paid("another-of-m1", "own-1", 5_000),
        click(FOREIGN, "foreign-0", "m2", "jd"),
        entry("foreign-0", "m2", "jd"),
        paid("order-of-nobody", "unknown-token", 100),
    ]


async def _make_keys(settings: Settings) -> None:
    link = await dialler(redis_address(settings))(0)
    keys = PartyKeys(link, settings.group)
    for party, secret in KEYS.items():
        await keys.add(secret, PartyKey(f"k{party}", party, "", 0))
    link.close()


async def _until_ready(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.origin) as client:
        await until(lambda: is_ready(client), patience_s=PATIENCE_S)
