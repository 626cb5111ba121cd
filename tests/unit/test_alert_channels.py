"""Channels bring messages to where they belong, keep secrets and let nobody be fooled by an old or changed message."""

import asyncio
import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import pytest

from app.alerts.channels.chats import Chat
from app.alerts.channels.delivery import Courier, Delivery, Patience
from app.alerts.channels.making import make_channel
from app.alerts.channels.message import Channel, Message
from app.alerts.channels.signature import secret_of, sign, verified
from app.alerts.channels.specification import ChannelSpecification, read_channels
from app.alerts.rules import Severity
from streams.errors import Misconfigured, Unavailable
from tests.unit.alert_messages import CHART, message, receiving

SECRET: Final = "a secret of some length"
NOW_S: Final = 1_772_381_400.0
QUICK: Final = Patience(first_pause_s=0.001, longest_pause_s=0.002, give_up_after_s=30)
ALL: Final[frozenset[Severity]] = frozenset(("info", "warning", "critical"))


def channel(url: str) -> Channel:
    """A channel named `oncall`."""
    return make_channel(ChannelSpecification("oncall", url, ALL), SECRET, lambda: NOW_S)


async def test_a_webhook_gets_the_alert_signed_and_dated() -> None:
    async with receiving() as receiver:
        hook = channel(f"signed+http://{receiver.url}/hook")
        await hook.send(message(chart=CHART))
        await hook.close()

    (got,) = receiver.received
    assert verified(secret_of(SECRET), got.headers, got.body, NOW_S) == "m1"
    body = json.loads(got.body)
    assert (got.path, body["event"], body["alert"]["alert_id"]) == ("/hook", "firing", "a1")
    assert base64.b64decode(body["chart_png"]) == CHART


@pytest.mark.parametrize("kind", ["signed+http", "json"])
async def test_who_tries_a_channel_is_told_its_name_and_never_its_address(kind: str) -> None:
    async with receiving() as receiver:
        trying = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", "alerts", "test",
            env=os.environ | {
                "REDCAT_ALERT_CHANNELS": f"oncall={kind}://{receiver.url}/hidden", "REDCAT_ALERT_SECRET": SECRET,
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await trying.communicate()

    assert [got.path for got in receiver.received] == ["/hidden"]
    assert told.decode() == "oncall: taken\n"


@pytest.mark.parametrize(
    ("change", "now_s"),
    [
        ({"body": b"{}"}, NOW_S),
        ({"webhook-id": "m2"}, NOW_S),
        ({"webhook-timestamp": str(int(NOW_S) + 1)}, NOW_S),
        ({"webhook-timestamp": "now"}, NOW_S),
        ({"webhook-timestamp": "²"}, NOW_S),
        ({"webhook-signature": "v1,AAAA"}, NOW_S),
        ({"webhook-signature": ""}, NOW_S),
        ({}, NOW_S + 301),
        ({}, NOW_S - 301),
    ],
)
def test_what_is_changed_or_old_is_not_verified(change: dict[str, str | bytes], now_s: float) -> None:
    secret, body = secret_of(SECRET), b'{"a":1}'
    sent: dict[str, str | bytes] = {**sign(secret, "m1", int(NOW_S), body), "body": body, **change}
    given = sent.pop("body")
    headers = {name: str(value) for name, value in sent.items()}

    assert verified(secret, headers, given if isinstance(given, bytes) else b"", now_s) is None


def test_a_second_signature_lets_secrets_be_exchanged() -> None:
    old, new = secret_of("an old secret of length"), secret_of("whsec_" + base64.b64encode(b"n" * 24).decode())
    headers = sign(new, "m1", int(NOW_S), b"{}")
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"

    assert verified(new, headers, b"{}", NOW_S) == "m1"
    assert verified(old, headers, b"{}", NOW_S) is None


@pytest.mark.parametrize("secret", ["", "short", "whsec_!!!", "whsec_AAAA"])
def test_a_poor_secret_is_refused(secret: str) -> None:
    with pytest.raises(Misconfigured, match="REDCAT_ALERT_SECRET"):
        secret_of(secret)


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, Unavailable), (503, Unavailable), (429, Unavailable), (408, Unavailable), (400, Misconfigured),
     (404, Misconfigured), (302, Misconfigured)],
)  # fmt: skip
async def test_only_what_may_pass_is_worth_another_attempt(status: int, error: type[Exception]) -> None:
    async with receiving(status) as receiver:
        for kind in ("signed", "alertmanager"):
            one = channel(f"{kind}+http://{receiver.url}/token-in-the-path")
            with pytest.raises(error, match=f"oncall.*{status}") as raised:
                await one.send(message())
            await one.close()
            assert "token-in-the-path" not in str(raised.value)
    assert len(receiver.received) == 2


