"""What a backtest found, as data and as lines for a terminal."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from app.alerts.backtest.running import Alert
from app.alerts.backtest.scoring import Score
from app.alerts.watch import MINUTE_MS


class Delays(NamedTuple):
    """How the incidents of one kind were found; delays in minutes, None where too few were found."""

    kind: str
    planted: int
    found: int
    median_min: float | None
    p95_min: float | None


def delays_of(score: Score) -> list[Delays]:
    """The incidents of a score, kind by kind."""
    kinds = dict.fromkeys(found.incident.kind for found in score.found)
    rows = []
    for kind in kinds:
        all_of_kind = [found.delay_min for found in score.found if found.incident.kind == kind]
        found = sorted(delay for delay in all_of_kind if delay is not None)
        rows.append(Delays(kind, len(all_of_kind), len(found), quantile(all_of_kind, 0.5), quantile(all_of_kind, 0.95)))
    return rows


def quantile(delays: Sequence[int | None], share: float) -> float | None:
    """The delay within which that share was found; None if fewer were found at all."""
    known = sorted(float("inf") if delay is None else delay for delay in delays)
    if not known:
        return None
    middle = median(known) if share == 0.5 else known[min(int(share * len(known)), len(known) - 1)]
    return None if middle == float("inf") else float(middle)


def alert_json(alert: Alert, start_ms: int) -> dict[str, Any]:
    """An alert with its times in ms."""
    return {
        "rule": alert.rule, "scope": alert.scope.kind, "id": alert.scope.id, "metric": alert.metric,
        "direction": alert.direction, "from_ms": start_ms + alert.start * MINUTE_MS,
        "to_ms": start_ms + alert.end * MINUTE_MS,
    }  # fmt: skip


def score_json(score: Score) -> dict[str, Any]:
    """How good the alerts were."""
    return {
        "weeks": score.weeks,
        "false_alarms": len(score.false),
        "false_alarms_per_week": score.false_per_week,
        "false_alarms_per_week_at_most": score.false_per_week_at_most,
        "incidents": [row._asdict() for row in delays_of(score)],
    }


def firings_by_rule(alerts: Sequence[Alert]) -> Mapping[str, int]:
    """How many alerts each rule raised."""
    counts: dict[str, int] = {}
    for alert in alerts:
        counts[alert.rule] = counts.get(alert.rule, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
