"""`python -m bench.overload`: what one worker does with too much, on embedded servers.

- token: one token with 100,000 records;
- note: a note with a million clicks in a minute;
- step: ten times the load within a moment;
- lanes: 64 lanes on one worker.

In each scene a click a few times a second in every lane shows how soon counters move before, during and after.
Exit status 1 if a counter is wrong, memory grew beyond MOST_GROWTH_MIB, or the lanes did not come back to their pace.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.table import Table

from app.draining import drained
from app.kafka_sender import Sending, kafka_sender
from app.settings import Settings
from app.simulator.facts import Outgoing
from bench.light import prompt_producer
from bench.ownership import Lanes
from bench.percentile import percentile
from bench.plan import FULL
from bench.processes import rss_mib
from bench.pulse import AT_MS, Pulse
from bench.world import World, capture, open_world, progress, redcat
from streams.errors import RedcatError
from streams.murmur2 import partitions_of

MOST_GROWTH_MIB: Final = 300.0
SLOWER_AT_MOST: Final = 3.0  # after it, against before, at p99; and below this much in any case:
PACE_MS: Final = 250.0
PATIENCE_S: Final = 180.0
SHOP: Final = {"platform": "tmall", "merchant_id": "m1"}
LINK: Final = {"note_kind": "ad", "link": "note", "category": "fmcg.snacks"}
HEAVY: Final = "heavy"  # the token, or the note


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What comes, how fast (None: as fast as Kafka takes it), and what must be counted."""

    name: str
    records: int
    make: Callable[[int], Iterator[Outgoing]]
    rate: float | None = None
    partitions: int = 4
    heavy_lane: bool = False  # only one lane has too much
    expected: dict[str, int]  # counters of note HEAVY


@dataclass(frozen=True)
class Strain:
    """What a scene did to the worker."""

    scene: str
    records: int
    lanes: int
    before_p50_ms: float
    before_p99_ms: float
    during_p50_ms: float  # of the lanes that had no more to do than before, where there are such
    during_p99_ms: float
    after_p99_ms: float
    back_after_s: float  # from the last record sent until all was counted and readable
    rss_before_mib: float
    rss_peak_mib: float
    wrong: list[str]

    @property
    def faults(self) -> list[str]:
        """What is not as promised."""
        faults = list(self.wrong)
        if self.rss_peak_mib - self.rss_before_mib > MOST_GROWTH_MIB:
            faults.append(f"memory grew by {self.rss_peak_mib - self.rss_before_mib:.0f} MiB")
        if self.after_p99_ms > max(PACE_MS, SLOWER_AT_MOST * self.before_p99_ms):
            faults.append(f"p99 was {self.before_p99_ms:.0f} ms before and {self.after_p99_ms:.0f} ms after")
        return faults


def _record(topic: str, token: str, number: int, **fields: Any) -> Outgoing:
    content = {"event_id": f"e{number}", "token": token, "at_ms": AT_MS + number, **SHOP, **fields}
    return Outgoing(topic, None, token.encode(), json.dumps(content).encode(), None)


def one_token(records: int) -> Iterator[Outgoing]:
    """A click and entries without end, all of one token."""
    yield _record("click-out", HEAVY, 0, note_id=HEAVY, **LINK)
    for number in range(1, records):
        yield _record("shop-entry", HEAVY, number)


def one_note(records: int) -> Iterator[Outgoing]:
    """Clicks of many readers on one note."""
    for number in range(records):
        yield _record("click-out", f"{number:x}", number, note_id=HEAVY, **LINK)


def many_notes(records: int) -> Iterator[Outgoing]:
    """Clicks on ten thousand notes, every fourth followed by an entry; the first note is HEAVY."""
    for number in range(records):
        token, note = f"{number // 4:x}", number // 4 % 10_000
        if number % 4 == 3:
            yield _record("shop-entry", token, number)
        else:
            yield _record("click-out", token, number, note_id=f"n{note}" if note else HEAVY, **LINK)


