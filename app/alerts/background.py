"""What is looked up when an alert is told: how the metric went, and what else has moved since it began."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from app.alerts.record import AlertRecord
from app.alerts.recorded import surroundings
from app.alerts.triage import TEXTS
from app.redis_store.live_series import LiveSeries
from app.redis_store.reader import Cell, Reader
from streams.rollups import BASES, HOUR_MS, Rows, in_all_minutes, minute_of

MINUTE_MS: Final = 60_000
RATIOS: Final[Mapping[str, tuple[str, str]]] = {
    "entry_rate": ("clicks_entered", "clicks"), "order_rate": ("clicks_ordered", "clicks"),
    "cart_rate": ("carts", "entries"), "refund_rate": ("refunded_minor:CNY", "gross_minor:CNY"),
}  # fmt: skip
"""Counters, booked at the time of the click, that make a rate."""

SMALLEST: Final = 20  # clicks, below which a rate is not drawn or compared
MOVED: Final = 0.3  # of its former value
MOST_MOVED: Final = 5
MOST_HOURS: Final = 26
STEP_MIN: Final = 10
DRAWN_HOURS: Final = 8
CLICKED: Final = BASES["click"]


class Point(NamedTuple):
    """A value of the metric at one moment; None where there was nothing to measure."""

    at_ms: int
    value: float | None


class Background(NamedTuple):
    """What goes into a message beside the record."""

    points: list[Point]
    moved: list[str]


async def look_up(reader: Reader, record: AlertRecord, language: str) -> Background:
    """The background of an alert, from the time series; what these do not hold is left out."""
    series = LiveSeries(reader)
    cells = {(note_id, cell) async for note_id, some in reader.notes() for cell, _ in some if cell.platform}
    hours = range(record.since_ms // HOUR_MS - MOST_HOURS, record.at_ms // HOUR_MS + 1)[-2 * MOST_HOURS :]
    rows = sorted({row for note_id, cell in cells if (row := _row(record, note_id, cell)) is not None})
    # Of single notes there are hours only.
    draw = _by_hours if record.scope == "note" else _by_minutes
    points = await draw(series, record, rows, hours)
    channels = sorted({surroundings(cell)[0] for _, cell in cells})
    found = await series.rows({("hours", hour): [f"{CLICKED}{row}" for row in channels] for hour in hours})
    by_hour = {
        hour: {row[len(CLICKED) + 1 :]: counts for row, counts in some.items()} for (_, hour), some in found.items()
    }
    return Background(points, movements(by_hour, record.since_ms // HOUR_MS, language))


def _row(record: AlertRecord, note_id: str, cell: Cell) -> str | None:
    """The row in which a cell is part of the alert's scope."""
    channel, category = surroundings(cell)
    of = {
        "note": (note_id, f"n{note_id}|{cell.merchant_id}"),
        "merchant": (cell.merchant_id, f"m{cell.merchant_id}|{cell.platform}|{cell.category}"),
        "campaign": (cell.campaign_id, f"p{cell.campaign_id}|{cell.merchant_id}"),
        "platform": (cell.platform, channel),
        "link": (cell.link, channel),
        "category": (cell.category, category),
    }.get(record.scope, (record.id, channel))
    below = record.scope == "category" and cell.category.startswith(f"{record.id}.")
    return of[1] if of[0] == record.id or below else None


async def _by_hours(series: LiveSeries, record: AlertRecord, rows: Sequence[str], hours: Sequence[int]) -> list[Point]:
    found = await series.rows({("hours", hour): [f"{CLICKED}{row}" for row in rows] for hour in hours})
    return [Point(hour * HOUR_MS, _value(record.metric, _sum(some))) for (_, hour), some in sorted(found.items())]


async def _by_minutes(
    series: LiveSeries, record: AlertRecord, rows: Sequence[str], hours: Sequence[int]
) -> list[Point]:
    """Every ten minutes of the last hours."""
    names = in_all_minutes([CLICKED + row for row in rows])
    found = await series.rows({("minutes", hour): names for hour in hours[-DRAWN_HOURS:]})
    points = []
    for (_, hour), some in sorted(found.items()):
        for start in range(0, 60, STEP_MIN):
            at_ms = hour * HOUR_MS + start * MINUTE_MS
            if at_ms <= record.at_ms:
                part = {row: counts for row, counts in some.items() if start <= minute_of(row) < start + STEP_MIN}
                points.append(Point(at_ms, _value(record.metric, _sum(part))))
    return points


def _sum(rows: Rows) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in rows.values():
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def _value(metric: str, counts: Mapping[str, int]) -> float | None:
    if metric in RATIOS:
        counted, base = RATIOS[metric]
        return counts.get(counted, 0) / counts[base] if counts.get(base, 0) >= SMALLEST else None
    return float(counts.get(metric, 0)) if metric in ("clicks", "entries", "orders") else None


def movements(channels: Mapping[int, Rows], since_hour: int, language: str) -> list[str]:
    """Platforms, links and reasons of refusal that are otherwise since an hour, the greatest change first."""
    before: dict[str, dict[str, int]] = {}
    since: dict[str, dict[str, int]] = {}
    for hour, rows in channels.items():
        for row, counts in rows.items():
            for part in _parts(row):
                total = (since if hour >= since_hour else before).setdefault(part, {})
                for name, count in counts.items():
                    total[name] = total.get(name, 0) + count
    found = [
        change
        for part in before.keys() & since.keys()
        for change in _changes(part, before[part], since[part], language)
    ]
    return [line for _, line in sorted(found, reverse=True)[:MOST_MOVED]]


def _parts(row: str) -> tuple[str, str]:
    platform, link, _ = row.split("|")
    return f"platform {platform}", f"link {link}"


def _changes(
    part: str, before: Mapping[str, int], since: Mapping[str, int], language: str
) -> Iterable[tuple[float, str]]:
    if min(before.get("clicks", 0), since.get("clicks", 0)) < SMALLEST:
        return
    texts = TEXTS[language]
    kind, name = part.split(" ", 1)
    for metric in ("entry_rate", "order_rate"):
        was, now = (counts.get(RATIOS[metric][0], 0) / counts["clicks"] for counts in (before, since))
        change = abs(now - was) / was if was else 0.0
        if change >= MOVED and was * since["clicks"] >= SMALLEST / 4:
            where = f"{texts.scopes[kind]} {name}, {texts.metrics[metric]}"
            yield change, texts.moved.format(where=where, before=f"{was:.1%}", now=f"{now:.1%}")
    for reason in sorted(counter for counter in since if counter.startswith("refused:")):
        was, now = (counts.get(reason, 0) / counts["clicks"] for counts in (before, since))
        if now - was >= MOVED * max(was, 0.05):
            where = f"{texts.scopes[kind]} {name}, {reason.removeprefix('refused:')}"
            yield now / max(was, 0.01), texts.moved.format(where=where, before=f"{was:.1%}", now=f"{now:.1%}")
