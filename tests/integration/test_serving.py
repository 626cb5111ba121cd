"""`redcat serve` as a process: keys, sessions, streams that follow what is counted, and a clean end."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from app.cli import build
from app.local_stack.server_process import free_port
from app.settings import Settings
from app.viewing.model import now_ms
from tests.behaviour.builders import click
from tests.generators.policies import MIDNIGHT_MS
from tests.integration.absorbed import absorb
from tests.integration.served import GROUP, HOUR_MS, TMALL, outgoing, world
from tests.integration.workers import environment, is_ready, run, start, until_ready
from tests.waiting import until

PATIENCE_S = 60.0


@pytest.fixture
def settings(valkey_url: str) -> Settings:
    """Settings of a server on a free port."""
    return Settings(redis=valkey_url, group=GROUP, http=f"127.0.0.1:{free_port()}")


def keys(settings: Settings, *arguments: str) -> Result:
    """`redcat keys ARGUMENTS`."""
    return CliRunner(env=environment(settings)).invoke(build(["keys"]), ["keys", *arguments])


async def made(settings: Settings, party: str) -> dict[str, str]:
    """A new key of a party."""
    ran = await asyncio.to_thread(keys, settings, "create", party, "--json")
    told: dict[str, str] = json.loads(ran.stdout)
    return told


async def revoke(settings: Settings, key: dict[str, str]) -> None:
    """Take a key out of force."""
    assert (await asyncio.to_thread(keys, settings, "revoke", key["id"])).exit_code == 0


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A server that is ready, and is stopped in the end by SIGTERM, which it obeys."""
    process = await start(settings, "serve")
    try:
        await until_ready(settings, PATIENCE_S)
        async with httpx.AsyncClient(base_url=f"http://{settings.http}", timeout=PATIENCE_S) as client:
            yield client
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE_S):
                _, said = await process.communicate()
            assert (process.returncode, b"Traceback" in said) == (0, False)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


class Events:
    """The events of a stream as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self) -> tuple[str, dict[str, Any]]:
        """Id and data of the next one."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "data" in fields:
                    return fields["id"], json.loads(fields["data"])
        raise EOFError

    async def end(self) -> None:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE_S):
            async for _ in self._lines:
                pass


async def test_a_stream_tells_each_change_resumes_and_ends_with_its_key(settings: Settings) -> None:
    at_ms = now_ms() - 2 * HOUR_MS
    await absorb(settings, outgoing(world(at_ms)))
    key = await made(settings, "merchant:m1")
    bearer = {"Authorization": f"Bearer {key['key']}"}
    path = "/v1/stream?scope=notes&id=n1"
    async with serving(settings) as client:
        async with client.stream("GET", path, headers=bearer) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            events = Events(stream)
            first, figures = await events.next()
            assert (figures["id"], figures["counters"]["clicks"]) == ("n1", 1)
            more = click("later", at=at_ms - MIDNIGHT_MS, token="later", note="n1", **TMALL)
            await absorb(settings, outgoing([more]))
            second, figures = await events.next()
            assert figures["counters"]["clicks"] == 2
            assert figures["lag_s"] < PATIENCE_S
        async with client.stream("GET", path, headers=bearer | {"Last-Event-ID": first}) as stream:
            assert (await Events(stream).next())[0] == second
        async with client.stream("GET", path, headers=bearer | {"Last-Event-ID": second}) as stream:
            await revoke(settings, key)
            await Events(stream).end()
        assert (await client.get("/v1/notes/n1", headers=bearer)).status_code == 401


