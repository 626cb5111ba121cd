"""What time series cost: the same traffic with and without them, at the pace at which it would come live.

Simulated days that are drained in seconds would spread every batch over hours, which live traffic never does.  Here the
facts of a batch are of the same minute, entries follow their clicks within minutes, and orders within days.
"""

import dataclasses
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from app.kafka_sender import kafka_sender
from app.settings import Settings
from app.simulator.facts import Outgoing
from bench.world import Spent, World, progress

NEVER: Final = "0s"
WORKER, REDIS = Spent._fields.index("worker_s"), Spent._fields.index("redis_s")
RATE: Final = 2_000  # facts in a second of event time
DAY_S: Final = 86_400
NOTES, MERCHANTS, CAMPAIGNS = 2_000, 200, 50
CATEGORIES: Final = tuple(f"{top}.{n}" for top in ("fmcg", "outdoor", "health") for n in range(10))
PLATFORMS: Final = ("taobao", "tmall", "jd", "xhs")


@dataclass(frozen=True)
class SeriesCost:
    """How much more a worker and Redis spend on a record, and Redis holds, for series by minute and hour."""

    events: int
    worker_us_per_event: float
    redis_us_per_event: float
    redis_bytes: int


async def measure(world: World) -> SeriesCost:
    """Without series, twice with them, and without them again, so that no kind has only early or late runs."""
    runs = [await _drain(world, number, kept=kept) for number, kept in enumerate((False, True, True, False))]
    events = 2 * world.plan.series_events
    worker_s, redis_s = (
        sum(run[0][part] for run in runs[1:3]) - runs[0][0][part] - runs[3][0][part] for part in (WORKER, REDIS)
    )
    return SeriesCost(
        events=world.plan.series_events,
        worker_us_per_event=worker_s / events * 1e6,
        redis_us_per_event=redis_s / events * 1e6,
        redis_bytes=(runs[1][1] + runs[2][1] - runs[0][1] - runs[3][1]) // 2,
    )


async def _drain(world: World, number: int, *, kept: bool) -> tuple[Spent, int]:
    """What one run spends on facts of now, after clicks of the last days have been counted; bytes in Redis."""
    settings = await world.namespace(f"series-{number}")
    if not kept:
        settings = dataclasses.replace(settings, keep_minutes=NEVER, keep_hours=NEVER)
    traffic = Traffic(world.plan.seed, world.plan.series_events)
    progress.print(f"time series: {'with' if kept else 'without'} them, {world.plan.series_events:,} records")
    await _send(settings, traffic.clicks_of_days())
    await world.drain(settings)
    await _send(settings, traffic.now())
    spent = await world.drain(settings)
    return spent, int((await world.redis.info("memory"))["used_memory"])


async def _send(settings: Settings, records: Iterator[Outgoing]) -> None:
    async with kafka_sender(settings) as sender:
        await sender.send(records)


class Traffic:
    """Clicks of the last days, then facts at a steady pace up to now: half clicks, a third entries, the rest orders."""

    def __init__(self, seed: int, events: int) -> None:
        self._random = random.Random(seed)
        self._events = events
        self._began_s = time.time() - events / RATE
        self._known: list[dict[str, object]] = []

    def clicks_of_days(self) -> Iterator[Outgoing]:
        """As many as there are facts to come."""
        for number in range(self._events):
            click = self._click(f"{number:032x}", self._began_s - self._random.random() * 3 * DAY_S)
            self._known.append(click)
            yield _record("click-out", click)

    def now(self) -> Iterator[Outgoing]:
        """The facts of which the cost is measured."""
        fresh: list[dict[str, object]] = []
        for number in range(self._events):
            at_s, kind = self._began_s + number / RATE, self._random.random()
            if kind < 0.5 or not fresh:
                fresh.append(self._click(f"f{number:031x}", at_s))
                yield _record("click-out", fresh[-1])
            elif kind < 0.85:
                yield _record("shop-entry", _fact(self._random.choice(fresh[-RATE * 60 :]), number, at_s))
            else:
                order = {"order_id": str(number), "status": "paid", "amount_minor": 9_900, "currency": "CNY"}
                yield _record("order", _fact(self._random.choice(self._known), number, at_s) | order)

    def _click(self, token: str, at_s: float) -> dict[str, object]:
        note = int(NOTES * self._random.random() ** 3)
        return {
            "token": token, "event_id": token[:24], "at_ms": int(at_s * 1_000), "note_id": f"note{note}",
            "note_kind": "ad", "link": "note", "platform": PLATFORMS[note % 4], "merchant_id": f"m{note % MERCHANTS}",
            "category": CATEGORIES[note % len(CATEGORIES)], "campaign_id": f"c{note % CAMPAIGNS}",
        }  # fmt: skip


def _fact(click: dict[str, object], number: int, at_s: float) -> dict[str, object]:
    shop = {name: click[name] for name in ("token", "platform", "merchant_id")}
    return shop | {"event_id": f"{number:024x}", "at_ms": int(at_s * 1_000)}


def _record(topic: str, fields: dict[str, object]) -> Outgoing:
    return Outgoing(topic, None, str(fields["token"]).encode(), orjson.dumps(fields), None)
