"""What someone who wrote a wrong duration, time or name is likely to have meant."""

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

from streams.core.policy import LONGEST_MS

SHANGHAI: Final = timezone(timedelta(hours=8))
"""Where days begin for those who write policies; it has no summer time."""

_SECOND_MS: Final = 1_000
_UNITS_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": _SECOND_MS}
_SPELLINGS_MS: Final = {
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds", "毫秒"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), _SECOND_MS),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), 60_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "时", "小时"), 3_600_000),
    **dict.fromkeys(("d", "day", "days", "天", "日"), 86_400_000),
    **dict.fromkeys(("w", "week", "weeks", "周", "星期"), 7 * 86_400_000),
}
_PART: Final = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z\u4e00-\u9fff]+)\s*")
_MOST_MS: Final = 2**53


def duration_text(ms: int) -> str:
    """A duration as policies spell it, in the greatest unit that leaves nothing over."""
    unit = next((unit for unit, length in _UNITS_MS.items() if ms % length == 0), None) if ms else "s"
    return f"{ms}ms" if unit is None else f"{ms // _UNITS_MS[unit]}{unit}"


def duration_fix(written: str) -> str | None:
    """The duration that a text like `15 days` or `1h 30m` stands for, or None."""
    rest, total_ms = written.strip().lower(), 0.0
    if not rest:
        return None
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _SPELLINGS_MS:
            return None
        total_ms += float(part[1]) * _SPELLINGS_MS[part[2]]
        rest = rest[part.end() :]
    ms = round(total_ms)
    return duration_text(ms) if ms == total_ms and ms % _SECOND_MS == 0 and ms <= LONGEST_MS else None


def time_fix(content: Any) -> tuple[int, str] | None:
    """The milliseconds that a date, a number or a text with one of them stands for, and how people say that time."""
    if isinstance(content, str) and content.strip().isdecimal() and len(content.strip()) < len(str(_MOST_MS)):
        return _said(int(content))
    if isinstance(content, float):
        return _said(int(content)) if content.is_integer() and 0 <= content < _MOST_MS else None
    if isinstance(content, str):
        try:
            content = datetime.fromisoformat(content.strip())
        except ValueError:
            return None
    if not isinstance(content, date):
        return None
    moment = content if isinstance(content, datetime) else datetime(content.year, content.month, content.day)  # noqa: DTZ001
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    return _said((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


def time_text(ms: int) -> str:
    """A time as people say it, in Shanghai; far ones as the number they are."""
    try:
        moment = datetime(1970, 1, 1, tzinfo=SHANGHAI) + timedelta(milliseconds=ms, hours=8)
    except OverflowError:
        return str(ms)
    text = moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+08:00")
    return text.removesuffix(".000").removesuffix(":00")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like this one, if any does."""
    by_lower = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.strip().lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def _said(ms: int) -> tuple[int, str]:
    return ms, time_text(ms)
