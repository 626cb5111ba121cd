"""Traffic with a known truth that goes on through everything, under policies of which some are yet to be published."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from app.kafka_sender import Sending, kafka_sender
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.pace import DAY_MS
from app.simulator.rules import DEFAULT_POLICY, Document, Rules
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies

PATIENCE_S: Final = 180.0  # Kafka comes back sooner


def policies_to_come(config: SimulatorConfig) -> Sequence[Document]:
    """Those that are published while it runs; each says something about clicks that were counted before."""
    days = [config.start_ms + int(share * config.days * DAY_MS) for share in (0.25, 0.5, 0.75)]
    shop: Document = {"windows": {"order": "7d"}}
    return [
        {
            **DEFAULT_POLICY,
            "version": 2, "effective_from_ms": days[0],
            "windows": {"entry": "12h", "favourite": "3d", "cart": "3d", "order": "10d"},
        },
        {
            **DEFAULT_POLICY,
            "version": 3, "effective_from_ms": days[1], "lead": "5s",
            "platforms": {"taobao": {}, "tmall": shop, "jd": shop, "xhs": {"industries": {"*": "open"}}},
        },
        {
            **DEFAULT_POLICY,
            "version": 4, "effective_from_ms": days[2],
            "gates": [{"platform": "taobao", "closed_from_ms": days[2], "closed_to_ms": days[2] + DAY_MS // 4}],
        },
    ]  # fmt: skip


def policy_file(path: Path, documents: Sequence[Document]) -> Path:
    """A file as `redcat policy publish` reads it; JSON is YAML."""
    path.write_text("---\n".join(json.dumps(document) + "\n" for document in documents))
    return path


class Traffic:
    """A simulation on its way into Kafka; `tallies` hold its truth once all of it is sent."""

    def __init__(
        self, settings: Settings, config: SimulatorConfig, rate: float, policies: Sequence[Document] = ()
    ) -> None:
        """`policies` are those that are going to be published."""
        self.config = config
        self.sent = 0
        self.policies = policies
        self.tallies = Tallies(Rules([DEFAULT_POLICY, *self.policies]))
        self._settings = settings
        self._rate = rate
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._idle = asyncio.Event()

    @property
    def done(self) -> bool:
        return self.sent >= self.config.events

    async def send(self) -> None:
        """Send everything at the rate; what Kafka missed while it was away is caught up with."""
        records = simulate(self.config, self.tallies)
        while not self.done:
            async with kafka_sender(self._settings, Sending(rate=self._rate, patience_s=PATIENCE_S)) as sender:
                await sender.send(self._until_paused(records))
            self._idle.set()
            await self._flowing.wait()

    def _until_paused(self, records: Iterator[Outgoing]) -> Iterator[Outgoing]:
        while self._flowing.is_set() and (record := next(records, None)) is not None:
            self.sent += 1
            yield record

    async def pause(self) -> None:
        """Return when all that was begun is in Kafka; nothing more is sent until `resume`."""
        if self.done:
            return
        self._idle.clear()
        self._flowing.clear()
        await self._idle.wait()

    def resume(self) -> None:
        """Go on sending."""
        self._flowing.set()
