"""The whole of Redcat at once: servers, topics, a worker, the dashboard, and a run of traffic through all of it."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.demo_run import Run, Verdict, meanwhile
from app.demo_stage import Stage
from app.local_stack.server_process import free_port, require_free
from app.local_stack.stack import LocalStack
from app.reading import reading
from app.settings import Settings, host_and_port
from app.simulator.config import SimulatorConfig
from app.simulator.incidents import read_incident
from app.simulator.pace import DAY_MS
from app.start_progress import shown_on_stderr
from app.topic_admin import create_topics
from app.worker_process import running_server, running_worker, until_ended
from streams.errors import Misconfigured, Unavailable

POLL_S: Final = 0.1
WORKER_STARTS_S: Final = 30.0
DAYS: Final = 0.5  # of the traffic, so that there is enough of it in each minute
ALERT_RULES: Final = Path(__file__).parent / "demo_rules.yaml"
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
                meanwhile(stack.until_one_ends(), until_ended(worker), until_ended(server)),
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