def scenes(share: float) -> list[Scene]:
    """The scenes, or a share of each."""
    token, note, step, lanes = (int(share * records) for records in (100_000, 1_000_000, 200_000, 120_000))
    of_heavy = {records: -(-records // 40_000) for records in (step, lanes)}
    clicks = {records: {"clicks": 3 * rounds} for records, rounds in of_heavy.items()}
    return [
        Scene(
            name="token", records=token, make=one_token, heavy_lane=True,
            expected={"clicks": 1, "entries": min(token, 1_024) - 1},
        ),
        Scene(name="note", records=note, make=one_note, rate=1_000_000 / 60, expected={"clicks": note}),
        Scene(name="step", records=step, make=many_notes, rate=10_000.0, expected=clicks[step]),
        Scene(name="lanes", records=lanes, make=many_notes, rate=4_000.0, partitions=32, expected=clicks[lanes]),
    ]  # fmt: skip


async def measure(world: World, scene: Scene, *, calm_s: float) -> Strain:
    """A calm time, then the scene, then a calm time again; what was counted is compared at the end."""
    settings = await world.namespace(scene.name, partitions=scene.partitions)
    now_s = asyncio.get_running_loop().time
    async with prompt_producer(settings) as producer, world.running(settings, *redcat("worker")) as worker:
        await Lanes(world, settings).joined(1)
        pulse = Pulse(settings, producer, world.redis, per_s=20.0 / scene.partitions**0.5)
        beating = asyncio.create_task(pulse.run())
        await pulse.caught_up(PATIENCE_S)
        await asyncio.sleep(calm_s)  # the worker becomes warm
        before_s, rss_before = now_s(), rss_mib(worker.pid)
        await asyncio.sleep(calm_s)
        began_s = now_s()
        progress.print(f"{scene.name}: {scene.records:,} records")
        async with kafka_sender(settings, Sending(rate=scene.rate)) as sender:
            await sender.send(scene.make(scene.records))
        sent_s = now_s()
        await _at_end(settings)
        back_s = now_s()
        await asyncio.sleep(calm_s)
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        after_s = now_s()
        rss_peak = rss_mib(worker.pid, peak=True)
        await worker.stop()
    await world.drain(settings)
    lane = partitions_of([HEAVY.encode()], scene.partitions)[0] if scene.heavy_lane else None
    before, during = pulse.took_s(before_s, began_s), pulse.took_s(began_s, back_s, but_lane=lane)
    return Strain(
        scene=scene.name, records=scene.records, lanes=2 * scene.partitions,
        before_p50_ms=percentile(before, 50) * 1e3, before_p99_ms=percentile(before, 99) * 1e3,
        during_p50_ms=percentile(during, 50) * 1e3, during_p99_ms=percentile(during, 99) * 1e3,
        after_p99_ms=percentile(pulse.took_s(back_s, after_s), 99) * 1e3,
        back_after_s=back_s - sent_s, rss_before_mib=rss_before, rss_peak_mib=rss_peak,
        wrong=await _wrong(settings, scene),
    )  # fmt: skip


async def _at_end(settings: Settings) -> None:
    """Wait until what is in the topics now is counted and its results are readable."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await drained(settings)
    except TimeoutError:
        progress.print(f"not at the end after {PATIENCE_S:.0f} s", style="red")


async def _wrong(settings: Settings, scene: Scene) -> list[str]:
    """What is not counted as it must be, and what the audit finds."""
    shown = json.loads(await capture(settings, *redcat("counters", "--json", "--note", HEAVY)))["notes"][HEAVY]
    wrong = [
        f"{name}: {shown.get(name, 0)}, not {wanted}"
        for name, wanted in scene.expected.items()
        if shown.get(name, 0) != wanted
    ]
    audit = json.loads(await capture(settings, *redcat("audit", "--json")))
    return wrong + [str(problem) for problem in audit["problems"]]


async def run(wanted: Sequence[str], share: float, calm_s: float) -> list[Strain]:
    """Measure some scenes one after the other."""
    async with open_world(FULL) as world:
        return [
            await measure(world, scene, calm_s=calm_s) for scene in scenes(share) if not wanted or scene.name in wanted
        ]


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description="One worker with too much to do.")
    names = [scene.name for scene in scenes(1.0)]
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--share", type=float, default=1.0, help="of the records of each scene (default: 1.0)")
    parser.add_argument("--calm", type=float, default=10.0, help="seconds without strain, three times a scene")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.scenes) - set(names):
        parser.error(f"no such scene: {', '.join(sorted(unknown))}")
    if not 0 < asked.share <= 1 or asked.calm <= 0:
        parser.error("--share must be above 0 and at most 1, --calm above 0")
    try:
        strains = asyncio.run(run(asked.scenes, asked.share, asked.calm))
    except RedcatError as error:
        print(f"overload: {error}", file=sys.stderr)
        return 1
    if asked.json:
        print(json.dumps([asdict(strain) | {"faults": strain.faults} for strain in strains], indent=2))
    else:
        progress.print(_table(strains))
    for strain in strains:
        for fault in strain.faults:
            print(f"{strain.scene}: {fault}", file=sys.stderr)
    return 1 if any(strain.faults for strain in strains) else 0


def _table(strains: Sequence[Strain]) -> Table:
    names = ("scene", "records", "lanes", "p50/p99 before", "during", "p99 after", "back after", "memory before/peak")
    table = Table(*names)
    for one in strains:
        table.add_row(
            *(one.scene, f"{one.records:,}", str(one.lanes), f"{one.before_p50_ms:.0f}/{one.before_p99_ms:.0f} ms"),
            *(f"{one.during_p50_ms:.0f}/{one.during_p99_ms:.0f} ms", f"{one.after_p99_ms:.0f} ms"),
            *(f"{one.back_after_s:.1f} s", f"{one.rss_before_mib:.0f}/{one.rss_peak_mib:.0f} MiB"),
        )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
