"""From notices to messages: words, chart and link, handed to the channels."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from app.alerts.background import Background, look_up
from app.alerts.channels.delivery import Delivery
from app.alerts.channels.message import Message
from app.alerts.notices import Notice
from app.alerts.record import AlertRecord
from app.alerts.triage import body_of, title_of
from app.redis_store.reader import Reader
from streams.errors import RedcatError

log = logging.getLogger(__name__)

NOTHING: Final = Background([], [])


class Teller:
    """Hands each notice out once in the life of this process, and knows which were taken by all channels."""

    def __init__(self, delivery: Delivery, *, language: str, public_url: str | None) -> None:
        self._delivery = delivery
        self._language = language
        self._public_url = public_url
        self._left: dict[str, set[str]] = {}  # channels that have not taken a message
        self._taken: set[str] = set()

    def taken(self, message_id: str, channel: str) -> None:
        """A channel has taken a message, or given it up."""
        left = self._left.get(message_id)
        if left is not None:
            left.discard(channel)
            if not left:
                self._taken.add(message_id)

    def all_taken(self) -> set[str]:
        """The messages that nobody waits for any more."""
        return set(self._taken)

    def settled(self, message_ids: set[str]) -> None:
        """These are remembered as taken."""
        for message_id in message_ids:
            self._left.pop(message_id, None)
        self._taken -= message_ids

    async def tell(self, waiting: Mapping[str, Notice], reader: Reader, repeat_s: int) -> None:
        """Hand out what was not handed out before."""
        for message_id, notice in waiting.items():
            if message_id in self._left:
                continue
            takers = self._delivery.takers(notice.record.severity)
            self._left[message_id] = set(takers)
            if takers:
                self._delivery.post(await self._message(notice, reader, repeat_s))
            else:
                self._taken.add(message_id)

    async def _message(self, notice: Notice, reader: Reader, repeat_s: int) -> Message:
        record = notice.record
        background = NOTHING
        try:
            background = await look_up(reader, record, self._language)
        except RedcatError as error:
            # People are to hear of it all the same.
            log.warning("an alert is told without its background", extra={"reason": str(error)})
        chart = None
        try:
            chart = await asyncio.to_thread(_chart, record, background)
        except Exception:  # a chart is an extra
            log.exception("an alert is told without its chart", extra={"alert": record.alert_id})
        return Message(
            message_id=notice.message_id, event=notice.event, alert=record,
            title=title_of(record, notice.event, self._language),
            body=body_of(record, background.moved, self._language),
            link=link_to(self._public_url, record), holds_for_s=2 * repeat_s, chart=chart,
        )  # fmt: skip


def _chart(record: AlertRecord, background: Background) -> bytes | None:
    from app.alerts.chart import draw  # slow to import

    return draw(record, background.points)


def link_to(public_url: str | None, record: AlertRecord) -> str | None:
    """Where the dashboard shows an alert."""
    return None if public_url is None else f"{public_url.rstrip('/')}/alerts#{quote(record.alert_id)}"
