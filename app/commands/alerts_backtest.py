"""`redcat alerts backtest` and `redcat alerts tune`: rules tried on history."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console

from app.alerts.backtest.recorded import minutes_of
from app.alerts.backtest.report import alert_json, firings_by_rule, score_json
from app.alerts.backtest.running import Alert, Recorder, RuleJudge, pending_of
from app.alerts.backtest.scoring import Score
from app.alerts.backtest.texts import BacktestTexts, backtest_texts
from app.alerts.backtest.trade import RATES, proposal, traded
from app.alerts.backtest.trial import DAY_MIN, LEARN_DAYS, START_MS, TrialPlan, try_rules
from app.alerts.backtest.view import MOST_ROWS, alerts_table, delays_table, trade_table
from app.alerts.calendar import HOUR_MS, SHANGHAI
from app.alerts.rules import Rules
from app.alerts.rules_file import read_rules
from app.alerts.simulated.incidents import Incident
from app.alerts.watch import MINUTE_MS
from app.progress import progress_bar
from app.reading import reading
from app.redis_store.series_reader import read_series
from app.settings import TOML_FILE, Settings
from app.texts import language_of
from streams.errors import Misconfigured

FAILED: Final = 1
_DAY_MS: Final = 24 * HOUR_MS

RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="A rules file; without it the rules shipped with Redcat.")
]
Days = Annotated[int, typer.Option(help="Days of the simulated history.", min=LEARN_DAYS + 1, max=365)]
Notes = Annotated[int, typer.Option(help="Notes of the simulated history.", min=50, max=50_000)]
Seed = Annotated[int, typer.Option(help="Of the simulated history; equal seeds give equal histories.", min=0)]
Lang = Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")]


def backtest(
    rules_file: RulesFile = None,
    start: Annotated[
        str | None, typer.Option("--from", help="YYYY-MM-DD HH:MM in Shanghai; default: 3 days ago.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="YYYY-MM-DD HH:MM in Shanghai; default: now.")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="A simulated history with planted incidents, not the recorded series.")
    ] = False,
    days: Days = 7,
    notes: Notes = 1_000,
    seed: Seed = 1,
    chart: Annotated[Path | None, typer.Option(help="Where to write a chart, as PNG.")] = None,
    lang: Lang = None,
    as_json: Annotated[bool, typer.Option("--json", help='Print {"alerts": [...], "score": {...} or null}.')] = False,
) -> None:
    """Tell which alerts rules would have raised, and, where the truth is known, how good they are.

    Recorded series tell of scopes larger than notes, by the minute for as long as these are kept.
    """
    rules, words = read_rules(rules_file), backtest_texts(language_of(lang, os.environ))
    incidents: Sequence[Incident] = ()
    if simulated:
        if start or end:
            raise Misconfigured("--from and --to belong to recorded series: leave them out, or --simulated")
        with progress_bar(words.looking, days * DAY_MIN) as done:
            alerts, score, incidents = try_rules(TrialPlan(days, notes, seed), rules, done)
        origin_ms, length = START_MS, float(days)
    else:
        first_ms, last_ms = _span(start, end)
        alerts = asyncio.run(_recorded(rules, first_ms, last_ms, words))
        score, origin_ms, length = None, 0, (last_ms - first_ms) / _DAY_MS
    if chart is not None:
        _draw(alerts, incidents, origin_ms, chart)
    if as_json:
        told = [alert_json(alert, origin_ms) for alert in alerts]
        print(orjson.dumps({"alerts": told, "score": score and score_json(score)}).decode())
    else:
        _show(alerts, score, origin_ms, length, words)
        if chart is not None:
            print(words.written.format(path=chart))


def tune(
    rules_file: RulesFile = None,
    wish: Annotated[
        float, typer.Option(help="False alarms a week that are fine, all rules together.", min=0.001)
    ] = 1.0,
    days: Days = 10,
    notes: Notes = 1_000,
    seed: Seed = 1,
    lang: Lang = None,
    as_json: Annotated[
        bool, typer.Option("--json", help='Print {"settings": [...], "proposed": RATE or null}.')
    ] = False,
) -> None:
    """Propose how patient rules should be, and show what more or less patience costs on a simulated history.

    Each setting is tried over all of it, which takes some minutes.  Proposed is the quickest `false_alarms_per_week`
    that keeps within the wish, as do all that are more patient; exit status 1: none does.
    """
    rules, words = read_rules(rules_file), backtest_texts(language_of(lang, os.environ))
    with progress_bar(words.looking, len(RATES) * days * DAY_MIN) as done:
        scores = traded(rules, TrialPlan(days, notes, seed), done)
    proposed = proposal(scores, wish)
    if as_json:
        settings = [{"false_alarms_per_week": rate, **score_json(score)} for rate, score in scores.items()]
        print(orjson.dumps({"settings": settings, "proposed": proposed}).decode())
    else:
        _console().print(trade_table(scores, words))
        if proposed is None:
            print(words.no_proposal.format(wish=wish))
        else:
            print(
                words.proposal.format(
                    rate=proposed,
                    measured=scores[proposed].false_per_week,
                    most=scores[proposed].false_per_week_at_most,
                )
            )
    if proposed is None:
        raise typer.Exit(FAILED)


async def _recorded(rules: Rules, first_ms: int, last_ms: int, words: BacktestTexts) -> list[Alert]:
    settings = Settings.from_env(os.environ, TOML_FILE)
    judge, recorder, heard = RuleJudge(rules), Recorder(pending_of(rules)), False
    hours = first_ms // HOUR_MS, (last_ms - 1) // HOUR_MS
    async with reading(settings) as reader:
        with progress_bar(words.looking, (hours[1] - hours[0] + 1) * 60) as done:
            async for minute, observations in minutes_of(await read_series(reader), *hours):
                heard = heard or bool(observations.scopes)
                at_ms = (minute + 1) * MINUTE_MS
                if heard and first_ms < at_ms <= last_ms:
                    recorder.take(judge.firings(observations, at_ms), minute + 1)
                done(minute + 1 - hours[0] * 60)
    if not heard:
        span = (_text(first_ms), _text(last_ms))
        said = words.no_history.format(start=span[0], end=span[1], group=settings.group, kept=settings.keep_minutes)
        print(said, file=sys.stderr)
        raise typer.Exit(FAILED)
    return recorder.alerts


def _span(start: str | None, end: str | None) -> tuple[int, int]:
    last_ms = _moment("--to", end) if end else int(time.time() * 1_000)
    first_ms = _moment("--from", start) if start else last_ms - 3 * _DAY_MS
    if first_ms >= last_ms:
        raise Misconfigured("--from must be earlier than --to")
    if last_ms - first_ms > 366 * _DAY_MS:
        raise Misconfigured("--from and --to are more than a year apart: series are not kept that long")
    return first_ms, last_ms


def _moment(option: str, text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()) * 1_000
    except ValueError as error:
        raise Misconfigured(f"{option} must be a time in Shanghai such as '2026-11-11 08:00', not {text!r}") from error


def _text(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1_000, SHANGHAI):%Y-%m-%d %H:%M}"


def _draw(alerts: list[Alert], incidents: Sequence[Incident], origin_ms: int, path: Path) -> None:
    from app.alerts.backtest.chart import draw  # matplotlib takes a second to import

    try:
        draw(alerts, incidents, origin_ms, path)
    except OSError as error:
        raise Misconfigured(f"cannot write the chart {path}: {error}") from error


def _show(alerts: list[Alert], score: Score | None, origin_ms: int, days: float, words: BacktestTexts) -> None:
    console = _console()
    print(words.alerts.format(count=len(alerts), days=days))
    for rule, count in firings_by_rule(alerts).items():
        print("  " + words.times.format(rule=rule, count=count))
    if alerts:
        console.print(alerts_table(alerts, origin_ms, words))
    if len(alerts) > MOST_ROWS:
        print(words.more.format(count=len(alerts) - MOST_ROWS))
    if score is not None:
        console.print(delays_table(score, words))
        said: dict[str, Any] = {"count": len(score.false), "weeks": score.weeks, "per_week": score.false_per_week}
        print(words.false.format(**said, at_most=score.false_per_week_at_most))


def _console() -> Console:
    """What a pipe reads is not to be cut to the width of some terminal."""
    return Console(width=None if sys.stdout.isatty() else 160)
