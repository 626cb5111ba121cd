"""Channels to chats, mail and whatever else Apprise knows: Feishu, DingTalk, WeCom, Slack and a hundred more."""

import logging
from typing import Final

from apprise import Apprise, AppriseAsset, AppriseAttachment, NotifyFormat, NotifyType
from apprise.attachment.memory import AttachMemory

from app.alerts.channels.message import Message
from streams.errors import Misconfigured, Unavailable

TIMEOUT_S: Final = 30
_TYPES: Final = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "critical": NotifyType.FAILURE}


class Chat:
    """Sends through Apprise."""

    def __init__(self, name: str, url: str) -> None:
        # Apprise logs addresses and answers, in which there are secrets.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._name = name
        asset = AppriseAsset(app_id="Redcat", app_desc="Redcat alerts", app_url="", secure_logging=True)
        self._apprise = Apprise(asset=asset)
        if not self._apprise.add(url):
            raise Misconfigured(f"channel {name}: Apprise does not know this kind of URL, or it lacks a part")

    async def send(self, message: Message) -> None:
        """See Channel; the chart goes along where the service takes files."""
        alert = message.alert
        kind = NotifyType.SUCCESS if message.event == "resolved" else _TYPES[alert.severity]
        body = message.body if message.link is None else f"{message.body}\n{message.link}"
        taken = await self._apprise.async_notify(
            title=message.title,
            body=body,
            notify_type=kind,
            body_format=NotifyFormat.TEXT,
            attach=self._attachment(message),
            timeout=TIMEOUT_S,
        )
        if not taken:
            raise Unavailable(f"channel {self._name} did not take the message")

    async def close(self) -> None:
        """Nothing stays open."""

    def _attachment(self, message: Message) -> AppriseAttachment | None:
        takes_files = all(service.attachment_support for service in self._apprise)
        if message.chart is None or not takes_files:
            return None
        attachment = AppriseAttachment()
        name = f"{message.alert.rule}.png"
        attachment.add(AttachMemory(content=message.chart, name=name, mimetype="image/png"))  # type: ignore[no-untyped-call]
        return attachment
