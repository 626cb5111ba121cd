"""How counters are told: funnels, shares, changes, and tables as files."""

from typing import Final

import pytest

from app.counters import rates
from app.dashboard import telling
from app.dashboard.address import address, language_wanted, scope_address
from app.dashboard.looks.times import HOUR_MS, cut_short
from app.dashboard.numbers import Numbers
from app.dashboard.opening.overview import day_text, wanted_day
from app.dashboard.sparkline import line
from app.dashboard.tables import csv_of
from app.dashboard.texts_en import ENGLISH
from app.dashboard.views.overview import Day

EN: Final = Numbers("en")


def test_each_step_of_the_funnel_has_its_share_of_the_one_before() -> None:
    counters = {"reads": 1_000, "clicks": 100, "clicks_entered": 25, "entries": 40, "carts": 10, "orders": 15}

    steps = telling.funnel(counters, ENGLISH, EN)

    assert [(step.name, step.value, step.rate, step.says) for step in steps] == [
        ("Reads", "1,000", "", ""),
        ("Clicks", "100", "10.0%", "of reads"),
        ("Shop entries", "40", "25.0%", "of clicks"),
        ("Carts", "10", "25.0%", "per entry"),
        ("Orders", "15", "150.0%", "per cart"),
    ]


def test_a_funnel_of_nothing_has_no_shares() -> None:
    assert [(step.value, step.share) for step in telling.funnel({}, ENGLISH, EN, reads=False)] == [("0", None)] * 4


@pytest.mark.parametrize(
    ("now", "before", "less", "tone"),
    [(11, 10, False, "good"), (9, 10, False, "bad"), (9, 10, True, "good"), (10.05, 10, False, ""), (1, 0, False, "")],
)
def test_a_figure_is_good_or_bad_against_an_earlier_one(now: float, before: float, less: bool, tone: str) -> None:
    assert telling.tone(now, before, less_is_better=less) == tone


def test_a_day_is_cut_at_the_same_time_and_its_running_hour_in_proportion() -> None:
    day = Day({}, {0: {"orders": 10}, HOUR_MS: {"orders": 8, "clicks": 3}, 2 * HOUR_MS: {"orders": 5}})

    assert cut_short(day, HOUR_MS + HOUR_MS // 4).counters == {"orders": 12, "clicks": 1}
    assert cut_short(day, 9 * HOUR_MS).counters == {"orders": 23, "clicks": 3}
    assert cut_short(day, 0).counters == {}


def test_a_rate_of_money_that_came_to_nothing_is_none() -> None:
    assert rates({"gross_minor:CNY": 0, "refunded_minor:CNY": 0}).refund == {}


async def test_a_file_has_all_counters_and_no_formulas() -> None:
    notes = [("=cmd", {"clicks": 3, "gross_minor:CNY": 5}), ("n2", {"orders": 1})]

    head, first, second = (await csv_of(notes)).decode("utf-8-sig").split()

    assert head.startswith("note_id,clicks,")
    assert head.endswith(",gross_minor:CNY")
    assert first.startswith("'=cmd,3,")
    assert second.endswith(",0")


@pytest.mark.parametrize(
    ("values", "path"),
    [((), ""), ((5,), "M0 2L100 2"), ((0, 5, 10), "M0 22L50 12L100 2"), ((0, 0), "M0 22L100 22")],
)
def test_a_sparkline_goes_from_left_to_right_and_from_zero_to_the_greatest(values: tuple[int, ...], path: str) -> None:
    assert line(values) == path


def test_the_state_of_a_view_is_in_its_address() -> None:
    assert address("notes", q="a b", sort=None) == "/ui/notes?q=a+b"
    assert scope_address("note", "a/b+c", span="3d") == "/ui/note/a%2Fb%2Bc?span=3d"
    day_ms = wanted_day({"day": "2026-03-02"})
    assert day_ms is not None
    assert day_text(day_ms) == "2026-03-02"
    assert [wanted_day({"day": text}) for text in ("", "yesterday", "2026-13-01", "0001-01-01x")] == [None] * 4


@pytest.mark.parametrize(
    ("query", "cookies", "accepted", "language"),
    [
        ({"lang": "zh"}, {"redcat_language": "en"}, "en", "zh"),
        ({"lang": "xx"}, {"redcat_language": "zh"}, "en", "zh"),
        ({}, {}, "fr-FR, zh-CN;q=0.9, en;q=0.8", "zh"),
        ({}, {}, "", "en"),
    ],
)
def test_the_language_is_the_one_asked_for(
    query: dict[str, str], cookies: dict[str, str], accepted: str, language: str
) -> None:
    assert language_wanted(query, cookies, accepted) == language
