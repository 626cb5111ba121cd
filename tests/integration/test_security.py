"""TLS, SASL and users with just the rights that docs/security.md lists; and that no secret is ever told."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from app.connections import redis_address
from app.kafka_sender import kafka_sender
from app.local_stack.server_process import free_port
from app.local_stack.valkey_server import ValkeyServer
from app.reading import reading
from app.redis_store.link import dialler
from app.redis_store.namespace import NoNamespace
from app.redis_store.store import RedisStore
from app.redis_store.watching import Watched, Watching
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics, require_topics
from app.viewing.model import now_ms
from streams.errors import Misconfigured, Unavailable
from tests.conftest import redis7_binary
from tests.integration.absorbed import absorb
from tests.integration.secured import (
    MECHANISMS,
    PASSWORD,
    READER,
    SERVER,
    WORKER,
    SecuredKafka,
    acl_file,
    make_certificates,
    tls_redis,
)
from tests.integration.served import HOUR_MS, outgoing, serving, world
from tests.integration.simulated import assert_as_simulated
from tests.integration.workers import run, start, working
from tests.waiting import until

EVENTS = 1_500


class Secured(NamedTuple):
    """All servers, with the rights of the page and traffic in the topics."""

    kafka: SecuredKafka
    tls_redis: str  # address of a Redis 7 with TLS
    valkey: str  # address of a Valkey without
    ca: Path
    tallies: Tallies

    def settings(self, user: str, mechanism: str, *, tls: bool) -> Settings:
        """The way of a user to both servers."""
        scheme, address = ("rediss", self.tls_redis) if tls else ("redis", self.valkey)
        return dataclasses.replace(
            self.kafka.sasl(mechanism, tls=tls, user=user),
            redis=f"{scheme}://{user}:{quote(PASSWORD, safe='')}@{address}/0",
            redis_ca=self.ca if tls else None,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    """The servers of this module."""
    folder = tmp_path_factory.mktemp("secured")
    certificates, tls_port = make_certificates(folder), free_port()
    kafka = SecuredKafka(folder, certificates)
    redis = tls_redis(folder / "redis7", certificates, redis7_binary(), tls_port)
    valkey = ValkeyServer(free_port(), folder / "valkey", settings={"aclfile": str(acl_file(folder / "users.acl"))})
    async with AsyncExitStack() as servers:
        for server in (kafka.server, redis, valkey):
            servers.push_async_callback(server.kill)
        await asyncio.gather(kafka.server.start(), redis.start(), valkey.start())
        open_to_all = Settings(kafka.server.address)
        await create_topics(open_to_all)
        await kafka.give_rights()
        tallies = Tallies(full_results=True)
        async with kafka_sender(kafka.tls()) as sender:
            await sender.send(simulate(SimulatorConfig(events=EVENTS, full_results=True), tallies))
        yield Secured(kafka, f"127.0.0.1:{tls_port}", f"127.0.0.1:{valkey.port}", certificates.ca, tallies)


@pytest.mark.parametrize("tls", [True, False], ids=["TLS, Redis 7", "Valkey"])
async def test_a_worker_with_just_the_rights_of_the_page_is_exact(secured: Secured, *, tls: bool) -> None:
    worker = secured.settings(WORKER, "SCRAM-SHA-512" if tls else "SCRAM-SHA-256", tls=tls)
    # What one forwards is left to the next.  A Redis that knows nothing of it is brought there in silence.
    for _ in range(2 if tls else 1):
        ended = await run(worker, "worker", "--drain", "--timeout", "60")
        assert ended.status == 0, ended.said

    await assert_as_simulated(secured.settings(READER, "SCRAM-SHA-256", tls=tls), secured.tallies)


@pytest_asyncio.fixture
async def users_of_the_page(tmp_path: Path) -> AsyncIterator[str]:
    """Address of an empty Valkey that knows just them, and lets the default user do everything."""
    valkey = ValkeyServer(free_port(), tmp_path / "valkey", settings={"aclfile": str(acl_file(tmp_path / "users.acl"))})
    await valkey.start()
    yield f"127.0.0.1:{valkey.port}"
    await valkey.kill()


async def test_a_server_with_just_the_rights_of_the_page_lacks_none(users_of_the_page: str) -> None:
    address = users_of_the_page
    redis = f"redis://{SERVER}:{quote(PASSWORD, safe='')}@{address}/0"
    await absorb(Settings(redis=f"redis://{address}/0"), outgoing(world(now_ms() - 2 * HOUR_MS)))
    async with serving(Settings(redis=redis, k_tokens=1)) as served:
        for party in ("admin", "xhs", "merchant:m1"):
            for path in ("notes/shared", "notes/shared/series?metric=orders", "platforms", "tokens/t1", "alerts"):
                answer = await served.get(f"/v1/{path}", party)
                assert (party, path, answer.status_code) == (party, path, 200)
        assert (await served.client.post("/login", json={"key": served.keys["admin"]})).is_success
        assert (await served.client.post("/logout")).is_success
        watching = Watching(await served.dial(0), served.settings.group)
        await watching.renew([watched := Watched("note_id", "shared")])
        assert await watching.told({watched: b"0"}) == {}
        watching.close()
    async with Redis.from_url(f"redis://{address}/0") as everybody:
        assert await everybody.acl_log() == []


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "open"])
async def test_every_mechanism_opens_the_door(secured: Secured, mechanism: str, *, tls: bool) -> None:
    await require_topics(secured.kafka.sasl(mechanism, tls=tls))


async def test_tls_alone_opens_it_to_those_who_are_nobody_in_particular(secured: Secured) -> None:
    await require_topics(secured.kafka.tls())


async def test_a_wrong_password_is_refused_by_kafka(secured: Secured) -> None:
    wrong = dataclasses.replace(secured.kafka.sasl("SCRAM-SHA-256", tls=False), kafka_sasl_password="wrong")
    with pytest.raises(Unavailable, match="cannot connect with security sasl_plaintext"):
        await require_topics(wrong, patience_s=1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"redis_ca": None}, "has a certificate that is not trusted"),
        ({"redis": f"rediss://{WORKER}:wr0ng@{{address}}/0"}, "WRONGPASS"),
        ({"redis": f"rediss://{READER}:{quote(PASSWORD, safe='')}@{{address}}/0"}, "NOPERM"),
    ],
    ids=["unknown certificate", "wrong password", "missing right"],
)
async def test_what_redis_refuses_needs_a_person(secured: Secured, changes: dict[str, str | None], reason: str) -> None:
    filled = {name: value and value.format(address=secured.tls_redis) for name, value in changes.items()}
    settings = dataclasses.replace(secured.settings(WORKER, "PLAIN", tls=True), **filled)  # type: ignore[arg-type]
    store = RedisStore(dialler(redis_address(settings)), "other", 1)

    with pytest.raises(Misconfigured, match=reason) as refused:
        await store.acquire(0, "owner")
    await store.close()

    assert "wr0ng" not in str(refused.value)
    assert_no_secret(str(refused.value))


async def test_a_missing_right_in_kafka_stops_with_the_reason(secured: Secured) -> None:
    reader = secured.kafka.sasl("PLAIN", tls=True, user=READER)
    with pytest.raises(Misconfigured, match="Kafka does not let us make or see topics"):
        await require_topics(reader)


async def test_no_secret_is_in_what_is_printed_logged_or_shown_of_a_process(secured: Secured) -> None:
    settings = secured.settings(WORKER, "SCRAM-SHA-512", tls=True)
    async with working(settings) as worker:
        async with asyncio.timeout(30):
            await begun(secured.settings(READER, "PLAIN", tls=True))
        titles = process_titles(worker.pid)
        worker.terminate()
        _, logged = await worker.communicate()
    printed = [await told(settings, "config", "--json"), repr(settings)]
    unreachable = dataclasses.replace(settings, kafka=f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable) as refused:
        await require_topics(unreachable, patience_s=0.5)

    assert_no_secret(*titles, logged.decode(), *printed, str(refused.value), repr(refused.value))


async def begun(settings: Settings) -> None:
    """Wait until a worker has taken its lanes; before, there is not even a namespace."""

    async def lanes() -> int:
        async with reading(settings) as reader:
            return len(await reader.lanes())

    await until(lanes, not_yet=(NoNamespace,))


def assert_no_secret(*texts: str) -> None:
    """Neither as it is nor as it stands in a URL."""
    assert not [text for text in texts for secret in (PASSWORD, quote(PASSWORD, safe="")) if secret in text]


def process_titles(pid: int) -> list[str]:
    """What everybody on the machine can read of a process."""
    return [Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "comm")]


async def told(settings: Settings, *arguments: str) -> str:
    """All that a command says."""
    process = await start(settings, *arguments, stdout=asyncio.subprocess.PIPE)
    printed, complained = await process.communicate()
    assert process.returncode == 0
    return printed.decode() + complained.decode()
