"""Messages on their way: each channel has a queue, a pace and patience of its own, so that none waits for another."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from app.alerts.channels.message import Channel, Message
from app.alerts.rules import Severity
from streams.errors import Misconfigured, RedcatError

log = logging.getLogger(__name__)

Delivered = Callable[[str, str], None]
"""Called with a message's id and the channel's name when it was taken, or given up."""


class Patience(NamedTuple):
    """How a channel is treated."""

    first_pause_s: float = 1.0  # doubled after each failure
    longest_pause_s: float = 300.0
    give_up_after_s: float = 6 * 3_600.0
    attempt_s: float = 60.0
    messages: int = 20  # within `per_s`, then the next one waits
    per_s: float = 60.0
    waiting: int = 500  # messages; then the oldest is given up


USUAL: Final = Patience()


class Courier:
    """Brings messages to one channel, in their order."""

    def __init__(
        self, name: str, channel: Channel, severities: frozenset[Severity], *, delivered: Delivered,
        patience: Patience,
    ) -> None:  # fmt: skip
        self.name = name
        self._channel = channel
        self._severities = severities
        self._delivered = delivered
        self._patience = patience
        self._queue: deque[Message] = deque()
        self._some = asyncio.Event()
        self._sent_s: deque[float] = deque(maxlen=patience.messages)
        self._random = Random()

    def takes(self, severity: Severity) -> bool:
        """Whether the channel wants messages of this severity."""
        return severity in self._severities

    def post(self, message: Message) -> None:
        """Put a message at the end of the queue."""
        if len(self._queue) >= self._patience.waiting:
            lost = self._queue.popleft()
            log.error("a message was given up: too many wait", extra=self._about(lost))
            self._delivered(lost.message_id, self.name)
        self._queue.append(message)
        self._some.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            while self._queue:
                message = self._queue.popleft()
                await self._deliver(message)
                self._delivered(message.message_id, self.name)
            self._some.clear()
            await self._some.wait()

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def _deliver(self, message: Message) -> None:
        clock = asyncio.get_running_loop().time
        began, pause_s = clock(), self._patience.first_pause_s
        while True:
            await self._keep_pace()
            try:
                async with asyncio.timeout(self._patience.attempt_s):
                    await self._channel.send(message)
                return
            except Misconfigured as error:
                log.error("a message was refused", extra={**self._about(message), "reason": str(error)})  # noqa: TRY400
                return
            except (RedcatError, TimeoutError) as error:
                reason = str(error) or "no answer in time"
            except Exception as error:  # whatever a library of a hundred services raises must not stop this one
                reason = type(error).__name__
            if clock() - began > self._patience.give_up_after_s:
                log.error("a message was given up", extra={**self._about(message), "reason": reason})
                return
            log.warning("a message will be sent again", extra={**self._about(message), "reason": reason})
            await asyncio.sleep(pause_s * (0.5 + self._random.random()))
            pause_s = min(2 * pause_s, self._patience.longest_pause_s)

    async def _keep_pace(self) -> None:
        clock = asyncio.get_running_loop().time
        if len(self._sent_s) == self._patience.messages:
            await asyncio.sleep(max(0.0, self._sent_s[0] + self._patience.per_s - clock()))
        self._sent_s.append(clock())

    def _about(self, message: Message) -> dict[str, str]:
        return {"channel": self.name, "alert": message.alert.alert_id, "event": message.event}


class Delivery:
    """All channels at once."""

    def __init__(self, couriers: Sequence[Courier]) -> None:
        self._couriers = couriers

    def takers(self, severity: Severity) -> list[str]:
        """The names of the channels that take messages of a severity."""
        return [courier.name for courier in self._couriers if courier.takes(severity)]

    def post(self, message: Message) -> None:
        """Hand a message to every channel that takes it."""
        for courier in self._couriers:
            if courier.takes(message.alert.severity):
                courier.post(message)

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for courier in self._couriers:
                    group.create_task(courier.run())
        finally:
            for courier in self._couriers:
                await courier.close()
