"""The HTTP API beside a running worker: single notes at a steady rate, a ranked list of all, streams, memory.

Single notes are asked for at set moments, whether or not the answers before have come, and timed from those moments:
a server that falls behind cannot hide it.
"""

import asyncio
import dataclasses
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from app.kafka_sender import kafka_sender
from app.local_stack.server_process import ServerProcess, free_port
from app.settings import Settings
from app.simulator.facts import Outgoing
from bench.http_client import Pool, events
from bench.light import prompt_producer
from bench.percentile import percentile
from bench.processes import processor_s, rss_mib
from bench.world import World, progress, redcat
from streams.topics import physical

HOST: Final = "127.0.0.1"
PATIENCE_S: Final = 120.0
LISTS: Final = 20
PAUSE_S: Final = 0.05
CLICKS_PER_S: Final = 40.0  # on notes that somebody streams


@dataclass(frozen=True)
class Api:
    """What callers wait, and what the server spends."""

    notes: int
    rate_per_s: int
    note_p50_ms: float
    note_p99_ms: float
    server_us_per_request: float  # processor time, with what following the worker takes
    list_p50_ms: float
    list_max_ms: float
    streams: int
    stream_events: int
    stream_p50_ms: float  # from producing a click to the event on the stream
    stream_p99_ms: float
    rss_begin_mib: float
    rss_end_mib: float
    seconds: float


async def measure(world: World) -> Api:
    """Fill a namespace, then measure one thing after the other while a worker counts light traffic."""
    plan = world.plan
    async with serving(world, plan.api_notes, 3 * plan.api_s + 120, redcat("serve")) as caller:
        began, rss = time.perf_counter(), caller.rss_mib()
        notes_s, us = await caller.notes(plan.api_rate, plan.api_s)
        lists_s = await caller.lists()
        told_s = await caller.streams(plan.api_streams, plan.api_s)
        return Api(
            notes=plan.api_notes,
            rate_per_s=plan.api_rate,
            note_p50_ms=percentile(notes_s, 50) * 1e3,
            note_p99_ms=percentile(notes_s, 99) * 1e3,
            server_us_per_request=us,
            list_p50_ms=percentile(lists_s, 50) * 1e3,
            list_max_ms=max(lists_s) * 1e3,
            streams=plan.api_streams,
            stream_events=len(told_s),
            stream_p50_ms=percentile(told_s, 50) * 1e3,
            stream_p99_ms=percentile(told_s, 99) * 1e3,
            rss_begin_mib=rss,
            rss_end_mib=caller.rss_mib(),
            seconds=time.perf_counter() - began,
        )


@asynccontextmanager
async def serving(world: World, notes: int, seconds: float, server: Sequence[str]) -> AsyncIterator["Caller"]:
    """A worker and a ready server over so many notes, and light traffic for so long."""
    plan = world.plan
    settings = dataclasses.replace(await world.namespace("api"), http=f"{HOST}:{free_port()}")
    progress.print(f"api: {notes:,} notes")
    await _fill(settings, notes)
    await world.drain(settings)
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(world.running(settings, *redcat("worker")))
        process = await stack.enter_async_context(world.running(settings, *server))
        producer = await stack.enter_async_context(prompt_producer(settings))
        caller = Caller(process, worker, settings, producer, notes, seed=plan.seed)
        stack.callback(caller.pool.close)
        await caller.until_ready()
        traffic = (plan.light_rate, seconds, plan.seed)
        await stack.enter_async_context(
            world.running(settings, sys.executable, "-m", "bench.light", *map(str, traffic))
        )
        yield caller


