"""The traffic of the demo: sent through a running worker, shown as it is counted, compared with the truth."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, NamedTuple

from app.alerts.clocks import EventClock
from app.alerts.setup import evaluator
from app.counters import Counters, Selection, counters_of, json_of
from app.demo_stage import Stage
from app.draining import drained
from app.kafka_sender import KafkaSender, kafka_sender
from app.live_view import Moment, View
from app.reading import reading
from app.redis_store.reader import Reader
from app.results_reader import Results, ResultsReader, reading_results
from app.settings import Settings
from app.simulator.compare import compare_counters, compare_results, kept
from app.simulator.config import SimulatorConfig
from app.simulator.pace import DAY_MS
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.simulator.truth_file import truth_of
from streams.errors import Unavailable

REFRESH_S: Final = 0.5
STALLED_S: Final = 60.0
ALERTS_EVERY_S: Final = 300.0  # of the traffic's time


class Verdict(NamedTuple):
    """What the comparison found; `wrong` has a line for each difference."""

    notes: int
    results: int
    wrong: list[str]


class Run:
    """One simulation through a running worker, with alerts evaluated as time passes in it."""

    def __init__(self, settings: Settings, config: SimulatorConfig, stage: Stage) -> None:
        self._settings = settings
        self._config = config
        self._stage = stage
        self._doing = stage.texts.sending
        self._tallies = Tallies(full_results=config.full_results)
        self._results = Results(partial(kept, full=config.full_results))
        self._began = time.monotonic()
        self._moved_at = self._began
        self._moved: tuple[int, int, int] | None = None

    async def verdict(self) -> Verdict:
        """Send all traffic, wait until it is absorbed and published, and compare all with the truth."""
        settings, said = self._settings, self._stage.texts
        passing = EventClock(ALERTS_EVERY_S, until_ms=end_of(self._config))
        async with (
            reading_results(settings) as topic,
            reading(settings) as reader,
            kafka_sender(settings) as sender,
            evaluator(settings, passing, self._stage.alert) as (alerts, _),
        ):
            with self._stage.view as view:
                for incident in self._config.incidents:
                    self._stage.plant(incident)
                async with meanwhile(
                    self._show(view, reader, sender),
                    topic.follow(self._results),
                    alerts.run(lambda: reading(settings)),
                ):
                    await sender.send(simulate(self._config, self._tallies))
                    self._doing = said.absorbing
                    await drained(settings)
                    # What a worker forwards to the right partition is input as well.
                    await drained(settings)
                    passing.finish()
                    await passing.ended.wait()
                self._doing = said.comparing
                view.show(await self._moment(reader, sender))
                return await self._compare(reader, topic)

    async def _show(self, view: View, reader: Reader, sender: KafkaSender) -> None:
        while True:
            moment = await self._moment(reader, sender)
            view.show(moment)
            self._ensure_movement(moment)
            await asyncio.sleep(REFRESH_S)

    async def _moment(self, reader: Reader, sender: KafkaSender) -> Moment:
        lanes = await reader.lanes()
        absorbed = sum(sum(lane.positions.values()) for lane in lanes)
        return Moment(
            elapsed_s=time.monotonic() - self._began,
            events=self._config.events,
            sent=sender.sent,
            absorbed=min(absorbed, sender.sent),  # forwarded records and Kafka's own are not counted among the sent
            results=self._results.records,
            notes=await _notes(reader),
            doing=self._doing,
        )

    def _ensure_movement(self, moment: Moment) -> None:
        moved = (moment.sent, moment.absorbed, moment.results)
        if moved != self._moved:
            self._moved, self._moved_at = moved, time.monotonic()
        elif time.monotonic() - self._moved_at > STALLED_S:
            raise Unavailable(f"nothing has moved for {STALLED_S:.0f} s: {self._doing}")

    async def _compare(self, reader: Reader, topic: ResultsReader) -> Verdict:
        await topic.read_to_end(self._results)
        truth = truth_of(self._tallies)
        wrong = compare_counters(truth, json_of(await _notes(reader))["notes"])
        wrong += compare_results(truth, self._results.latest)
        wrong += [f"{identity}: revision {revision} came twice" for identity, revision in self._results.twice]
        return Verdict(len(truth.notes), len(truth.results), wrong)


def end_of(config: SimulatorConfig) -> int:
    """When the journeys of the traffic have begun."""
    return config.start_ms + int(config.days * DAY_MS)


async def _notes(reader: Reader) -> dict[str, Counters]:
    return {note_id: counters_of(cells, Selection()) async for note_id, cells in reader.notes()}


@asynccontextmanager
async def meanwhile(*others: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Run the others beside the body: its end ends them, their first error ends it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(other) for other in others]
        yield
        for task in tasks:
            task.cancel()
