"""Numbers, money and times as readers of both languages write them."""

from typing import Final

import pytest

from app.dashboard.numbers import Numbers, day_start_ms

EN: Final = Numbers("en")
ZH: Final = Numbers("zh")
NOON_MS: Final = 1_772_424_309_000  # 2 March 2026, 12:05:09 in Shanghai


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (-9_999, "−9,999", "−9,999"),  # noqa: RUF001  # a minus sign
        (12_345, "12.3k", "1.2万"),
        (123_456, "123k", "12.3万"),
        (1_234_567, "1.2M", "123万"),
        (123_456_789, "123M", "1.2亿"),
        (12_345_678_901, "12.3B", "123亿"),
        (-12_345, "−12.3k", "−1.2万"),  # noqa: RUF001
    ],
)
def test_a_number_takes_few_characters_in_the_units_of_its_language(number: int, english: str, chinese: str) -> None:
    assert (EN.compact(number), ZH.compact(number)) == (english, chinese)


@pytest.mark.parametrize(
    ("share", "told"),
    [(None, "–"), (0.0, "0.0%"), (0.123, "12.3%"), (0.00456, "0.46%"), (1.5, "150.0%"), (-0.2, "−20.0%")],  # noqa: RUF001
)
def test_a_share_is_told_in_percent_and_none_as_a_dash(share: float | None, told: str) -> None:
    assert EN.share(share) == told


@pytest.mark.parametrize(
    ("amounts", "full", "compact"),
    [
        ({}, "–", "–"),  # noqa: RUF001
        ({"CNY": 123_450}, "¥1,234.50", "¥1,234"),
        ({"CNY": 123_456_789}, "¥1,234,567.89", "¥1.2M"),
        ({"JPY": 5, "CNY": 100}, "¥1.00 + JP¥5", "¥1.00 + JP¥5"),
        ({"CHF": -250}, "−CHF 2.50", "−CHF 2.50"),  # noqa: RUF001
    ],
)
def test_money_stands_by_its_currency_and_is_never_added_across(
    amounts: dict[str, int], full: str, compact: str
) -> None:
    assert (EN.money(amounts), EN.money(amounts, compact=True)) == (full, compact)


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [(11, 10, "+10.0%"), (9, 10, "−10.0%"), (5, 0, "–"), (10, 10, "+0.0%")],  # noqa: RUF001
)
def test_a_change_needs_something_to_compare_with(now: int, before: int, told: str) -> None:
    assert EN.change(now, before) == told


def test_days_and_times_are_those_of_shanghai() -> None:
    assert EN.day(NOON_MS) == "Mon 2 Mar 2026"
    assert ZH.day(NOON_MS) == "2026年3月2日 周一"
    assert EN.moment(NOON_MS) == ZH.moment(NOON_MS) == "2026-03-02 12:05:09"
    assert EN.clock(NOON_MS) == "12:05:09"
    assert EN.moment(day_start_ms(NOON_MS)) == "2026-03-02 00:00:00"
    assert day_start_ms(day_start_ms(NOON_MS)) == day_start_ms(NOON_MS)
    assert EN.day(day_start_ms(NOON_MS) - 1) == "Sun 1 Mar 2026"


@pytest.mark.parametrize(
    ("span_ms", "english", "chinese"),
    [
        (250, "250 ms", "250 毫秒"),
        (1_500, "1.5 s", "1.5 秒"),
        (120_000, "2 min", "2 分"),
        (9_000_000, "2.5 h", "2.5 小时"),
    ],
)
def test_a_span_is_told_in_the_greatest_unit_that_fits(span_ms: int, english: str, chinese: str) -> None:
    assert (EN.span(span_ms), ZH.span(span_ms)) == (english, chinese)
