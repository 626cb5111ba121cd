"""Tables of a backtest for a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.table import Table

from app.alerts.backtest.report import Delays, delays_of
from app.alerts.backtest.running import Alert
from app.alerts.backtest.scoring import Score
from app.alerts.backtest.texts import BacktestTexts
from app.alerts.calendar import SHANGHAI
from app.alerts.watch import MINUTE_MS

MOST_ROWS: Final = 40
TRADED: Final = ("link_break", "platform_break", "entry_drop")
"""The incidents whose delays stand beside each setting."""


def alerts_table(alerts: Sequence[Alert], start_ms: int, words: BacktestTexts) -> Table:
    """The first alerts, one a row."""
    table = Table(words.rule, words.scope, words.began, words.over)
    for alert in alerts[:MOST_ROWS]:
        began = datetime.fromtimestamp((start_ms + alert.start * MINUTE_MS) / 1_000, SHANGHAI)
        table.add_row(alert.rule, str(alert.scope), f"{began:%Y-%m-%d %H:%M}", str(alert.end - alert.start + 1))
    return table


def delays_table(score: Score, words: BacktestTexts) -> Table:
    """How what was planted was found."""
    table = Table(words.kind, words.planted, words.found, words.median, words.p95)
    for row in delays_of(score):
        table.add_row(row.kind, str(row.planted), str(row.found), _shown(row.median_min), _shown(row.p95_min))
    return table


def trade_table(scores: Mapping[float, Score], words: BacktestTexts) -> Table:
    """What each setting costs in false alarms and gains in time."""
    table = Table(words.setting, words.false_per_week, words.at_most, *(f"{kind}: {words.found_of}" for kind in TRADED))
    for rate, score in scores.items():
        delays: dict[str, Delays] = {row.kind: row for row in delays_of(score)}
        found = [_found(delays[kind]) if kind in delays else "-" for kind in TRADED]
        table.add_row(f"{rate:g}", f"{score.false_per_week:.2f}", f"{score.false_per_week_at_most:.2f}", *found)
    return table


def _found(row: Delays) -> str:
    return f"{row.found}/{row.planted}, {_shown(row.median_min)}"


def _shown(minutes: float | None) -> str:
    return "-" if minutes is None else f"{minutes:g}"
