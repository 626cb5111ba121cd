"""What is told through a channel, and what a channel is."""

from typing import Literal, Protocol

import msgspec

from app.alerts.record import AlertRecord


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message about an alert, ready to be read by people and by programs."""

    message_id: str  # the same for every attempt and every channel
    event: Literal["firing", "repeated", "resolved", "test"]
    alert: AlertRecord
    title: str
    body: str
    link: str | None = None
    holds_for_s: int = 8 * 3_600  # if nothing more is heard, it is over after that
    chart: bytes | None = None  # PNG


class Channel(Protocol):
    """Brings messages to one place."""

    async def send(self, message: Message) -> None:
        """Return when it was taken; Unavailable: try again later; Misconfigured: that will never help.

        No error says more of the channel's address than its name.
        """

    async def close(self) -> None: ...
