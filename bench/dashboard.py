"""A dashboard with a month of simulated traffic: its pictures for docs/, and how quickly it is there.

python -m bench.dashboard --pictures     takes docs/pictures/
python -m bench.dashboard                measures the first page after a cold start, and how long a fact takes to it
"""

import argparse
import asyncio
import compileall
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from playwright.async_api import Browser, Page

import app
import streams
from app.counters import Counters, Selection, by_orders, counters_of
from app.dashboard.numbers import day_start_ms
from app.demo_traffic import keep_flowing
from app.draining import drained
from app.kafka_sender import kafka_sender
from app.local_stack.server_process import free_port
from app.local_stack.stack import LocalStack
from app.reading import reading
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from app.worker_process import running_server, running_worker
from bench.chromium import chromium, found

PICTURES: Final = Path(__file__).parent.parent / "docs" / "pictures"
HISTORY_DAYS: Final = 30  # so that the windows of the first half are closed
EVENTS: Final = 200_000
DAY_MS: Final = 24 * 3_600_000
PATIENCE_S: Final = 60.0
A_DAY: Final = 3_000_000  # records that come while pictures are taken
STARTS: Final = 5
NOTE: Final = "note-that-is-measured"
FACTS: Final = 40
SETTLED_MS: Final = 8_000  # so that something has happened while the page is looked at
QUALITY: Final = 80


class Shot(NamedTuple):
    """A picture: what of, in which language and light, and on how large a screen."""

    name: str
    path: str
    language: str = "en-US"
    scheme: str = "light"
    width: int = 1440
    height: int = 900


def shots(note_id: str, other_id: str, token: str) -> list[Shot]:
    """All pictures."""
    return [
        Shot("overview", "", height=1500),
        Shot("overview-zh-dark", "", "zh-CN", "dark"),
        Shot("overview-phone", "", "zh-CN", "light", 390, 844),
        Shot("overview-wall", "", "en-US", "dark", 2560, 1440),
        Shot("notes", "notes"),
        Shot("note", f"note/{note_id}?basis=click&span=60d", height=1250),
        Shot("note-zh", f"note/{note_id}?metrics=money&span=14d", "zh-CN", "dark", height=1250),
        Shot("compare", f"note/{note_id}?with={other_id}"),
        Shot("explain", f"explain?id={token}"),
        Shot("health-zh", "health", "zh-CN"),
    ]


