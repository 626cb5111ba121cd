"""The whole of Redcat at once: servers, traffic, a worker, a live view, and the comparison with the truth."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from rich.console import Console
from rich.text import Text

from app.alerts.clocks import EventClock
from app.alerts.record import AlertRecord
from app.alerts.setup import evaluator
from app.alerts.triage import clock, summary_of
from app.counters import Counters, Selection, counters_of, json_of
from app.draining import drained
from app.fetch_progress import shown_on_stderr
from app.kafka_sender import KafkaSender, kafka_sender
from app.live_view import Moment, View
from app.local_stack.server_process import free_port, require_free
from app.local_stack.stack import LocalStack
from app.reading import reading
from app.redis_store.reader import Reader
from app.results_reader import Results, ResultsReader, reading_results
from app.settings import Settings, host_and_port
from app.simulator.compare import compare_counters, compare_results, kept
from app.simulator.config import SimulatorConfig
from app.simulator.incidents import Incident, read_incident
from app.simulator.pace import DAY_MS
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.simulator.truth_file import truth_of
from app.texts import texts
from app.topic_admin import create_topics
from app.worker_process import running_server, running_worker, until_ended
from streams.errors import Misconfigured, Unavailable

REFRESH_S: Final = 0.5
POLL_S: Final = 0.1
WORKER_STARTS_S: Final = 30.0
STALLED_S: Final = 60.0
DAYS: Final = 0.5  # of the traffic, so that there is enough of it in each minute
ALERTS_EVERY_S: Final = 300.0  # of the traffic's time
ALERT_RULES: Final = Path(__file__).parent / "demo_rules.yaml"
ALERT_STYLES: Final = {"pending": "yellow", "firing": "bold red", "resolved": "green"}
INCIDENT: Final = "link_break,platform=taobao,from=7h,for=2h"
SHANGHAI_MS: Final = 8 * 3_600_000


def demo_config(events: int, seed: int, now_ms: int, *, full_results: bool) -> SimulatorConfig:
    """The traffic of the last morning that is over in Shanghai, with an incident in it."""
    days = (now_ms + SHANGHAI_MS - int(DAYS * DAY_MS)) // DAY_MS
    start_ms = days * DAY_MS - SHANGHAI_MS
    return SimulatorConfig(
        events=events, seed=seed, start_ms=start_ms, days=DAYS, full_results=full_results,
        incidents=(read_incident(INCIDENT, start_ms),),
    )  # fmt: skip


def end_of(config: SimulatorConfig) -> int:
    """When the journeys of the traffic have begun."""
    return config.start_ms + int(config.days * DAY_MS)


class Verdict(NamedTuple):
    """What the comparison found; `wrong` has a line for each difference."""

    notes: int
    results: int
    wrong: list[str]


class Stage:
    """Where the demo plays: on these texts and on this console."""

    def __init__(self, language: str, console: Console, view: View) -> None:
        self.language = language
        self.texts = texts(language, {})
        self.view = view
        self._console = console

    def say(self, text: str, **filled: object) -> None:
        """Print a line beside the data."""
        self._console.print(text.format(**filled), highlight=False, soft_wrap=True)

    def plant(self, incident: Incident) -> None:
        """Tell what is going to happen."""
        times = {"start": clock(incident.from_ms), "end": clock(incident.to_ms)}
        self.say(self.texts.planted, kind=incident.kind, scope=incident.scope, id=incident.id, **times)

    def alert(self, records: Sequence[AlertRecord]) -> None:
        """Tell of alerts as they begin and end."""
        for record in records:
            line = Text(f"{clock(record.at_ms)} ").append(record.state.upper(), ALERT_STYLES[record.state])
            line.append(f" {summary_of(record, self.language)}")
            self._console.print(line, highlight=False, soft_wrap=True)


@asynccontextmanager
async def demonstration(config: SimulatorConfig, stage: Stage) -> AsyncIterator[tuple[Verdict, Settings]]:
    """Run everything to the end of the traffic; yields the verdict and where all is, until the context is left.

    Raises Unavailable if a server or the worker ends by itself, or if nothing moves any more.
    """
    async with _servers(stage) as stack:
        http = f"127.0.0.1:{_http_port()}"
        settings = Settings(
            kafka=stack.kafka, redis=stack.redis, partitions=config.partitions, http=http, alert_rules=ALERT_RULES
        )
        stage.say(stage.texts.making_topics)
        await create_topics(settings)
        with LogFolder() as logs:
            async with (
                running_worker(settings, logs.path) as worker,
                running_server(settings, logs.path) as server,
                _meanwhile(stack.until_one_ends(), until_ended(worker), until_ended(server)),
            ):
                await _until_namespace_is_made(settings)
                stage.say(stage.texts.dashboard, address=f"http://{settings.http}/")
                verdict = await Run(settings, config, stage).verdict()
                if verdict.wrong:
                    logs.keep = True
                    stage.say(stage.texts.log, path=worker.log)
                yield verdict, settings


class LogFolder:
    """Where the worker logs; it stays when something went wrong, so that it can be read."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="redcat-demo-"))
        self.keep = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Being interrupted is no fault to look into.
        if not self.keep and not isinstance(error, Exception):
            shutil.rmtree(self.path, ignore_errors=True)


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
                async with _meanwhile(
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


async def _notes(reader: Reader) -> dict[str, Counters]:
    return {note_id: counters_of(cells, Selection()) async for note_id, cells in reader.notes()}


@asynccontextmanager
async def _servers(stage: Stage) -> AsyncIterator[LocalStack]:
    """The embedded servers at ports of their own; they forget everything."""
    stage.say(stage.texts.starting)
    began = time.monotonic()
    stack = LocalStack(free_port(), free_port())
    try:
        with shown_on_stderr() as progress:
            await stack.start(progress)
        seconds = f"{time.monotonic() - began:.1f}"
        stage.say(stage.texts.started, kafka=stack.kafka, redis=stack.redis, seconds=seconds)
        yield stack
    finally:
        await stack.stop()


def _http_port() -> int:
    """The usual one if nobody listens there."""
    _, usual = host_and_port(Settings().http, "http")
    try:
        require_free(usual, server="the dashboard", setting="REDCAT_HTTP")
    except Misconfigured:
        return free_port()
    return usual


async def _until_namespace_is_made(settings: Settings) -> None:
    try:
        async with asyncio.timeout(WORKER_STARTS_S):
            while not await _has_namespace(settings):
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise Unavailable(f"the worker has not begun to work for {WORKER_STARTS_S:.0f} s") from error


async def _has_namespace(settings: Settings) -> bool:
    try:
        async with reading(settings):
            return True
    except Misconfigured:
        return False


@asynccontextmanager
async def _meanwhile(*others: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Run the others beside the body: its end ends them, their first error ends it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(other) for other in others]
        yield
        for task in tasks:
            task.cancel()
