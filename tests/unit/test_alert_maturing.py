"""Delays are learnt from how cohorts mature, whatever else happens to rates meanwhile."""

import numpy as np
import pytest

from app.alerts.cohorts import cohorts_of
from app.alerts.curves import weights_of
from app.alerts.detectors.delay import KINDS, matured
from app.alerts.maturing import DAY_MIN, Cohorts, Maturing
from app.alerts.model import Array, Scope

AT_MIN = 29_800_000.0
AGES = np.array([1.0, 5.0, 30.0, 240.0, 1_400.0])
FAST = np.array([0.7, 0.1, 0.2, 0, 0, 0, 0, 0])
SLOW = np.array([0.1, 0, 0, 0.4, 0, 0.5, 0, 0])


def seen_at(now_min: float, weights: Array, clicks: float, random: np.random.Generator, days: float = 3) -> Cohorts:
    """Cohorts of single minutes, then hours; their rate swings by half with the hour of the day."""
    ages = np.concatenate([np.arange(1.0, 361), np.arange(390, days * DAY_MIN, 60)])
    began = now_min - ages
    rate = 0.3 * (1 + 0.5 * np.sin(began / DAY_MIN * 2 * np.pi))
    came = random.poisson(clicks * np.where(ages > 360, 60, 1)).astype(float)
    return Cohorts(ages, came, random.binomial(came.astype(int), rate * matured(ages - 0.5, weights)).astype(float))


def taught(hours: int, clicks: dict[str, float], days: float = 3) -> Maturing:
    maturing, random = Maturing(), np.random.default_rng(1)
    for hour in range(hours):
        at_min = AT_MIN + 60 * hour
        found = {
            name: seen_at(at_min, FAST if name == "fmcg" else SLOW, count, random, days)
            for name, count in clicks.items()
        }
        maturing.take("entry_rate", found, at_min)
    return maturing


def test_each_category_has_the_delay_that_its_own_clicks_show() -> None:
    curves = taught(48, {"fmcg": 20.0, "health": 20.0}).curves("entry_rate")

    assert curves is not None
    for name, weights in (("fmcg", FAST), ("health", SLOW)):
        learnt = matured(AGES, curves[Scope("category", name)])
        assert learnt == pytest.approx(matured(AGES, weights), abs=0.05), name


def test_a_thin_category_leans_on_the_others_and_a_thinner_one_has_no_delay_of_its_own() -> None:
    curves = taught(24, {"fmcg": 20.0, "health": 0.03, "outdoor": 0.001}).curves("entry_rate")

    assert curves is not None
    own = matured(AGES, curves[Scope("category", "health")])
    assert np.abs(own - matured(AGES, FAST)).max() < np.abs(matured(AGES, SLOW) - matured(AGES, FAST)).max() / 2
    assert Scope("category", "outdoor") not in curves


@pytest.mark.parametrize(
    ("story", "hours", "clicks", "days"),
    [("nothing was seen", 0, 20.0, 3), ("it began this morning", 5, 20.0, 0.5), ("hardly anybody came", 48, 0.02, 3)],
)
def test_nothing_is_claimed_as_long_as_too_little_is_known(story: str, hours: int, clicks: float, days: float) -> None:
    assert taught(hours, {"fmcg": clicks}, days).curves("entry_rate") is None, story


def test_a_note_has_the_delay_of_the_smallest_category_it_lies_in() -> None:
    fmcg, skin, jd = Scope("category", "fmcg"), Scope("category", "fmcg.skincare"), Scope("platform", "jd")
    curves = {None: np.eye(KINDS)[0], fmcg: np.eye(KINDS)[1], skin: np.eye(KINDS)[2]}
    scopes = [Scope("note", "n1"), Scope("note", "n2"), Scope("note", "n3"), jd, skin, Scope("category", "health")]
    within: list[tuple[Scope, ...]] = [(jd, skin, fmcg), (jd, fmcg), (jd,), (), (), ()]

    weights, together = weights_of(curves, np.eye(KINDS)[5], scopes, within)

    assert weights.argmax(axis=1).tolist() == [2, 1, 0, 0, 2, 0]
    assert together[3] == pytest.approx(1.0, abs=0.15), "what comes at once comes together"


def test_clicks_of_the_minute_that_is_not_over_say_nothing_yet() -> None:
    dated = [(AT_MIN - minutes, {"clicks": 2, "clicks_entered": 1}) for minutes in (0.0, 0.5, 1.0, 90.0)]

    found = cohorts_of("entry_rate", dated, AT_MIN)

    assert found.ages_min.tolist() == [1.0, 90.0]
    assert (found.clicks.tolist(), found.converted.tolist()) == ([2.0, 2.0], [1.0, 1.0])


def test_refunds_are_counted_in_orders_of_the_main_currency() -> None:
    counts = {"orders": 2, "gross_minor:CNY": 20_000, "refunded_minor:CNY": 5_000, "gross_minor:USD": 10}

    found = cohorts_of("refund_rate", [(AT_MIN - 60, counts)], AT_MIN)

    assert (found.clicks.tolist(), found.converted.tolist()) == ([2.0], [0.5])
