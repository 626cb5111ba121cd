"""Detectors against independent answers of scipy, statsmodels and river, and on data in which nothing changes.

These take seconds to import and each process of the tests reads this module: imported is where they answer.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.alerts.detectors import baseline, delay, guard, likelihood, run_length
from app.alerts.detectors.cusum import Runs
from app.alerts.detectors.seasonal import HourOfWeek
from app.alerts.model import Array, Scope
from app.alerts.rules import Rule
from app.alerts.watch import Watch

EXAMPLES = settings(max_examples=25, deadline=None)
RATES = st.floats(0.01, 0.9)
COUNTS = st.integers(0, 500)
ANYTHING = st.floats(0, 1e9)


def one(value: float) -> Array:
    return np.array([float(value)])


@EXAMPLES
@given(COUNTS, st.integers(1, 500), RATES, st.floats(0.05, 1.0))
def test_binomial_evidence_is_the_ratio_of_the_two_likelihoods(count: int, more: int, rate: float, left: float) -> None:
    from scipy import stats

    trials = count + more
    changed = rate * left

    evidence = likelihood.binomial(one(count), one(trials * rate), one(trials * changed), one(rate))[0]

    expected = stats.binom.logpmf(count, trials, changed) - stats.binom.logpmf(count, trials, rate)
    assert evidence == pytest.approx(expected, rel=1e-6, abs=1e-6)


@EXAMPLES
@given(COUNTS, st.floats(0.1, 500), st.floats(0.05, 3.0))
def test_without_a_chance_it_is_the_poissons(count: int, mean: float, times: float) -> None:
    from scipy import stats

    evidence = likelihood.binomial(one(count), one(mean), one(mean * times), one(0))[0]

    expected = stats.poisson.logpmf(count, mean * times) - stats.poisson.logpmf(count, mean)
    assert evidence == pytest.approx(expected, rel=1e-3, abs=1e-3)


@EXAMPLES
@given(COUNTS, st.floats(0.1, 500), st.floats(0.05, 3.0), st.floats(0.001, 1.0))
def test_negative_binomial_evidence_likewise(count: int, mean: float, times: float, dispersion: float) -> None:
    from scipy import stats

    size = 1 / dispersion

    evidence = likelihood.negative_binomial(one(count), one(mean), one(mean * times), one(dispersion))[0]

    before, after = (stats.nbinom.logpmf(count, size, size / (size + m)) for m in (mean, mean * times))
    assert evidence == pytest.approx(after - before, rel=1e-6, abs=1e-6)


@EXAMPLES
@given(ANYTHING, ANYTHING, ANYTHING, st.floats(0, 1), st.floats(-0.98, 100))
def test_no_input_divides_by_zero(count: float, mean: float, fresh: float, chance: float, change: float) -> None:
    changed = likelihood.after_change(one(mean), one(min(fresh, mean)), change)

    assert np.isfinite(likelihood.binomial(one(count), one(mean), changed, one(chance))).all()
    assert np.isfinite(likelihood.negative_binomial(one(count), one(mean), changed, one(chance))).all()


def test_where_nothing_is_expected_nothing_is_evidence() -> None:
    nothing = np.zeros(1)

    assert likelihood.binomial(one(5), nothing, nothing, one(0.5))[0] == 0
    assert likelihood.negative_binomial(one(5), nothing, nothing, one(0.5))[0] == 0


@EXAMPLES
@given(st.integers(1, 400), st.floats(1, 400), st.floats(-0.98, -0.05), st.floats(0, 0.9))
def test_fewer_conversions_never_speak_less_for_a_drop(count: int, mean: float, change: float, chance: float) -> None:
    changed = likelihood.after_change(one(mean), one(mean), change)

    fewer, more = (likelihood.binomial(one(x), one(mean), changed, one(chance))[0] for x in (count - 1, count))
    assert fewer > more


@EXAMPLES
@given(st.lists(st.tuples(COUNTS, st.floats(0.1, 500)), min_size=1, max_size=20), st.floats(-0.98, -0.05), RATES)
def test_evidence_of_many_steps_is_that_of_one(steps: list[tuple[int, float]], change: float, chance: float) -> None:
    counts, means = np.array([step[0] for step in steps], float), np.array([step[1] for step in steps])

    def evidence(count: Array, mean: Array) -> float:
        changed = likelihood.after_change(mean, mean, change)
        return float(likelihood.binomial(count, mean, changed, np.full(len(mean), chance)).sum())

    assert evidence(counts, means) == pytest.approx(evidence(one(counts.sum()), one(means.sum())), rel=1e-6, abs=1e-6)


@EXAMPLES
@given(COUNTS, st.integers(1, 2_000), st.floats(0.5, 300), st.floats(0.5, 300))
def test_the_guard_is_the_beta_binomial(count: int, sample: int, alpha: float, beta: float) -> None:
    from scipy import stats

    expected = stats.betabinom.cdf(count, sample, alpha, beta) if count < sample else 1.0

    assert guard.beta_binomial_at_most(count, sample, alpha, beta) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@EXAMPLES
@given(COUNTS, st.integers(0, 500))
def test_intervals_are_wilsons(count: int, rest: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    interval = guard.wilson(count, count + rest)

    expected = proportion_confint(count, count + rest, method="wilson") if count + rest else (0, 1)
    assert tuple(interval) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("converted", "sample", "answer"),
    [(0, 0, "insufficient"), (0, 19, "insufficient"), (0, 20, "drop"), (12, 20, "ok"), (3, 20, "ok")],
)
def test_no_data_is_never_taken_for_zero(converted: int, sample: int, answer: str) -> None:
    assert guard.judged_rate(converted, sample, 60, 40, least_sample=20, chance=1e-4) == answer


def test_false_alarms_come_as_rarely_as_the_markov_chain_says_and_the_bound_promises() -> None:
    random, rate, left, needed = np.random.default_rng(1), 0.4, 0.2, 4.0
    scopes, steps = 2_000, 1_500
    up, down = np.log(rate * left / rate), np.log((1 - rate * left) / (1 - rate))
    evidence, alarms = np.zeros(scopes), 0
    for _ in range(steps):
        evidence = np.maximum(evidence + np.where(random.random(scopes) < rate, up, down), 0)
        alarms += int((evidence >= needed).sum())
        evidence[evidence >= needed] = 0.0

    stated = run_length.average_run_length(np.array([up, down]), np.array([rate, 1 - rate]), needed, states=800)
    assert scopes * steps / alarms == pytest.approx(stated, rel=0.1)
    drift = -(rate * up + (1 - rate) * down)
    assert alarms <= scopes * steps * min(drift, 1.0) * np.exp(-needed) * 1.1


@EXAMPLES
@given(st.floats(1, 1e9), st.floats(1e-3, 100))
def test_more_traffic_and_more_patience_need_more_evidence(restarts: float, false_alarms: float) -> None:
    needed = run_length.needed_evidence(restarts, false_alarms)

    assert run_length.LEAST_NEEDED <= needed <= run_length.MOST_NEEDED
    assert run_length.needed_evidence(restarts * 2, false_alarms) >= needed
    assert run_length.needed_evidence(restarts, false_alarms * 2) <= needed


def test_a_break_is_found_sooner_than_by_page_and_hinkley_with_as_few_false_alarms() -> None:
    from river.drift import PageHinkley

    random = np.random.default_rng(3)
    rival = PageHinkley(mode="down", threshold=14.0, delta=0.05, min_instances=30)
    evidence, ours, theirs = 0.0, None, None
    up, down = np.log(0.1), np.log((1 - 0.06) / (1 - 0.6))
    for click in range(2_200):
        converted = bool(random.random() < (0.6 if click < 2_000 else 0.0))
        evidence = max(evidence + (up if converted else down), 0.0)
        rival.update(float(converted))  # type: ignore[no-untyped-call]
        assert click >= 2_000 or not (evidence >= 12 or rival.drift_detected)
        ours = click if ours is None and evidence >= 12 else ours
        theirs = click if theirs is None and rival.drift_detected else theirs

    assert ours is not None
    assert theirs is not None
    assert ours < theirs < 2_100


@EXAMPLES
@given(st.integers(1, 6), st.lists(st.floats(0, 50), min_size=1, max_size=8))
def test_clicks_come_due_alike_in_few_long_steps_and_in_many_short_ones(parts: int, clicks: list[float]) -> None:
    weights = np.array([[0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.03, 0.02]])
    whole, split = np.zeros((1, delay.KINDS)), np.zeros((1, delay.KINDS))
    long, short, due, due_split = delay.step_of(6.0), delay.step_of(6.0 / parts), 0.0, 0.0
    for count in clicks:
        due += delay.advance(whole, one(count), weights, long)[0]
        due_split += sum(delay.advance(split, one(count / parts), weights, short)[0] for _ in range(parts))

    assert due == pytest.approx(due_split)
    assert whole == pytest.approx(split)
    assert due + whole.sum() == pytest.approx(sum(clicks))


def test_a_delay_is_learnt_from_how_many_of_each_age_have_converted() -> None:
    random = np.random.default_rng(2)
    truth = np.array([0.6, 0.0, 0.2, 0.1, 0.0, 0.1, 0.0, 0.0])
    ages = np.arange(1.0, 3_000.0)
    reached = 1 - np.exp(-(ages[:, None] - 1) / delay.TIME_CONSTANTS_MIN) * delay.step_of(1.0).fresh_kept
    clicks = np.full(len(ages), 400.0)

    learnt = delay.fit(ages, clicks, random.poisson(clicks * 0.3 * (reached @ truth)).astype(float))

    at = np.array([1.0, 5.0, 30.0, 240.0, 1_000.0])
    assert learnt.sum() == pytest.approx(1)
    assert delay.matured(at, learnt) == pytest.approx(delay.matured(at, truth), abs=0.04)


def test_a_tail_of_an_hour_is_not_taken_for_a_longer_one() -> None:
    ages = np.concatenate([np.arange(1.0, 360.0), np.arange(390.0, 4_320.0, 60.0)])
    reached = 0.88 * (1 - np.exp(-ages / 0.1)) + 0.09 * (1 - np.exp(-ages / 2.5)) + 0.03 * (1 - np.exp(-ages / 60))
    clicks = np.where(ages < 360, 10_000.0, 600_000.0)

    learnt = delay.fit(ages, clicks, np.random.default_rng(3).poisson(clicks * 0.3 * reached).astype(float))

    assert 1 - delay.matured(np.array([60.0, 240.0, 480.0]), learnt) == pytest.approx([0.011, 0.0005, 0.0], abs=0.003)


@EXAMPLES
@given(st.integers(0, 10_000), st.integers(3, 30))
def test_weights_are_the_least_squares_without_negative_parts(seed: int, ages: int) -> None:
    from scipy.optimize import nnls

    random = np.random.default_rng(seed)
    matrix, values = random.random((ages, 3)) + 0.1, random.normal(0.3, 1.0, ages)

    ours, (_, residual) = delay.not_negative(matrix, values), nnls(matrix, values)

    assert (ours >= 0).all()
    assert float(np.linalg.norm(values - matrix @ ours)) == pytest.approx(residual, rel=1e-6, abs=1e-9)


def test_thin_data_leave_the_delay_of_the_larger_group() -> None:
    prior = np.eye(delay.KINDS)[2]
    ages = np.arange(1.0, 10.0)

    learnt = delay.fit(ages, np.full(9, 2.0), np.eye(9)[0], prior)

    assert learnt[2] > 0.99


def test_delays_that_come_at_once_are_concentrated() -> None:
    minute = delay.step_of(1.0)

    assert delay.concentration(np.eye(delay.KINDS)[0], minute) > 0.85
    assert delay.concentration(np.eye(delay.KINDS)[6], minute) < 0.01


def test_peers_say_what_is_normal_where_a_scope_has_no_history() -> None:
    random = np.random.default_rng(4)
    rates = random.beta(20, 30, 400)
    due = np.full(400, 500.0)
    known = baseline.peers(random.binomial(500, rates).astype(float), due, np.zeros(400, np.intp), 1)

    new = baseline.posterior(one(0), one(0), known.rate, known.alike)

    assert known.rate[0] == pytest.approx(0.4, abs=0.01)
    assert known.alike[0] == pytest.approx(50, rel=0.3)
    assert new.mean[0] == pytest.approx(0.4, abs=0.01)
    assert new.deviation[0] == pytest.approx(rates.std(), rel=0.2)


def test_runs_rest_where_nothing_speaks_for_a_change() -> None:
    runs = Runs.rested(2, 1)
    runs.add(np.array([[1.0], [-1.0]]), *(np.ones((2, 1)) for _ in range(4)))
    runs.pools[:] = 1.0
    runs.rest(np.array([0.5]), 7.0)

    assert runs.evidence.tolist() == [[0.75], [0.0]]  # no more than the ceiling
    assert runs.observed.tolist() == [[1.0], [0.0]]
    assert runs.since_min.tolist() == [[0.0], [7.0]]
    assert runs.pools[:, 0, 0].tolist() == [1.0, 0.0]


def watch_of(**seen: float) -> Watch:
    """A rule at work on one scope, with what its run has seen."""
    watch = Watch(Rule(name="r", metric="refused_share", scopes=["merchant"], direction="surge", changes=[1.5]))
    watch.resize(np.zeros(0, np.intp), np.array([True]), [Scope("merchant", "m")], 0.0)
    watch.needed = one(13.0)
    for name, value in {"peak": 19.0, "observed": 30.0, "expected": 2.0, "fresh": 2.0, "sample": 80.0, **seen}.items():
        getattr(watch.runs, name)[:] = value
    return watch


@pytest.mark.parametrize(
    ("evidence", "answered", "fires"),
    [(19.0, False, True), (18.2, False, True), (15.0, False, False), (15.0, True, True), (8.0, True, False)],
)
def test_what_has_passed_its_peak_before_it_could_be_told_is_told_no_more(
    evidence: float, *, answered: bool, fires: bool
) -> None:
    watch = watch_of(evidence=evidence)
    watch.answered[:] = answered

    assert watch.firing().tolist() == [[fires]]


@pytest.mark.parametrize(
    ("story", "seen", "recent", "answered", "kept"),
    [
        ("a fact in six minutes, hours long", {"evidence": 19.0}, 1.0, False, False),
        ("it is not sure yet", {"evidence": 12.0}, 1.0, False, True),
        ("traffic is there", {"evidence": 19.0}, 6.0, False, True),
        ("it is told already", {"evidence": 19.0}, 1.0, True, True),
        ("only these minutes are quiet", {"evidence": 19.0, "sample": 700.0}, 1.0, False, True),
    ],
)
def test_evidence_that_came_too_thinly_to_be_told_does_not_wait_for_traffic(
    story: str, seen: dict[str, float], recent: float, *, answered: bool, kept: bool
) -> None:
    watch = watch_of(**seen)
    watch.answered[:] = answered

    watch.let_go(one(recent), 480.0)

    assert bool(watch.runs.evidence[0, 0]) is kept, story


def test_hours_of_the_week_are_learnt_and_fall_back_to_the_hour_of_the_day() -> None:
    season = HourOfWeek.unknown(1)
    everywhere = np.ones(1, bool)
    season.learn(one(600), one(60), 9, everywhere)
    season.learn(one(1_200), one(60), 10, everywhere)

    assert season.expected(9.5)[0] == pytest.approx(10)
    assert season.expected(10.0)[0] == pytest.approx(15)  # between the middles of two hours
    assert season.expected(24 + 9.5)[0] == pytest.approx(10)  # no Tuesday was seen yet
    assert np.isnan(season.expected(3.5)[0])
