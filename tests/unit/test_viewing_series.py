"""Periods, rates and what is expected of the immature."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from app.viewing.figures import rate_of, wilson
from app.viewing.maturity import DelayCurve, delay_curve, expected, mature_days
from app.viewing.party import parse_party
from app.viewing.periods import DAY_S, HOUR_S, STEPS_S, WEEK_S, WrongPeriods, cut
from streams.rollups import DELAYS_MIN, delayed

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_MS = 86_400_000


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """A local time in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


@given(st.integers(1, 500), st.data())
def test_the_wilson_interval_is_that_of_statsmodels(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    assert wilson(successes, trials) == pytest.approx(
        proportion_confint(successes, trials, alpha=0.05, method="wilson"), abs=1e-9
    )


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 0), (1, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_no_rate(numerator: int, denominator: int) -> None:
    assert rate_of(numerator, denominator) is None


def test_days_are_cut_at_midnight_in_shanghai() -> None:
    periods = cut(ms("2026-06-18T10:00"), ms("2026-06-19T00:00:00.001"), DAY_S, SHANGHAI)
    assert periods.starts_ms == [ms("2026-06-18T00:00"), ms("2026-06-19T00:00")]
    assert periods.end_ms == ms("2026-06-20T00:00")
    asked = (ms("2026-06-17T23:59:59"), ms("2026-06-18T23:59:59"), ms("2026-06-19T00:00"))
    assert [periods.place(at) for at in asked] == [None, 0, 1]


def test_weeks_begin_on_monday() -> None:
    assert cut(ms("2026-06-18T10:00"), ms("2026-06-18T11:00"), WEEK_S, SHANGHAI).starts_ms == [ms("2026-06-15T00:00")]


def test_a_day_is_as_long_as_its_zone_makes_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    periods = cut(ms("2026-03-29T00:00", berlin), ms("2026-03-31T00:00", berlin), DAY_S, berlin)
    assert [(end - start) // 3_600_000 for start, end in pairwise([*periods.starts_ms, periods.end_ms])] == [23, 24]


@given(st.sampled_from(STEPS_S), st.integers(10**12, 2 * 10**12), st.integers(1, 90 * DAY_MS))
def test_periods_have_no_gaps_and_cover_what_was_asked(step_s: int, from_ms: int, length_ms: int) -> None:
    length_ms = min(length_ms, 100 * step_s * 1_000)
    periods = cut(from_ms, from_ms + length_ms, step_s, SHANGHAI)
    bounds = [*periods.starts_ms, periods.end_ms]
    assert periods.starts_ms[0] <= from_ms < from_ms + length_ms <= periods.end_ms
    assert {end - start for start, end in pairwise(bounds)} == {step_s * 1_000}


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "step_s"), [(5, 5, HOUR_S), (0, 10**9, 7), (0, 10**13, 60)], ids=["empty", "step", "too many"]
)
def test_periods_that_cannot_be_are_refused(from_ms: int, to_ms: int, step_s: int) -> None:
    with pytest.raises(WrongPeriods):
        cut(from_ms, to_ms, step_s, SHANGHAI)


def even_curve() -> DelayCurve:
    """A curve by which half of all orders come within the first day."""
    curve = delay_curve({delayed(10): 500, delayed(3 * 1_440 + 1): 500}, clicks=10_000)
    assert curve is not None
    return curve


def test_a_delay_curve_rises_to_one() -> None:
    curve = even_curve()
    shares = [curve.share(minutes * 60_000) for minutes in (0, *DELAYS_MIN, 10**6)]
    assert shares == sorted(shares)
    assert (shares[0], curve.share(DAY_MS), shares[-1]) == (0, 0.5, 1)


def test_from_few_orders_nothing_is_expected() -> None:
    assert delay_curve({delayed(5): 49}, clicks=1_000) is None
    assert delay_curve({delayed(5): 50}, clicks=40) is None


def test_the_youngest_clicks_are_expected_to_be_as_usual_and_the_old_as_they_are() -> None:
    curve = even_curve()
    assert expected(0, 1_000, 0, curve).value == pytest.approx(100)
    assert expected(37, 1_000, 100 * DAY_MS, curve) == pytest.approx(expected(37, 1_000, 200 * DAY_MS, curve))
    assert expected(37, 1_000, 100 * DAY_MS, curve).value == 37


def test_a_cohort_that_does_better_than_usual_is_expected_to_go_on_so() -> None:
    usual, better = (expected(seen, 1_000, DAY_MS, even_curve()) for seen in (50, 100))
    assert usual.value == pytest.approx(100, rel=0.01)
    assert 180 < better.value < 200
    assert better.low <= better.value <= better.high


@given(st.integers(0, 500), st.integers(1, 10_000), st.floats(0, 60 * DAY_MS))
def test_no_fewer_are_expected_than_were_seen(seen: int, clicks: int, age_ms: float) -> None:
    told = expected(seen, clicks, age_ms, even_curve())
    assert seen <= told.low <= told.value <= told.high


def test_mature_days_have_no_window_open() -> None:
    days = mature_days(20 * DAY_MS + 5, 15 * DAY_MS)
    assert (days.stop * DAY_MS + 15 * DAY_MS) <= 20 * DAY_MS + 5 < (days.stop + 1) * DAY_MS + 15 * DAY_MS


@pytest.mark.parametrize("text", ["admin", "xhs", "platform:jd", "merchant:m-1"])
def test_a_party_reads_as_it_is_written(text: str) -> None:
    assert str(parse_party(text)) == text
