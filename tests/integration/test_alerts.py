"""Alerts are remembered and published exactly once, wherever an evaluator dies and whatever the store loses."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import msgspec
import pytest
import pytest_asyncio
from aiokafka import TopicPartition

from app.alerts.acting import Acting, take_over
from app.alerts.life import Life, Moment, step
from app.alerts.record import AlertRecord
from app.alerts.requests import NOTHING_ASKED
from app.alerts.setup import publisher_of
from app.alerts.store import AlertDesk
from app.alerts.visibility import visible
from app.connections import redis_address
from app.local_stack.kafka_server import KafkaServer
from app.redis_store.alerts import AlertKeys, AlertStore
from app.redis_store.link import Link, dialler
from app.redis_store.resp import command
from app.serving import build_app, build_server
from app.settings import Settings
from app.viewing.cells import Cells
from app.viewing.party import parse_party
from streams.errors import Misconfigured, Refused
from streams.topics import ALERT, alert_marker, physical
from tests.conftest import Namespace
from tests.integration.kafka import PARTITIONS, make_topics, read_decided
from tests.unit.alert_messages import message
from tests.unit.alert_moments import PLACES, RULES, at, verdict

CALLS: Final = ("acquire", "open", "read_marker", "commit", "publish", "published")


class Crash(Exception):
    """The process is killed here."""


class Fragile:
    """A store, publisher or producer that is killed before or after a call, once; its lease expires at once."""

    def __init__(self, inner: Any, plan: list[tuple[str, str]]) -> None:
        self._inner = inner
        self._plan = plan

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            if name == "acquire":
                arguments = (arguments[0], 1)
            self._die(name, "before")
            result = await getattr(self._inner, name)(*arguments)
            self._die(name, "after")
            return Fragile(result, self._plan) if name == "open" else result

        return call

    def _die(self, name: str, when: str) -> None:
        if self._plan and self._plan[0] == (name, when):
            self._plan.pop()
            raise Crash


class World:
    """One namespace with its servers, and evaluators that come and go."""

    def __init__(self, settings: Settings, store: AlertStore, publisher: Any, link: Link) -> None:
        self.settings = settings
        self.store = store
        self.publisher = publisher
        self.link = link
        self.keys = AlertKeys(settings.group)
        self.plan: list[tuple[str, str]] = []

    async def take_over(self) -> Acting:
        acting = None
        while acting is None:  # until the lease of the one before has expired, a millisecond
            acting = await take_over(Fragile(self.store, self.plan), Fragile(self.publisher, self.plan))
        return acting

    async def act(self, acting: Acting | None, moment: Moment) -> Acting:
        """Act, and whenever the process dies begin anew with the same moment."""
        while True:
            try:
                acting = acting or await self.take_over()
                await acting.act(moment, RULES, NOTHING_ASKED, taken=set())
                return acting
            except Crash:
                acting = None

    async def published(self) -> list[AlertRecord]:
        """All that a reader of the topic sees."""
        name = physical(self.settings.topic_prefix, ALERT)
        places = [TopicPartition(name, partition) for partition in range(PARTITIONS)]
        records = []
        for one in await read_decided(self.settings.kafka, places):
            record = msgspec.json.decode(one.value, type=AlertRecord)
            assert one.key.decode() == record.alert_id
            records.append(record)
        return sorted(records, key=lambda one: (one.at_ms, one.alert_id, one.state))


@pytest_asyncio.fixture
async def world(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> AsyncIterator[World]:
    settings = Settings(
        kafka=kafka_server.address, redis=valkey_url, topic_prefix=namespace.prefix, group=namespace.group,
        partitions=PARTITIONS,
    )  # fmt: skip
    async with opened(settings) as made:
        yield made


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[World]:
    names = [physical(settings.topic_prefix, name) for name in (ALERT, alert_marker(settings.group))]
    await make_topics(settings.kafka, names)
    dial = dialler(redis_address(settings))
    store, publisher, link = AlertStore(dial, settings.group), publisher_of(settings), await dial(0)
    await publisher.start()
    try:
        yield World(settings, store, publisher, link)
    finally:
        await publisher.stop()
        await store.close()
        link.close()


def expected(lived: Sequence[Moment]) -> list[AlertRecord]:
    """What one evaluator that never dies publishes."""
    life, told = Life(), list[AlertRecord]()
    for moment in lived:
        life, records = step(life, moment, RULES)
        told += records
    return sorted(told, key=lambda one: (one.at_ms, one.alert_id, one.state))


async def test_each_transition_comes_once_wherever_the_evaluator_is_killed(world: World) -> None:
    deaths = [(call, when) for call in CALLS for when in ("before", "after")]
    lived = [Moment(at(number), verdicts_at(number), PLACES) for number in range(len(deaths))]
    acting: Acting | None = None
    for moment, (call, when) in zip(lived, deaths, strict=True):
        # What dies within a take-over must first be made to take over.
        acting = None if call in ("acquire", "open", "read_marker") else acting
        world.plan[:] = [(call, when)]
        acting = await world.act(acting, moment)
        assert world.plan == [], f"nothing died {when} {call}"

    assert await world.published() == expected(lived)
    assert len(expected(lived)) > len(deaths)


def verdicts_at(number: int) -> list[Any]:
    """Another note in trouble each minute, the one before is well again: something happens at every minute."""
    return [verdict(number, f"t{number % 10}"), verdict(number, f"t{(number - 1) % 10}", "ok")]


async def test_what_waited_when_the_evaluator_was_killed_is_published_by_the_next(world: World) -> None:
    world.plan[:] = [("publish", "before")]
    with pytest.raises(Crash):
        await (await world.take_over()).act(Moment(at(0), verdicts_at(0), PLACES), RULES, NOTHING_ASKED, taken=set())
    assert await world.published() == []

    await world.take_over()

    assert await world.published() == expected([Moment(at(0), verdicts_at(0), PLACES)])


async def test_of_two_evaluators_one_acts_and_who_was_overtaken_can_do_nothing(world: World) -> None:
    first = await take_over(world.store, world.publisher)
    assert first is not None
    assert await take_over(world.store, world.publisher) is None

    await world.link.ask(command("DEL", world.keys.lease))  # it was frozen for longer than its lease
    second = await take_over(world.store, world.publisher)
    assert second is not None
    await second.act(Moment(at(1), verdicts_at(1), PLACES), RULES, NOTHING_ASKED, taken=set())

    with pytest.raises(Refused):
        await first.act(Moment(at(1), verdicts_at(1), PLACES), RULES, NOTHING_ASKED, taken=set())
    with pytest.raises(Refused):
        await first.renew()
    await second.renew()
    assert await world.published() == expected([Moment(at(1), verdicts_at(1), PLACES)])


async def test_an_overtaken_evaluator_that_has_committed_cannot_publish(world: World) -> None:
    first = await take_over(world.store, world.publisher)
    assert first is not None
    old_producer = first._producer
    world.plan[:] = [("publish", "before")]
    first._producer = Fragile(old_producer, world.plan)
    with pytest.raises(Crash):
        await first.act(Moment(at(0), verdicts_at(0), PLACES), RULES, NOTHING_ASKED, taken=set())
    await world.link.ask(command("DEL", world.keys.lease))
    assert await take_over(world.store, world.publisher) is not None

    marker = await world.publisher.read_marker()
    with pytest.raises(Refused, match="fenced"):
        await old_producer.publish([], marker)
    assert await world.published() == expected([Moment(at(0), verdicts_at(0), PLACES)])


async def test_a_released_lease_lets_the_next_one_act_at_once(world: World) -> None:
    first = await take_over(world.store, world.publisher)
    assert first is not None
    await first.release()

    assert await take_over(world.store, world.publisher) is not None


@pytest.mark.parametrize(
    ("kept", "death"),
    [(0, []), (1, [("restore", "before")]), (1, [("restore", "after")]), (2, [("restore", "after")])],
)
async def test_a_store_that_lost_what_was_published_is_set_right_from_the_marker(
    world: World, kept: int, death: list[tuple[str, str]]
) -> None:
    acting: Acting | None = None
    lived = [Moment(at(number), verdicts_at(number), PLACES) for number in range(4)]
    dumps: list[list[Any]] = []
    for moment in lived[:3]:
        dumps.append(await world.link.ask(command("DUMP", world.keys.tip), command("DUMP", world.keys.state)))
        acting = await world.act(acting, moment)

    # The store falls back to an older snapshot, or is empty.
    await world.link.ask(command("FLUSHDB"))
    for key, dump in zip((world.keys.tip, world.keys.state), dumps[kept], strict=True):
        if dump is not None:
            await world.link.ask(command("RESTORE", key, 0, dump))
    world.plan[:] = death
    await world.act(None, lived[2])
    assert world.plan == [], "nothing died within the restoration"
    await world.act(None, lived[3])

    assert await world.published() == expected(lived)
    desk = await AlertDesk(world.store).look()
    assert [record.id for record in desk.live] == ["t3"]


async def test_what_detectors_have_learnt_is_stored_with_the_step_and_stays_until_there_is_more(world: World) -> None:
    acting = await world.take_over()
    assert await world.store.memory() is None

    await acting.act(Moment(at(0), [], PLACES), RULES, NOTHING_ASKED, taken=set(), memory=b"learnt")
    await acting.act(Moment(at(1), verdicts_at(1), PLACES), RULES, NOTHING_ASKED, taken=set())

    assert await world.store.memory() == b"learnt"


async def test_people_see_alerts_and_silence_and_acknowledge_them(world: World) -> None:
    desk = AlertDesk(world.store)
    assert (await desk.look()).at_ms == 0
    await world.act(None, Moment(at(0), [verdict(0, "t1")], PLACES))
    (record,) = (await desk.look()).live

    made = await desk.silence(rule="*", scope="note:t*", for_ms=60_000, by="me", why="a test")
    await desk.acknowledge(record.alert_id, by="me")
    asked = (await desk.look()).asked

    assert asked.silences == {made.silence_id: made}
    assert made.until_ms == at(1)
    assert asked.acknowledged[record.alert_id].by == "me"
    await desk.end_silence(made.silence_id)
    assert (await desk.look()).asked.silences == {}
    for wrong in (
        desk.end_silence("none"),
        desk.acknowledge("none", by="me"),
        desk.silence(rule="*", scope="shop:1", for_ms=1, by="", why=""),
    ):
        with pytest.raises(Misconfigured):
            await wrong


async def test_the_api_tells_of_alerts_and_takes_acknowledgements_and_silences(world: World) -> None:
    server = build_server(world.settings)
    transport = httpx.ASGITransport(build_app(server), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        first = await client.get("/v1/alerts")
        assert first.json()["at_ms"] == 0, first.text
        await world.act(None, Moment(at(0), [verdict(0, "t1")], PLACES))

        (alert,) = (await client.get("/v1/alerts")).json()["firing"]
        acknowledged = await client.post(f"/v1/alerts/{alert['alert_id']}/acknowledgement", json={"by": "Lin"})
        silenced = await client.post("/v1/silences", json={"scope": "platform:jd", "for_s": 60})
        told = (await client.get("/v1/alerts")).json()

        assert (alert["state"], alert["scope"], alert["id"]) == ("pending", "note", "t1")
        assert (acknowledged.status_code, silenced.status_code) == (204, 201)
        assert told["acknowledged"] == [alert["alert_id"]]
        assert [one["silence_id"] for one in told["silences"]] == [silenced.json()["silence_id"]]
        assert (await client.delete(f"/v1/silences/{silenced.json()['silence_id']}")).status_code == 204
        refused = [
            await client.delete("/v1/silences/none"),
            await client.post("/v1/alerts/none/acknowledgement", json={}),
            await client.post("/v1/silences", json={}),
            await client.post("/v1/silences", json={"scope": "shop:1"}),
            await client.post("/v1/silences", json={"scope": "note:1", "for_s": 0}),
            await client.post("/v1/silences", content=b" " * 5_000),
        ]
        assert [reply.status_code for reply in refused] == [404, 404, 422, 422, 422, 413]
    server.access.close()


def test_a_party_sees_only_alerts_about_what_is_wholly_its_own() -> None:
    cells = Cells()
    for note_id, texts in {
        "own": ["c1|m1|jd|fmcg.snacks|note|ad"],
        "shared": ["c1|m1|jd|fmcg.snacks|note|ad", "|m2|xhs|health|comment|ugc"],
        "other": ["c2|m2|taobao|fmcg.makeup|note|ad"],
    }.items():
        cells.put(0, note_id, {text: {"clicks": 1} for text in texts})

    def seen(party: str) -> list[str]:
        records = [
            message(scope=scope, id=name, affected=["note:own", "note:other"]).alert
            for scope, name in (
                ("platform", "jd"), ("platform", "taobao"), ("merchant", "m1"), ("merchant", "m2"), ("note", "own"),
                ("note", "shared"), ("note", "other"), ("note", "unknown"), ("category", "fmcg"),
                ("category", "fmcg.snacks"), ("campaign", "c1"), ("topic", "order"), ("all", "*"),
            )
        ]  # fmt: skip
        shown = visible(records, parse_party(party), cells)
        if party in ("platform:jd", "merchant:m1"):
            assert {tuple(record.affected) for record in shown} == {("note:own",)}
        return [record.id for record in shown]

    assert seen("platform:jd") == ["jd", "m1", "own", "fmcg.snacks", "c1"]
    assert seen("merchant:m1") == ["jd", "m1", "own", "fmcg.snacks", "c1"]
    assert seen("merchant:m3") == []
    assert len(seen("xhs")) == len(seen("admin")) == 13
