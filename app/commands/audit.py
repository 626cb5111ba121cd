"""`redcat audit`."""

import asyncio
import os
import sys
import time
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console

from app.auditing.audit import audit
from app.auditing.options import Options
from app.auditing.report import Report
from app.auditing.sentences import json_of
from app.auditing.texts import audit_texts
from app.auditing.view import shown
from app.explaining.times import zone
from app.note_table import WIDEST
from app.progress import progress_bar
from app.settings import TOML_FILE, Settings

DOES_NOT_BALANCE: Final = 1


def command(
    no_results: Annotated[
        bool, typer.Option("--no-results", help="Do not read the published results: Kafka is not asked.")
    ] = False,
    lang: Annotated[str | None, typer.Option(help="zh or en; without it the locale decides.")] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help='Print {"topics": {...}, "outcomes": {...}, "seen": {...}, "problems": [...], ...}.'
        ),
    ] = False,
) -> None:
    """Check that everything that Redcat remembers fits together.

    The ledger must balance, every fact have one outcome, totals be the sums of the notes, counters equal a recount of
    all journeys, and the published results equal those of the journeys.  All but the first two need lanes that stand
    still for a moment; without one they are left unchecked.  Changes nothing.  Exit status 1 if something does not fit.
    """
    settings, texts = Settings.from_env(os.environ, TOML_FILE), audit_texts(lang, os.environ)
    options = Options(
        settings,
        now_ms=time.time_ns() // 1_000_000,
        progress=lambda what, total: progress_bar(texts.reading[what], total),
        with_results=not no_results,
    )
    report = asyncio.run(audit(options))
    if as_json:
        print(orjson.dumps(_json(report)).decode())
    else:
        # What a pipe reads is not to be cut to the width of some terminal.
        console = Console(width=None if sys.stdout.isatty() else WIDEST, highlight=False, soft_wrap=True)
        for part in shown(report, texts, zone(None)):
            console.print(part)
    if report.problems.counts:
        raise typer.Exit(DOES_NOT_BALANCE)


def _json(report: Report) -> dict[str, Any]:
    compared = report.compared
    told = report.ledger() | {
        "problems": [json_of(problem) for problem in report.problems],
        "problems_left_out": report.problems.left_out(),
        "reused_orders": report.reused_orders,
        "unchecked": [{"check": check, "reason": reason} for check, reason in report.unchecked.items()],
    }
    if compared is not None:
        told["compared"] = {
            "journeys": compared.journeys,
            "complete": compared.complete,
            "click_hours": [compared.hours.start, compared.hours.stop] if compared.hours else None,
            "results": compared.results,
        }
    return told