@asynccontextmanager
async def filled() -> AsyncIterator[tuple[Settings, Path]]:
    """Servers and a worker that has absorbed a month of traffic, and a folder for logs."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(free_port(), free_port())
        await stack.start()
        settings = Settings(kafka=stack.kafka, redis=stack.redis, http=f"127.0.0.1:{free_port()}")
        try:
            await create_topics(settings)
            async with running_worker(settings, Path(folder)), kafka_sender(settings) as sender:
                now_ms = time.time_ns() // 1_000_000
                await sender.send(until(now_ms, simulate(month(now_ms), Tallies())))
                await drained(settings)
                yield settings, Path(folder)
        finally:
            await stack.stop()


def month(now_ms: int) -> SimulatorConfig:
    """Traffic of the last days until now."""
    start_ms = day_start_ms(now_ms) - HISTORY_DAYS * DAY_MS
    return SimulatorConfig(events=EVENTS, start_ms=start_ms, days=(now_ms - start_ms) / DAY_MS)


def until(now_ms: int, records: Iterable[Outgoing]) -> Iterator[Outgoing]:
    """The records that are due by then."""
    return takewhile(lambda record: (record.timestamp_ms or 0) <= now_ms, records)


async def take_pictures(settings: Settings, browser: Browser) -> None:
    """All pictures, while traffic flows."""
    async with reading(settings) as reader:
        notes: dict[str, Counters] = {one: counters_of(cells, Selection()) async for one, cells in reader.notes()}
    first, second, *_ = by_orders(notes)
    flowing = asyncio.create_task(keep_flowing(settings, month(time.time_ns() // 1_000_000), A_DAY))
    PICTURES.mkdir(exist_ok=True)
    for shot in shots(first, second, a_token()):
        await take(browser, f"http://{settings.http}/ui/", shot)
        print(shot.name, file=sys.stderr)
    flowing.cancel()


async def take(browser: Browser, home: str, shot: Shot) -> None:
    """One picture."""
    context = await browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        locale=shot.language,
        color_scheme="dark" if shot.scheme == "dark" else "light",
    )
    page = await context.new_page()
    await page.goto(home + shot.path)
    await page.wait_for_timeout(SETTLED_MS)
    await page.screenshot(path=PICTURES / f"{shot.name}.jpg", type="jpeg", quality=QUALITY)
    await context.close()


def a_token() -> str:
    """A token with something to explain: its order was credited and partly refunded, after more than one click."""
    seen: dict[str, set[str]] = {}
    for record in simulate(month(time.time_ns() // 1_000_000), Tallies()):
        if record.key is not None and record.topic in ("click-out", "order", "shop-entry"):
            kinds = seen.setdefault(record.key.decode(errors="replace"), set())
            kinds.add(record.topic + (":refunded" if b'"refunded"' in (record.value or b"") else ""))
            if kinds >= {"click-out", "shop-entry", "order", "order:refunded"}:
                return record.key.decode()
    return ""


async def measure(settings: Settings, folder: Path, browser: Browser) -> dict[str, float]:
    """Seconds from a server's start to its first answer and page, an empty cache to a page, a fact to the page."""
    for part in (app, streams):
        compileall.compile_dir(Path(str(part.__file__)).parent, quiet=1)  # as `make install` leaves it
    answered, cold, warm = [], [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with running_server(settings, folder):
            await until_ready(settings)
            answered.append(time.perf_counter() - began)
            cold.append(await first_page(browser, settings) and time.perf_counter() - began)
            began = time.perf_counter()
            await first_page(browser, settings)
            warm.append(time.perf_counter() - began)
    async with running_server(settings, folder):
        await until_ready(settings)
        page = await (await browser.new_context()).new_page()
        delays = sorted([await fact_to_page(settings, page, number) for number in range(FACTS)])
        results = sorted([await order_to_result(settings, page, number) for number in range(FACTS)])
    return {
        "server_start_to_first_answer_s": statistics.median(answered),
        "server_start_to_first_page_s": statistics.median(cold),
        "empty_cache_to_first_page_s": statistics.median(warm),
        "fact_to_page_p50_s": statistics.median(delays),
        "fact_to_page_max_s": delays[-1],
        "order_to_result_p50_s": statistics.median(results),
        "order_to_result_max_s": results[-1],
    }


async def first_page(browser: Browser, settings: Settings) -> bool:
    """The overview in a fresh profile, until it shows its numbers and answers a click."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"http://{settings.http}/")
    await page.locator(".figure .value").first.wait_for()
    await page.locator(".chart svg").first.wait_for()
    await context.close()
    return True


async def fact_to_page(settings: Settings, page: Page, number: int) -> float:
    """Seconds from producing a click to Kafka until the open page of its note counts it."""
    click = {"note_id": NOTE, "note_kind": "ad", "link": "note", "category": "fmcg.skincare"}
    async with kafka_sender(settings) as sender:
        began = time.perf_counter()
        await sender.send([fact("click-out", f"measured-{number}", click)])
        if number == 0:
            await drained(settings)
            await until_ready(settings, f"/v1/notes/{NOTE}")
            await page.goto(f"http://{settings.http}/ui/note/{NOTE}")
        await page.wait_for_function(
            "wanted => document.querySelectorAll('.step .value')[1]?.textContent === wanted", arg=str(number + 1)
        )
        return time.perf_counter() - began if number else 0.0


async def order_to_result(settings: Settings, page: Page, number: int) -> float:
    """Seconds from producing an order of a measured click until the open page of its note lists the result."""
    order = {"order_id": f"order-{number}-", "status": "paid", "amount_minor": 4_250, "currency": "CNY"}
    async with kafka_sender(settings) as sender:
        began = time.perf_counter()
        await sender.send([fact("order", f"measured-{number}", order)])
        await page.get_by_role("log").get_by_text(f"order-{number}-").wait_for()
        return time.perf_counter() - began


def fact(topic: str, token: str, fields: Mapping[str, object]) -> Outgoing:
    """A fact of the present moment."""
    value = {"event_id": token, "token": token, "at_ms": time.time_ns() // 1_000_000, **fields}
    value |= {"platform": "tmall", "merchant_id": "m1"}
    return Outgoing(topic, None, token.encode(), json.dumps(value).encode(), None)


async def until_ready(settings: Settings, path: str = "/v1/platforms") -> None:
    """Return when the server has told what it has to show, or that."""
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(base_url=f"http://{settings.http}") as client:
        while True:
            try:
                if (await client.get(path)).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.02)


async def main(*, pictures: bool) -> None:
    """Fill everything, then do one or the other."""
    binary = found()
    if binary is None:
        sys.exit("there is no Chromium: install Debian's package chromium")
    async with filled() as (settings, folder), chromium(binary) as browser:
        if pictures:
            async with running_server(settings, folder):
                await until_ready(settings)
                await take_pictures(settings, browser)
        else:
            print(json.dumps(await measure(settings, folder, browser), indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="store_true")
    asyncio.run(main(pictures=parser.parse_args().pictures))
