"""How fast alerts are and how often false, beside the usual practice; what an evaluation costs.

The history is simulated directly, minute by minute, with planted incidents; a test checks its delays against those of
the traffic simulator.  `python -m bench.alerts` measures this part alone, without servers.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from app.alerts.backtest.report import Delays, delays_of
from app.alerts.backtest.rivals import Threshold, ZScore
from app.alerts.backtest.running import Judge, Recorder, pending_of
from app.alerts.backtest.scoring import FalseAlarm, Found, Score, poisson_upper
from app.alerts.backtest.trial import LEARN_DAYS, TrialPlan, start_ms_of, trial
from app.alerts.rules_file import read_rules
from app.alerts.simulated import delays
from app.progress import progress_bar
from bench.alerts_evaluation import ACTIVE, evaluation_cost
from bench.world import ROOT, World
from streams.errors import Unavailable

SEEDS: Final = (305, 306, 307, 308)  # never used while rules and detectors were made
START_DAYS: Final = (0, 7, 14, 20)  # of the history of each: since 16 November; the last has the 双12 sale
MINUTE_MS: Final = 60_000
DAY_MIN: Final = 24 * 60
_MOST_TOLD: Final = 50


@dataclass(frozen=True)
class JudgeScore:
    """How good one judge was on all histories together."""

    judge: str
    false_alarms: int
    weeks: float
    false_per_week: float
    false_per_week_at_most: float  # 95 %
    beside: dict[str, int]  # false alarms by what only seemed to be wrong
    delays: list[dict[str, Any]]  # as `backtest.report.Delays`
    told: list[str]  # the false alarms themselves, as far as they are few


@dataclass(frozen=True)
class AlertFigures:
    """What `python -m bench` keeps of alerts."""

    notes: int
    days: int  # that were judged
    incidents: int
    judges: list[JudgeScore]
    scopes: int
    evaluation_s: float  # processor time of one evaluation of so many active scopes
    evaluation_mib: float  # what a state of so many scopes holds
    histories_s: float  # processor time of all histories and judges


async def measure(world: World) -> AlertFigures:
    """The whole part of the bench, in a process of its own, which ends with whoever waits for it."""
    sizes = "--days", str(world.plan.alert_days), "--notes", str(world.plan.alert_notes)
    command = sys.executable, "-m", "bench.alerts", "--json", *sizes
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise Unavailable(f"bench.alerts ended with status {process.returncode}")
    return msgspec.json.decode(told, type=AlertFigures)


def figures(plans: Sequence[TrialPlan]) -> AlertFigures:
    """Score Redcat's rules and their rivals on some histories."""
    scores: dict[str, list[Score]] = {}
    began = time.process_time()
    for plan in plans:
        for name, score in _scored(plan).items():
            scores.setdefault(name, []).append(score)
    spent = time.process_time() - began
    evaluation_s, evaluation_mib = evaluation_cost()
    seeds = [plan.seed for plan in plans]
    return AlertFigures(
        notes=plans[0].notes,
        days=sum(plan.days - LEARN_DAYS for plan in plans),
        incidents=sum(len(score.found) for score in next(iter(scores.values()))),
        judges=[_together(name, list(zip(seeds, of, strict=True))) for name, of in scores.items()],
        scopes=ACTIVE,
        evaluation_s=evaluation_s,
        evaluation_mib=evaluation_mib,
        histories_s=spent,
    )


def _scored(plan: TrialPlan) -> dict[str, Score]:
    rules = read_rules(None)
    history = trial(plan, rules)
    judges: dict[str, Judge] = {
        "redcat": history.judge,
        "threshold 20 % over 60 min, 50 clicks": Threshold(least=0.2, minutes=60, sample=50),
        "threshold 20 % over 15 min, 15 clicks": Threshold(least=0.2, minutes=15, sample=15),
        "z-score 5 over 60 min, 30 clicks": ZScore(z=5, minutes=60, sample=30),
        "z-score 4 over 15 min, 15 clicks": ZScore(z=4, minutes=15, sample=15),
    }
    recorders = {name: Recorder(pending_of(rules)) for name in judges}
    with progress_bar(f"alerts, seed {plan.seed}", history.last) as done:
        for minute, observations in history.world.minutes():
            at_ms = start_ms_of(plan) + (minute + 1) * MINUTE_MS
            for name, judge in judges.items():
                recorders[name].take(judge.firings(observations, at_ms), minute + 1)
            done(minute + 1)
    return {
        name: history.truth.score(recorder.alerts, first=history.first, last=history.last)
        for name, recorder in recorders.items()
    }


