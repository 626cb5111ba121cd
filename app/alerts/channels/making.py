"""Channels from their specifications."""

import time

from app.alerts.channels.http import Alertmanager, Clock, Webhook
from app.alerts.channels.message import Channel
from app.alerts.channels.signature import secret_of
from app.alerts.channels.specification import ChannelSpecification
from streams.errors import Misconfigured

PLAIN_SCHEMES = ("http", "https")


def make_channel(specification: ChannelSpecification, secret: str | None, clock: Clock = time.time) -> Channel:
    """The channel: `alertmanager+http(s)://`, `signed+http(s)://`, or any URL of Apprise.

    `secret` signs webhooks.  Raises Misconfigured.
    """
    name, url = specification.name, specification.url
    kind, plus, rest = url.partition("+")
    if plus and rest.partition("://")[0] in PLAIN_SCHEMES:
        if kind == "alertmanager":
            return Alertmanager(name, rest, clock)
        if kind == "signed":
            return Webhook(name, rest, secret_of(secret or ""), clock)
    if specification.scheme in PLAIN_SCHEMES:
        raise Misconfigured(
            f"channel {name}: say what is at that address: signed+{specification.scheme}://..., "
            f"alertmanager+{specification.scheme}://..., or a URL of Apprise such as json://..."
        )
    from app.alerts.channels.chats import Chat  # slow to import

    return Chat(name, url)
