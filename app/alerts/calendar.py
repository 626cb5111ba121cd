"""When promotions, maintenance and quiet hours are: all in Asia/Shanghai, which has no summer time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from app.alerts.model import Scope
from app.alerts.rules import Maintenance, Promotion, QuietHours, fits

SHANGHAI: Final = timezone(timedelta(hours=8))
HOUR_MS: Final = 3_600_000
HOURS_OF_WEEK: Final = 168


@lru_cache(4_096)
def moment_ms(text: str, year: int) -> int:
    """The milliseconds of `MM-DD HH:MM` in that year, or of `YYYY-MM-DD HH:MM`; ValueError if there is no such time."""
    whole = text if text[4:5] == "-" else f"{year:04d}-{text}"
    return int(datetime.fromisoformat(whole).replace(tzinfo=SHANGHAI).timestamp()) * 1_000


def hour_of_week(at_ms: int) -> int:
    """0 is Monday from 00:00 to 01:00."""
    return (at_ms // HOUR_MS + 8 + 3 * 24) % HOURS_OF_WEEK  # 1970-01-01 was a Thursday


def promotion_at(calendar: Sequence[Promotion], at_ms: int) -> tuple[Promotion, int] | None:
    """The promotion that is on, the one that began last, and when it began."""
    on = [(start_ms, number) for number, one in enumerate(calendar) if (start_ms := _began_ms(one, at_ms)) is not None]
    if not on:
        return None
    start_ms, number = max(on)
    return calendar[number], start_ms


def quiet(hours: Sequence[QuietHours], severity: str, at_ms: int) -> bool:
    """Whether alerts of a severity are to wait."""
    clock = datetime.fromtimestamp(at_ms / 1_000, SHANGHAI).strftime("%H:%M")
    for one in hours:
        within = one.start <= clock < one.end if one.start <= one.end else clock >= one.start or clock < one.end
        if within and severity in one.severities:
            return True
    return False


def maintained(windows: Sequence[Maintenance], scopes: Sequence[Scope], at_ms: int) -> Maintenance | None:
    """The maintenance that is on for any of the scopes."""
    for one in windows:
        if _began_ms(one, at_ms) is not None and any(
            fits(pattern, scope) for pattern in one.scopes for scope in scopes
        ):
            return one
    return None


def _began_ms(entry: Promotion | Maintenance, at_ms: int) -> int | None:
    """When it began, if it is on; those without a year may have begun the year before."""
    year = datetime.fromtimestamp(at_ms / 1_000, UTC).year
    for start_year in (year - 1, year, year + 1):
        try:
            start_ms, end_ms = moment_ms(entry.start, start_year), moment_ms(entry.end, start_year)
            if end_ms <= start_ms:
                end_ms = moment_ms(entry.end, start_year + 1)
        except ValueError:  # 29 February
            continue
        if start_ms <= at_ms < end_ms:
            return start_ms
    return None
