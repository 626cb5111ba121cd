"""What is looked up when an alert is told: how the metric went, and what else has moved since it began."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from app.alerts.chart import Point
from app.alerts.record import AlertRecord
from app.alerts.triage import TEXTS
from app.redis_store.reader import Reader
from app.redis_store.series_reader import Rows, SeriesReader, read_series
from streams.rollups import BASES, HOUR_MS

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


class Background(NamedTuple):
    """What goes into a message beside the record."""

    points: list[Point]
    moved: list[str]


async def look_up(reader: Reader, record: AlertRecord, language: str) -> Background:
    """The background of an alert, from the time series; what these do not hold is left out."""
    series = await read_series(reader)
    hours = range(max(record.since_ms // HOUR_MS - MOST_HOURS, 0), record.at_ms // HOUR_MS + 1)
    hours = hours[-2 * MOST_HOURS :]
    if record.scope == "note":
        points = await _hourly(series, f"{BASES['click']}n{record.id}", record.metric, hours)
    else:
        points = await _by_minutes(series, record, hours[-8:])
    channels = await _channels(series, hours)
    return Background(points, movements(channels, record.since_ms // HOUR_MS, language))


async def _hourly(series: SeriesReader, row: str, metric: str, hours: Iterable[int]) -> list[Point]:
    found = await series.rows("hours", {hour: [row] for hour in hours})
    return [Point(hour * HOUR_MS, _value(metric, rows.get(row, {}))) for hour, rows in sorted(found.items())]


async def _by_minutes(series: SeriesReader, record: AlertRecord, hours: Sequence[int]) -> list[Point]:
    """Every ten minutes of some hours."""
    points = []
    for hour in hours:
        rows = await series.bucket("minutes", hour)
        for start in range(0, 60, STEP_MIN):
            at_ms = hour * HOUR_MS + start * MINUTE_MS
            if at_ms <= record.at_ms:
                points.append(Point(at_ms, _value(record.metric, _counts(rows, record, start))))
    return points


def _counts(rows: Rows, record: AlertRecord, start: int) -> dict[str, int]:
    total: dict[str, int] = {}
    base = BASES["click"]
    for row, counts in rows.items():
        if start <= int(row[:2]) < start + STEP_MIN and row[2] == base and _belongs(row[3:], record):
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count
    return total


def _belongs(row: str, record: AlertRecord) -> bool:
    kind, name = row[0], row[1:]
    if record.scope == "category":
        return kind == "g" and (name == record.id or name.startswith(f"{record.id}."))
    if record.scope in ("platform", "link", "all", "topic"):
        platform, _, rest = name.partition("|")
        wanted = {"platform": platform, "link": rest.partition("|")[0]}.get(record.scope, record.id)
        return kind == "c" and wanted == record.id
    return name == record.id and kind == {"merchant": "m", "campaign": "p"}.get(record.scope)


def _value(metric: str, counts: Mapping[str, int]) -> float | None:
    if metric in RATIOS:
        counted, base = RATIOS[metric]
        return counts.get(counted, 0) / counts[base] if counts.get(base, 0) >= SMALLEST else None
    return float(counts.get(metric, 0)) if metric in ("clicks", "entries", "orders") else None


async def _channels(series: SeriesReader, hours: Iterable[int]) -> dict[int, Rows]:
    """The rows of channels, by hour."""
    found: dict[int, Rows] = {}
    head = f"{BASES['click']}c"
    for hour in hours:
        rows = await series.bucket("hours", hour)
        found[hour] = {row.removeprefix(head): counts for row, counts in rows.items() if row.startswith(head)}
    return found


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