async def test_nobody_there_is_unavailable_and_the_error_keeps_the_address() -> None:
    one = channel("signed+http://127.0.0.1:1/token-in-the-path")
    with pytest.raises(Unavailable) as raised:
        await one.send(message())
    await one.close()
    assert "token" not in str(raised.value)


async def test_alertmanager_gets_labels_that_stay_the_same_until_the_end() -> None:
    async with receiving() as receiver:
        manager = channel(f"alertmanager+http://user:pass@{receiver.url}/prefix/")
        await manager.send(message())
        await manager.send(message(event="resolved", state="resolved", observed=0.45))
        await manager.close()

    (firing,), (resolved,) = (json.loads(got.body) for got in receiver.received)
    assert {got.path for got in receiver.received} == {"/prefix/api/v2/alerts"}
    assert receiver.received[0].headers["authorization"] == "Basic " + base64.b64encode(b"user:pass").decode()
    assert firing["labels"] == resolved["labels"]
    assert (firing["startsAt"], firing["endsAt"]) == ("2026-03-01T16:00:00.000Z", "2026-03-02T00:10:00.000Z")
    assert resolved["endsAt"] == "2026-03-01T16:10:00.000Z"


async def test_apprise_brings_title_body_link_and_chart() -> None:
    async with receiving(200, 500) as receiver:
        chat = channel(f"json://{receiver.url}/")
        await chat.send(message(chart=CHART))
        with pytest.raises(Unavailable, match="oncall did not take"):
            await chat.send(message())

    body = json.loads(receiver.received[0].body)
    assert body["title"] == "note n1: entry rate"
    assert body["message"] == "clicks lead nowhere\nhttps://redcat.example/notes/n1"
    assert base64.b64decode(body["attachments"][0]["base64"]) == CHART


@pytest.mark.parametrize(
    "url",
    [
        "feishu://abcdefghijklmnop", "dingtalk://abcdefghijk1234567890",
        "wecombot://633b0a3a-0000-0000-0000-000000000000", "mailto://user:pass@example.com",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
    ],
)  # fmt: skip
def test_the_services_of_the_trade_are_known(url: str) -> None:
    assert isinstance(channel(url), Chat)


@pytest.mark.parametrize("url", ["nosuch://secret", "slack://secret", "http://secret/", "https://secret/"])
def test_an_unusable_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(Misconfigured, match="oncall") as raised:
        channel(url)
    assert "//secret" not in str(raised.value)


def test_channels_are_written_as_names_and_addresses() -> None:
    oncall, chat = read_channels("oncall[critical,warning]=slack://a/b/c\n  chat=json://h/?a=b")

    assert (oncall.name, oncall.url) == ("oncall", "slack://a/b/c")
    assert sorted(oncall.severities) == ["critical", "warning"]
    assert (chat.url, chat.severities, chat.scheme) == ("json://h/?a=b", ALL, "json")
    assert "slack://a" not in repr(oncall)
    assert read_channels("") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=json://h s3cret", "channel 2 is not NAME=URL"),
        ("s3cret://h", "channel 1 is not"),
        ("a[loud]=json://s3cret", r"channel a takes severities info, warning, critical, not \[loud\]"),
        ("a[]=json://s3cret", "takes severities"),
        ("a=json://s3cret a=json://s3cret", "more than one channel a"),
    ],
)
def test_a_channel_that_cannot_be_read_is_named_and_not_shown(text: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message) as raised:
        read_channels(text)
    assert "s3cret" not in str(raised.value)