class Caller:
    """Asks the server."""

    def __init__(
        self, server: ServerProcess, worker: ServerProcess, settings: Settings, producer: AIOKafkaProducer, notes: int,
        *, seed: int,
    ) -> None:  # fmt: skip
        self.server = server
        self.worker = worker
        self.port = int(settings.http.rpartition(":")[2])
        self.pool = Pool(HOST, self.port)
        self._prefix = settings.topic_prefix
        self._producer = producer
        self._notes = notes
        self._random = random.Random(f"api {seed}")

    def rss_mib(self) -> float:
        """Resident memory of the server."""
        return rss_mib(self.server.pid)

    async def until_ready(self) -> None:
        """Wait until figures can be shown."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    if (await self.pool.get("/ready"))[0] == 200:
                        return
                except OSError:
                    pass
                await asyncio.sleep(PAUSE_S)

    async def notes(self, rate: int, seconds: float) -> tuple[list[float], float]:
        """How long each answer took from the moment it was due, and the server's time for each in us."""
        progress.print(f"api: {rate} notes a second for {seconds:.0f} s")
        loop, waited, asking = asyncio.get_running_loop(), list[float](), set[asyncio.Task[None]]()
        spent_s, began = processor_s(self.server.pid), loop.time()

        async def ask(due: float) -> None:
            await self.pool.good(f"/v1/notes/bench{self._random.randrange(self._notes)}")
            waited.append(loop.time() - due)

        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(ask(due))
            asking.add(task)
            task.add_done_callback(asking.discard)
        await asyncio.gather(*asking)
        return waited, (processor_s(self.server.pid) - spent_s) / len(waited) * 1e6

    async def lists(self) -> list[float]:
        """How long first pages of all notes took, by several counters and rates."""
        took = []
        for number in range(LISTS):
            sort = ("orders", "clicks", "entry_rate", "gross_minor")[number % 4]
            began = time.perf_counter()
            await self.pool.good(f"/v1/notes?sort={sort}&limit=50")
            took.append(time.perf_counter() - began)
        return took

    async def streams(self, count: int, seconds: float) -> list[float]:
        """From producing a click until it is on the stream of its note, over all streams."""
        progress.print(f"api: {count} streams for {seconds:.0f} s")
        listeners = [Listener(f"bench{number}", self.port) for number in range(count)]
        tasks = [asyncio.create_task(one.listen()) for one in listeners]
        await asyncio.gather(*(one.began.wait() for one in listeners))
        for number in range(int(CLICKS_PER_S * seconds)):
            listener = listeners[number % count]
            listener.sent.append(time.perf_counter())
            click = _click(listener.note_id, f"s{number}")
            await self._producer.send(physical(self._prefix, click.topic), click.value, key=click.key)
            await asyncio.sleep(1 / CLICKS_PER_S)
        async with asyncio.timeout(PATIENCE_S):
            while any(len(one.told_s) < len(one.sent) for one in listeners):
                await asyncio.sleep(PAUSE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [told for one in listeners for told in one.told_s]


class Listener:
    """The stream of a note, and when each of its clicks was sent and told."""

    def __init__(self, note_id: str, port: int) -> None:
        self.note_id = note_id
        self.sent: list[float] = []
        self.told_s: list[float] = []
        self.began = asyncio.Event()
        self._port = port

    async def listen(self) -> None:
        """Follow the stream until cancelled."""
        known = 0
        async for event in events(HOST, self._port, f"/v1/stream?scope=notes&id={self.note_id}"):
            now, clicks = time.perf_counter(), json.loads(event)["counters"]["clicks"]
            if self.began.is_set():
                done = len(self.told_s)
                self.told_s += [now - sent for sent in self.sent[done : done + clicks - known]]
            known = clicks
            self.began.set()


async def _fill(settings: Settings, notes: int) -> None:
    async with kafka_sender(settings) as sender:
        await sender.send(_traffic(notes))


def _traffic(notes: int) -> Iterator[Outgoing]:
    """A click on each note, and an order under every tenth."""
    at_ms = time.time_ns() // 1_000_000 - 3_600_000
    for number in range(notes):
        token = f"{number:032x}"
        yield _click(f"bench{number}", token)
        if number % 10 == 0:
            order = {"order_id": str(number), "status": "paid", "amount_minor": 100 + number, "currency": "CNY"}
            fact = {"token": token, "event_id": f"o{number}", "at_ms": at_ms + 1, **_shop(number)} | order
            yield _record("order", fact)


def _click(note_id: str, token: str) -> Outgoing:
    number = int(note_id.removeprefix("bench"))
    fields = {
        "token": token, "event_id": f"c{token}", "at_ms": time.time_ns() // 1_000_000 - 3_600_000, "note_id": note_id,
        "note_kind": "ad", "link": "note", "category": "fmcg.snacks", "campaign_id": f"c{number % 100}",
        **_shop(number),
    }  # fmt: skip
    return _record("click-out", fields)


def _shop(number: int) -> dict[str, str]:
    return {"platform": ("taobao", "tmall", "jd")[number % 3], "merchant_id": f"m{number % 300}"}


def _record(topic: str, fields: dict[str, Any]) -> Outgoing:
    return Outgoing(topic, None, str(fields["token"]).encode(), json.dumps(fields).encode(), None)