async def test_a_browser_exchanges_a_key_for_a_session_that_ends_with_the_key(settings: Settings) -> None:
    await absorb(settings, outgoing(world(now_ms())))
    key = await made(settings, "merchant:m2")
    async with serving(settings) as client:
        assert (await client.get("/v1/me")).status_code == 401
        login = await client.post("/login", json={"key": key["key"]})
        cookie = login.headers["set-cookie"]
        assert (login.status_code, login.json()) == (200, {"party": "merchant:m2"})
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert (await client.get("/v1/me")).json() == {"party": "merchant:m2"}
        assert (await client.get("/v1/me", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 401
        await revoke(settings, key)
        assert (await client.get("/v1/me")).status_code == 401
        other = await made(settings, "admin")
        await client.post("/login", json={"key": other["key"]})
        assert (await client.get("/v1/me")).json() == {"party": "admin"}
        assert (await client.post("/logout")).status_code == 204
        assert (await client.get("/v1/me")).status_code == 401


async def test_without_keys_this_machine_is_admin_and_no_other_page_gets_in(settings: Settings) -> None:
    await absorb(settings, outgoing(world(now_ms())))
    async with serving(settings) as client:
        assert (await client.get("/v1/me")).json() == {"party": "admin"}
        assert (await client.get("/v1/me", headers={"Authorization": "Bearer once-revoked"})).status_code == 401
        assert (await client.get("/v1/me", headers={"Host": "rebound.example"})).status_code == 401


async def test_without_keys_no_other_machine_is_served(valkey_url: str) -> None:
    settings = Settings(redis=valkey_url, group=GROUP, http=f"0.0.0.0:{free_port()}")
    ended = await run(settings, "serve")
    assert ended.status == 2
    assert "make one with `redcat keys create admin`" in ended.said


async def test_an_address_that_is_taken_is_named(settings: Settings) -> None:
    await absorb(settings, outgoing(world(now_ms())))
    async with serving(settings):
        ended = await run(settings, "serve")
    assert (ended.status, f"REDCAT_HTTP={settings.http} cannot be listened at" in ended.said) == (2, True)


async def test_before_any_worker_has_run_the_server_waits_and_says_so(settings: Settings) -> None:
    process = await start(settings, "serve")
    try:
        async with httpx.AsyncClient(base_url=f"http://{settings.http}") as client:
            await until(lambda: is_ready(client, "/live"), patience_s=PATIENCE_S)
            answer = await client.get("/v1/notes")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "no worker of REDCAT_GROUP" in (await client.get("/ready")).text
            await absorb(settings, outgoing(world(now_ms())))
            await until(lambda: is_ready(client), patience_s=PATIENCE_S)
            assert (await client.get("/v1/notes/n1")).status_code == 200
            metrics = (await client.get("/metrics")).text
            assert 'redcat_http_requests_total{method="GET",route="/v1/notes/{id}",status="200"} 1.0' in metrics
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 0


@pytest.fixture
def shown(settings: Settings) -> Settings:
    """Settings of a namespace with one key, which is labelled."""
    assert keys(settings, "create", "platform:jd", "--label", "JD's own").exit_code == 0
    return settings


def test_a_key_is_printed_once_and_listed_without_its_secret(shown: Settings) -> None:
    ran = keys(shown, "create", "xhs")
    secret = ran.stdout.strip()
    assert ran.exit_code == 0
    assert secret.startswith("rck_")
    assert len(secret) > 50
    listed = keys(shown, "list", "--json")
    assert [(key["party"], key["label"]) for key in json.loads(listed.stdout)] == [
        ("platform:jd", "JD's own"),
        ("xhs", ""),
    ]
    assert secret not in listed.stdout
    assert "JD's own" in keys(shown, "list").stdout


@pytest.mark.parametrize("party", ["", "merchant", "merchant:", "platform:a b", "root", "admin:x", "merchant:a\n"])
def test_what_is_no_party_is_wrong_use(settings: Settings, party: str) -> None:
    ran = keys(settings, "create", party)
    assert ran.exit_code == 2
    assert "admin, xhs, platform:ID or merchant:ID" in " ".join(ran.stderr.replace("│", " ").split())


def test_a_key_that_is_not_there_cannot_be_revoked(settings: Settings) -> None:
    ran = keys(settings, "revoke", "nothing")
    assert (ran.exit_code, "there is no key nothing" in ran.stderr) == (1, True)
