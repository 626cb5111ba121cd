"""Channels that speak HTTP by themselves: Alertmanager's API and signed webhooks."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgspec
import orjson

from app.alerts.channels.message import Message
from app.alerts.channels.signature import sign
from streams.errors import Misconfigured, Unavailable

TIMEOUT_S: Final = 10.0
_LATER: Final = frozenset((408, 425, 429))

Clock = Callable[[], float]
"""Seconds since 1970."""


class Post:
    """Posts JSON to one address; redirects are not followed, for they would take the message elsewhere."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)

    async def __call__(self, body: bytes, headers: dict[str, str]) -> None:
        """Raises as `Channel.send` does."""
        try:
            reply = await self._client.post(
                self._url, content=body, headers={"content-type": "application/json", **headers}
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise Misconfigured(f"channel {self._name} has no good URL") from None
        except httpx.HTTPError as error:
            # The message of an error may quote the URL.
            raise Unavailable(f"channel {self._name} does not answer: {type(error).__name__}") from None
        if reply.status_code in _LATER or reply.is_server_error:
            raise Unavailable(f"channel {self._name} answers {reply.status_code}")
        if not reply.is_success:
            raise Misconfigured(f"channel {self._name} refuses the message: {reply.status_code}")

    async def close(self) -> None:
        await self._client.aclose()


class Webhook:
    """Posts messages as JSON, signed and with the time of sending: see app.alerts.channels.signature."""

    def __init__(self, name: str, url: str, secret: bytes, clock: Clock) -> None:
        self._post = Post(name, url)
        self._secret = secret
        self._clock = clock

    async def send(self, message: Message) -> None:
        """See Channel; an attempt that is repeated has the same id and the time of the new attempt."""
        body = orjson.dumps(webhook_body(message))
        await self._post(body, sign(self._secret, message.message_id, int(self._clock()), body))

    async def close(self) -> None:
        await self._post.close()


class Alertmanager:
    """Posts alerts to version 2 of the Prometheus Alertmanager's API, which groups, routes and silences them itself."""

    def __init__(self, name: str, url: str, clock: Clock) -> None:
        base, user = _without_user(url)
        self._post = Post(name, f"{base.rstrip('/')}/api/v2/alerts")
        self._headers = {"authorization": f"Basic {base64.b64encode(user.encode()).decode()}"} if user else {}
        self._clock = clock

    async def send(self, message: Message) -> None:
        """See Channel."""
        await self._post(orjson.dumps([alertmanager_alert(message, self._clock())]), self._headers)

    async def close(self) -> None:
        await self._post.close()


def webhook_body(message: Message) -> dict[str, Any]:
    """What a webhook receives."""
    return {
        "event": message.event,
        "alert": msgspec.to_builtins(message.alert),
        "title": message.title,
        "body": message.body,
        "link": message.link,
        "chart_png": None if message.chart is None else base64.b64encode(message.chart).decode(),
    }


def alertmanager_alert(message: Message, now_s: float) -> dict[str, Any]:
    """The alert as Alertmanager takes it: the labels say which one it is and stay the same until it ends."""
    alert = message.alert
    ends_s = now_s if message.event == "resolved" else now_s + message.holds_for_s
    labels = {
        "alertname": alert.rule, "alert_id": alert.alert_id, "scope": alert.scope, "id": alert.id,
        "metric": alert.metric, "severity": alert.severity, "service": "redcat",
    }  # fmt: skip
    return {
        "labels": labels,
        "annotations": {"summary": alert.summary, "description": message.body},
        "startsAt": _time(min(alert.since_ms / 1_000, ends_s)),
        "endsAt": _time(ends_s),
        **({"generatorURL": message.link} if message.link else {}),
    }


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_user(url: str) -> tuple[str, str]:
    """The URL without `USER:PASSWORD@`, and these."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), user
