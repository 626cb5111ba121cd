"""Evaluators on real servers: what was planted is found, told once and taken back; what is seen is what was counted."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from app.alerts.clocks import EventClock, WallClock
from app.alerts.evaluation import evaluate
from app.alerts.history import hours_before
from app.alerts.lateness import MINUTE_MS, Lateness
from app.alerts.model import Scope
from app.alerts.observing import Observer, Seen
from app.alerts.record import AlertRecord
from app.alerts.remembering import Remembering
from app.alerts.rules_file import read_rules
from app.alerts.setup import evaluator
from app.alerts.state import State
from app.counters import Selection, counters_of
from app.demo import ALERT_RULES, demo_config
from app.demo_run import end_of
from app.local_stack.kafka_server import KafkaServer
from app.reading import reading
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.incidents import read_incident
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies
from app.topic_admin import create_topics
from tests.conftest import Namespace
from tests.integration.absorbed import absorb
from tests.unit.alert_messages import receiving

DAY_MS = 24 * 60 * MINUTE_MS
EVENING_MS = 13 * 60 * MINUTE_MS  # 21:00 in Shanghai
PARTITIONS = 1
PATIENCE_S = 300
START_MS = 1_794_758_400_000


@pytest.fixture
def settings(kafka_server: KafkaServer, valkey_url: str, namespace: Namespace) -> Settings:
    return Settings(
        kafka=kafka_server.address, redis=valkey_url, topic_prefix=namespace.prefix, group=namespace.group,
        partitions=PARTITIONS, alert_rules=ALERT_RULES, alert_language="en", public_url="https://redcat.example/",
    )  # fmt: skip


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_planted_break_is_found_told_with_its_chart_and_taken_back(settings: Settings) -> None:
    config = demo_config(24_000, 1, time.time_ns() // 1_000_000, full_results=False)
    planted = read_incident("link_break,platform=xhs,from=7h,for=2h", config.start_ms)
    config = replace(config, partitions=PARTITIONS, notes=300, incidents=(planted,))
    tallies, told = Tallies(), list[AlertRecord]()
    await create_topics(settings)
    await absorb(settings, simulate(config, tallies))
    (incident,) = tallies.incidents
    clock = EventClock(600, until_ms=end_of(config))
    clock.finish()

    async with receiving() as receiver:
        with_channel = Settings(**{**vars(settings), "alert_channels": f"hook[critical]=json://{receiver.url}/"})
        async with evaluator(with_channel, clock, told.extend) as (one, delivery):
            clock._last_ms = config.start_ms
            working = [asyncio.create_task(delivery.run()), asyncio.create_task(one.run(lambda: reading(settings)))]
            await asyncio.wait([asyncio.create_task(clock.ended.wait()), *working], return_when="FIRST_COMPLETED")
            await until(lambda: len(receiver.received) == 2)
            for task in working:
                task.cancel()
            await asyncio.wait(working)

    about = [record for record in told if record.id == "xhs"]
    assert [record.state for record in about] == ["pending", "firing", "resolved"]
    assert {record.alert_id for record in told} == {about[0].alert_id}, "one cause, one alert"
    assert incident.from_ms <= about[0].since_ms <= about[1].at_ms < incident.from_ms + 60 * MINUTE_MS
    assert incident.to_ms < about[2].at_ms
    firing, resolved = (json.loads(got.body) for got in receiver.received)
    assert firing["title"] == "[FIRING · critical] platform xhs: clicks that lead to a shop entry"
    assert "an hour is being lost (95 %:" in firing["message"]
    assert "platform xhs, clicks that lead to a shop entry: " in firing["message"], "what has moved"
    assert firing["message"].endswith(f"https://redcat.example/alerts#{about[0].alert_id}")
    assert firing["attachments"][0]["mimetype"] == "image/png"
    assert "as usual again" in resolved["message"]


def change(seen: Seen, scope: str, name: str) -> int:
    kind, _, place = scope.partition(":")
    scopes = [str(one) for one in seen.observations.scopes]
    counts: Any = seen.observations.counts.get(name)
    return int(counts[scopes.index(f"{kind}:{place}")]) if counts is not None and scope in scopes else 0


async def test_what_is_observed_is_what_was_counted_since_the_look_before(settings: Settings) -> None:
    traffic = list(simulate(SimulatorConfig(events=2_000, notes=30, partitions=PARTITIONS), Tallies()))
    await absorb(settings, traffic[:1_500])
    async with reading(settings) as reader:
        observer, looks = Observer(), list[Seen]()
        before = {note_id: cells async for note_id, cells in reader.notes()}
        async with observer.following(reader):
            looks.append(await observer.look(reader, 60_000))
            await absorb(settings, traffic[1_500:])
            looks.append(await observer.look(reader, 120_000))
        async with observer.following(reader):  # as after a loss of the connection, or a rebuild
            looks.append(await observer.look(reader, 180_000))
        notes = {note_id: cells async for note_id, cells in reader.notes()}
        ledger = await reader.ledger()

    for scope, selection in {"platform:taobao": Selection(platform="taobao"), "all:*": Selection()}.items():
        for name in ("clicks", "entries", "orders", "clicks_entered"):
            first, second = (
                sum(counters_of(cells, selection).get(name, 0) for cells in some.values()) for some in (before, notes)
            )
            assert change(looks[1], scope, name) == second - first > 0
    assert len(looks[0].observations.scopes) == 0, "nobody knows when that was counted"
    assert 0 < change(looks[1], "topic:order", "consumed") < ledger["order:consumed"]
    assert change(looks[1], "all:*", "refused:no_click") > 0
    assert len(looks[2].observations.scopes) == 0
    places = looks[1].places()
    assert places.keys() == {
        Scope("note", note_id) for note_id in notes if any(cell.platform for cell, _ in notes[note_id])
    }
    assert looks[1].worths([Scope("platform", "taobao")])[Scope("platform", "taobao")].net_minor > 0


async def test_what_is_counted_between_two_evaluators_is_not_lost(settings: Settings) -> None:
    traffic = list(simulate(SimulatorConfig(events=2_000, notes=30, partitions=PARTITIONS), Tallies()))
    await absorb(settings, traffic[:1_500])
    rules = read_rules(None)
    observer, state = Observer(), State(rules)
    async with reading(settings) as reader:
        async with observer.following(reader):
            seen = await observer.look(reader, START_MS)
            state, _ = evaluate(rules, state, seen.observations, START_MS)
            remembering = Remembering(observer, now_ms=lambda: START_MS + MINUTE_MS)
            memory = await remembering.memory(state)
            assert await remembering.memory(state) is None, "not twice at one moment"
        before = {note_id: cells async for note_id, cells in reader.notes()}
        await absorb(settings, traffic[1_500:])

        following = Observer()
        recalled = Remembering(following, now_ms=lambda: START_MS + MINUTE_MS).recall(memory, rules)
        assert recalled is not None
        async with following.following(reader):
            seen = await following.look(reader, START_MS + MINUTE_MS)
        notes = {note_id: cells async for note_id, cells in reader.notes()}

    for name in ("clicks", "entries", "orders"):
        first, second = (
            sum(counters_of(cells, Selection()).get(name, 0) for cells in some.values()) for some in (before, notes)
        )
        assert change(seen, "all:*", name) == second - first > 0
    assert recalled.at_ms == START_MS


async def test_a_platform_that_is_heard_of_steadily_and_falls_silent_is_late(settings: Settings) -> None:
    # At night there is too little traffic for "steadily": the last evening that is over in Shanghai.
    now_ms = (time.time_ns() // 1_000_000 - EVENING_MS) // DAY_MS * DAY_MS + EVENING_MS
    config = SimulatorConfig(events=30_000, notes=30, partitions=PARTITIONS, days=0.2, start_ms=now_ms - 4 * 3_600_000)
    heard = [record for record in simulate(config, Tallies()) if (record.timestamp_ms or 0) < now_ms - 40 * MINUTE_MS]
    await absorb(settings, heard)
    rows = {"taobao": {"ctaobao|note|ad"}, "pdd": {"cpdd|note|ad"}}
    async with reading(settings) as reader:
        lateness = Lateness()
        first = await lateness.of(reader, rows, now_ms - 60 * MINUTE_MS)
        later = await lateness.of(reader, rows, now_ms)
        much_later = await lateness.of(reader, rows, now_ms + 5 * 3_600_000)

    assert first.keys() <= {"taobao"}
    assert first.get("taobao", 0) <= 10 * MINUTE_MS
    assert 30 * MINUTE_MS < later["taobao"] < 60 * MINUTE_MS
    assert much_later == {"taobao": later["taobao"] + 5 * 3_600_000}


async def test_the_wall_clock_is_due_on_round_seconds_and_never_goes_back() -> None:
    clock = WallClock(0.01)
    reader: Any = None
    moments = [await clock.next(reader) for _ in range(4)]

    assert moments == sorted(set(moments))
    assert all(moment % 10 == 0 for moment in moments)


async def test_an_evaluator_begins_with_the_hours_before_it(settings: Settings) -> None:
    hour_ms = 60 * MINUTE_MS
    now_ms = time.time_ns() // 1_000_000 // hour_ms * hour_ms
    config = SimulatorConfig(events=3_000, notes=30, partitions=PARTITIONS, days=0.25, start_ms=now_ms - 8 * hour_ms)
    tallies = Tallies()
    await absorb(settings, simulate(config, tallies))
    async with reading(settings) as reader:
        hours = [hour async for hour in hours_before(reader, now_ms + 24 * hour_ms)]

    assert hours[0][0] == now_ms - 7 * hour_ms
    assert [later - earlier for (earlier, _), (later, _) in pairwise(hours)] == [hour_ms] * (len(hours) - 1)
    clicks: Counter[str] = Counter()
    for _, observations in hours:
        for scope, count in zip(observations.scopes, observations.counts.get("clicks", ()), strict=False):
            clicks[scope.kind] += int(count)
    told = sum(note.get("clicks", 0) for note in tallies.notes.values())
    assert 0.95 * told <= clicks["note"] == clicks["platform"] == clicks["merchant"] == clicks["link"] <= told
    assert any(within for _, observations in hours for within in observations.within)