def _together(name: str, by_seed: Sequence[tuple[int, Score]]) -> JudgeScore:
    false = [one for _, score in by_seed for one in score.false]
    found: list[Found] = [one for _, score in by_seed for one in score.found]
    weeks = sum(score.weeks for _, score in by_seed)
    told = [_told(seed, one) for seed, score in by_seed for one in score.false[:_MOST_TOLD]]
    beside: dict[str, int] = {}
    for one in false:
        beside[one.beside or "nothing"] = beside.get(one.beside or "nothing", 0) + 1
    return JudgeScore(
        judge=name,
        false_alarms=len(false),
        weeks=weeks,
        false_per_week=len(false) / weeks,
        false_per_week_at_most=poisson_upper(len(false)) / weeks,
        beside=beside,
        delays=[row._asdict() for row in delays_of(Score(found, false, weeks))],
        told=told[:_MOST_TOLD],
    )


def _told(seed: int, one: FalseAlarm) -> str:
    day, minute = divmod(one.alert.start, DAY_MIN)
    beside = "" if one.beside is None else f", beside a {one.beside}"
    return (
        f"seed {seed}, day {day} at {minute // 60:02d}:{minute % 60:02d}: {one.alert.rule}, {one.alert.scope}{beside}"
    )


def table(measured: AlertFigures) -> Table:
    """False alarms and delays of all judges side by side."""
    kinds = ["link_break", "platform_break", "entry_drop"]
    title = f"{measured.notes:,} notes, {measured.days} days, {measured.incidents} incidents"
    heads = [f"{kind}: found, median, 95 % (min)" for kind in kinds]
    shown = Table("judge", "false a week", "at most (95 %)", *heads, title=title)
    for judge in measured.judges:
        by_kind = {row["kind"]: Delays(**row) for row in judge.delays}
        cells = [
            f"{row.found}/{row.planted}, {row.median_min}, {row.p95_min}" if (row := by_kind.get(kind)) else "-"
            for kind in kinds
        ]
        shown.add_row(judge.judge, f"{judge.false_per_week:.2f}", f"{judge.false_per_week_at_most:.2f}", *cells)
    return shown


def main(arguments: Sequence[str]) -> int:
    """Measure this part alone."""
    parser = argparse.ArgumentParser(prog="python -m bench.alerts", description=__doc__)
    parser.add_argument("--days", type=int, default=10, help="of each history, the first two of them for learning")
    parser.add_argument("--notes", type=int, default=5_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="a history for each")
    parser.add_argument(
        "--start-days", type=int, nargs="+", default=list(START_DAYS), help="of each, since 16 November; the last stays"
    )
    parser.add_argument("--incidents", type=float, default=1.0, help="in parts of the plan; 0: none")
    parser.add_argument("--slow", action="store_true", help="entries take as long as the traffic simulator draws them")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON, not some as a table")
    options = parser.parse_args(arguments)
    drawn = delays.entries_thought_over if options.slow else delays.entries_at_once
    starts = [*options.start_days, *options.start_days[-1:] * len(options.seeds)]
    plans = [
        TrialPlan(options.days, options.notes, seed, options.incidents, drawn, start)
        for seed, start in zip(options.seeds, starts, strict=False)
    ]
    measured = figures(plans)
    if options.json:
        print(msgspec.json.encode(measured).decode())
    else:
        Console(width=200).print(table(measured))
        for line in measured.judges[0].told:
            Console(width=200).print(f"false alarm of Redcat's: {line}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
