"""Numbers, money and times as a reader of Chinese or of English writes them.  Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from app.money import money

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Days are cut here; China has no summer time."""

NONE: Final = "–"  # noqa: RUF001  # where there is nothing to tell
MINUS: Final = "\u2212"
SYMBOLS: Final = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$", "JPY": "JP¥"}
WEEKDAYS: Final = {"en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), "zh": tuple("一二三四五六日")}
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STEPS: Final = {
    "en": ((10**9, "B"), (10**6, "M"), (10**4, "k")),
    "zh": ((10**8, "亿"), (10**4, "万")),
}
DIVISORS: Final = {"k": 10**3}
SPANS: Final = ((86_400_000, "d", "天"), (3_600_000, "h", "小时"), (60_000, "min", "分"), (1_000, "s", "秒"))


class Numbers:
    """Writes for one language, "en" or "zh"."""

    def __init__(self, language: str) -> None:
        self.language = language

    def count(self, number: float) -> str:
        """`12,345`, in full."""
        return f"{number:,.0f}".replace("-", MINUS)

    def compact(self, number: float) -> str:
        """`12.3k` or `1.2万`: at most four digits, below 10,000 in full."""
        for least, unit in STEPS[self.language]:
            if abs(number) >= least:
                scaled = number / DIVISORS.get(unit, least)
                return f"{scaled:,.{1 if abs(scaled) < 100 else 0}f}{unit}".replace("-", MINUS)
        return self.count(number)

    def share(self, share: float | None, digits: int = 1) -> str:
        """`12.3%`; small ones keep two digits that say something."""
        if share is None:
            return NONE
        percent = share * 100
        more = 1 if 0 < abs(percent) < 1 else 0
        return f"{percent:,.{digits + more}f}%".replace("-", MINUS)

    def money(self, amounts: Mapping[str, int], *, compact: bool = False) -> str:
        """Minor units by currency as `¥1,234.50`, several currencies side by side."""
        return " + ".join(self._amount(amounts[one], one, compact=compact) for one in sorted(amounts)) or NONE

    def change(self, now: float, before: float) -> str:
        """`+12.3%` against an earlier figure; without one there is nothing to compare with."""
        if not before:
            return NONE
        text = self.share(now / before - 1)
        return text if text.startswith(MINUS) else f"+{text}"

    def day(self, at_ms: int) -> str:
        """`Mon 2 Mar 2026` or `2026年3月2日 周一`."""
        at = local(at_ms)
        weekday = WEEKDAYS[self.language][at.weekday()]
        if self.language == "zh":
            return f"{at.year}年{at.month}月{at.day}日 周{weekday}"
        return f"{weekday} {at.day} {MONTHS[at.month - 1]} {at.year}"

    def moment(self, at_ms: int) -> str:
        """`2026-03-02 14:05:09`, the same in both languages so that it can be looked up."""
        return local(at_ms).strftime("%Y-%m-%d %H:%M:%S")

    def clock(self, at_ms: int) -> str:
        """`14:05:09`."""
        return local(at_ms).strftime("%H:%M:%S")

    def span(self, span_ms: float) -> str:
        """`2.5 h` or `2.5 小时`, in the greatest unit that fits."""
        for unit_ms, en, zh in SPANS:
            if abs(span_ms) >= unit_ms:
                return f"{span_ms / unit_ms:.1f}".removesuffix(".0") + " " + (zh if self.language == "zh" else en)
        return f"{span_ms:.0f} " + ("毫秒" if self.language == "zh" else "ms")

    def _amount(self, minor: int, currency: str, *, compact: bool) -> str:
        symbol = SYMBOLS.get(currency)
        sign = MINUS if minor < 0 else ""
        whole = money(abs(minor), currency).removeprefix(f"{currency} ")
        if compact and (major := float(whole.replace(",", ""))) >= 1_000:
            whole = self.compact(major)
        return f"{sign}{symbol or currency + ' '}{whole}"


def local(at_ms: int) -> datetime:
    """A time in Asia/Shanghai."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(SHANGHAI)


def day_start_ms(at_ms: int) -> int:
    """When the day of a time begins in Asia/Shanghai."""
    return int(local(at_ms).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