class Script:
    """A channel that does what it is told, then takes everything."""

    def __init__(self, *does: Exception | None) -> None:
        self._does = list(does)
        self.taken: list[str] = []
        self.attempts = 0

    async def send(self, message: Message) -> None:
        self.attempts += 1
        error = self._does.pop(0) if self._does else None
        if error is not None:
            raise error
        self.taken.append(message.message_id)

    async def close(self) -> None: ...


class Hanging(Script):
    """A channel that never answers."""

    async def send(self, message: Message) -> None:  # noqa: ARG002  # the protocol's
        self.attempts += 1
        await asyncio.Event().wait()


@asynccontextmanager
async def delivering(*channels: Script, patience: Patience = QUICK) -> AsyncIterator[tuple[Delivery, list[str]]]:
    """A delivery to channels named 0, 1, ... and what it says was delivered or given up."""
    done: list[str] = []
    couriers = [
        Courier(str(number), one, ALL, delivered=lambda *which: done.append("@".join(which)), patience=patience)
        for number, one in enumerate(channels)
    ]
    delivery = Delivery(couriers)
    running = asyncio.create_task(delivery.run())
    try:
        yield delivery, done
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.001)


async def test_a_message_is_tried_again_until_it_is_taken_and_order_is_kept() -> None:
    flaky = Script(Unavailable("no"), ValueError("a library's own"), TimeoutError())
    async with delivering(flaky) as (delivery, done):
        delivery.post(message(message_id="first"))
        delivery.post(message(message_id="second"))
        await until(lambda: len(done) == 2)
    assert (flaky.taken, flaky.attempts) == (["first", "second"], 5)


async def test_a_refused_message_is_not_tried_again() -> None:
    strict = Script(Misconfigured("no such room"))
    async with delivering(strict) as (delivery, done):
        delivery.post(message(message_id="first"))
        delivery.post(message(message_id="second"))
        await until(lambda: len(done) == 2)
    assert strict.taken == ["second"]


async def test_a_channel_that_hangs_or_fails_holds_up_no_other() -> None:
    hanging, failing, good = Hanging(), Script(*[Unavailable("no")] * 10_000), Script()
    async with delivering(hanging, failing, good) as (delivery, done):
        for number in range(5):
            delivery.post(message(message_id=str(number)))
        assert delivery.takers("info") == ["0", "1", "2"]
        await until(lambda: len(good.taken) == 5)
    assert sorted(done) == [f"{number}@2" for number in range(5)]


async def test_what_nobody_takes_is_given_up_with_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    failing = Script(*[Unavailable("no")] * 10_000)
    async with delivering(failing, patience=QUICK._replace(give_up_after_s=0.01)) as (delivery, done):
        delivery.post(message())
        await until(lambda: done == ["m1@0"])
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "a message was given up"
    ]


async def test_a_full_queue_gives_up_the_oldest() -> None:
    hanging = Hanging()
    async with delivering(hanging, patience=QUICK._replace(waiting=2)) as (delivery, done):
        delivery.post(message(message_id="under way"))
        await until(lambda: hanging.attempts == 1)
        for name in ("a", "b", "c"):
            delivery.post(message(message_id=name))
        assert done == ["a@0"]


async def test_more_than_the_pace_allows_waits() -> None:
    eager = Script()
    async with delivering(eager, patience=QUICK._replace(messages=3, per_s=0.2)) as (delivery, done):
        began = asyncio.get_running_loop().time()
        for number in range(4):
            delivery.post(message(message_id=str(number)))
        await until(lambda: len(done) == 4)
        assert asyncio.get_running_loop().time() - began >= 0.2


def test_a_courier_takes_only_the_severities_of_its_channel() -> None:
    loud = Courier("a", Script(), frozenset(("critical",)), delivered=lambda *_: None, patience=QUICK)

    assert loud.takes("critical")
    assert not loud.takes("info")
