"""Simulated history is what it claims to be, and alerts are held against its truth."""

from collections import defaultdict

import msgspec
import numpy as np
import orjson
import pytest

from app.alerts.backtest.recorded import minutes_of
from app.alerts.backtest.report import delays_of, quantile
from app.alerts.backtest.running import Alert, Firing, Recorder
from app.alerts.backtest.scoring import FalseAlarm, Score, Truth, poisson_upper
from app.alerts.backtest.trade import proposal, traded
from app.alerts.backtest.trial import START_MS, TrialPlan
from app.alerts.model import Scope
from app.alerts.rules_file import read_rules
from app.alerts.simulated import delays
from app.alerts.simulated.incidents import Incident, IncidentKind
from app.alerts.simulated.population import CATEGORIES, Population, populate
from app.alerts.simulated.world import World, WorldPlan
from app.simulator.config import SimulatorConfig
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies

NOTES = 40


def population() -> Population:
    return populate(np.random.default_rng(1), NOTES, median_per_hour=2_000, campaigns=3, merchants=3)


def incident(kind: IncidentKind, scope: Scope, of: Population, start: int = 30, end: int = 60) -> Incident:
    notes = np.arange(NOTES) if scope.kind == "all" else np.array([of.scopes.index(scope)])
    return Incident(kind, scope, notes, start, end, 1.0)


def sums(kind: IncidentKind, scope: Scope) -> dict[str, list[float]]:
    """Clicks and entries of a scope, minute by minute, of a world with one incident from minute 30 to 60."""
    of = population()
    world = World(WorldPlan(seed=1, days=1, start_ms=START_MS), of, [incident(kind, scope, of)])
    place = -1 if scope.kind == "all" else of.scopes.index(scope)
    told: dict[str, list[float]] = {"clicks": [], "clicks_entered": []}
    for minute, seen in world.minutes():
        for name, values in told.items():
            counts = seen.counts[name]
            values.append(float(counts[:NOTES].sum() if place < 0 else counts[place]))
        if minute == 89:
            return told
    raise AssertionError("the day was too short")


def test_larger_scopes_are_the_sums_of_their_notes() -> None:
    of = population()
    _, seen = next(World(WorldPlan(seed=1, days=1, start_ms=START_MS), of, []).minutes())

    for place, scope in enumerate(of.scopes[NOTES:], NOTES):
        notes = [note for note in range(NOTES) if scope in of.within[note]]
        assert seen.counts["clicks"][place] == seen.counts["clicks"][notes].sum()


def test_equal_seeds_give_equal_histories() -> None:
    note = Scope("note", "n0")

    assert sums("link_break", note) == sums("link_break", note)


@pytest.mark.parametrize(
    ("kind", "scope", "clicks", "entries"),
    [
        ("link_break", Scope("note", "n0"), 1.0, 0.0),
        ("gate_closing", Scope("note", "n0"), 0.0, 0.0),
        ("feed_stop", Scope("all", "*"), 1.0, 0.0),
        ("clock_jump", Scope("note", "n0"), 1.0, 0.0),
        ("late_feed", Scope("all", "*"), 1.0, 0.0),
        ("duplicates_storm", Scope("all", "*"), 1.0, 1.0),
    ],
)
def test_incidents_take_away_what_they_should(kind: IncidentKind, scope: Scope, clicks: float, entries: float) -> None:
    told = sums(kind, scope)

    def times(name: str) -> float:
        return sum(told[name][40:60]) / sum(told[name][10:30])

    # nights begin quiet and become quieter
    assert times("clicks") == pytest.approx(0.85 * clicks, abs=0.2)
    assert times("clicks_entered") == pytest.approx(0.85 * entries, abs=0.2)


def test_a_late_feed_loses_nothing_and_neither_does_a_replay() -> None:
    everything = Scope("all", "*")
    plain, late, replayed = (sums(kind, everything) for kind in ("duplicates_storm", "late_feed", "replay"))

    assert sum(late["clicks_entered"]) == pytest.approx(sum(plain["clicks_entered"]), rel=0.005)
    assert sum(replayed["clicks"]) == pytest.approx(sum(plain["clicks"]), rel=1e-9)
    assert min(replayed["clicks"]) < 0


def test_delays_are_those_of_the_traffic_simulator() -> None:
    clicks: dict[str, list[tuple[int, str]]] = defaultdict(list)
    entries: dict[str, list[int]] = defaultdict(list)
    for record in simulate(SimulatorConfig(events=30_000, seed=5, partitions=1), Tallies()):
        if record.topic not in ("click-out", "shop-entry") or not record.value:
            continue
        try:
            fields = orjson.loads(record.value)
            token, at_ms = fields["token"], fields["at_ms"]
            if record.topic == "click-out":
                clicks[token].append((at_ms, fields["category"]))
            else:
                entries[token].append(at_ms)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            continue  # simulated on purpose
    seen = [
        (min(entries[token]) - at_ms) / 60_000
        for token, of in clicks.items()
        if len(set(of)) == 1 and len(entries[token]) == 1 and isinstance(entries[token][0], int)
        for at_ms, category in of[:1]
        if category.startswith("fmcg")
    ]
    drawn = delays.entries_thought_over(np.random.default_rng(1), np.zeros(40_000, np.intp))

    assert CATEGORIES[0].startswith("fmcg")
    assert len(seen) > 1_000
    for minutes in (2, 10, 30, 300, 1_500):
        assert np.mean(np.array(seen) <= minutes) == pytest.approx(np.mean(drawn <= minutes), abs=0.05)


def firing(scope: Scope, rule: str = "r", *, known: bool = True) -> Firing:
    return Firing(rule, scope, "entry_rate", "drop", known)


def test_what_comes_back_soon_is_one_alert_and_what_is_over_soon_none() -> None:
    recorder, note = Recorder(lambda rule: 3.0 if rule == "patient" else 0.0), Scope("note", "n")
    for minute in (1, 2, 20, 90):
        recorder.take([firing(note)], minute)
    for minute in (1, 2, 5, 6, 7, 8):
        recorder.take([firing(note, "patient")], minute)

    assert [(alert.rule, alert.start, alert.end) for alert in recorder.alerts] == [
        ("r", 1, 20), ("r", 90, 90), ("patient", 8, 8),
    ]  # fmt: skip


def test_too_little_data_neither_begins_an_alert_nor_ends_one() -> None:
    recorder, note = Recorder(), Scope("note", "n")
    recorder.take([firing(note, known=False)], 1)
    recorder.take([firing(note)], 100)
    for minute in range(101, 200):
        recorder.take([firing(note, known=False)], minute)
    recorder.take([firing(note)], 200)

    assert [(alert.start, alert.end) for alert in recorder.alerts] == [(100, 200)]


def test_every_setting_is_tried_over_the_same_whole_history_by_itself() -> None:
    all_rules, plan, heard = read_rules(None), TrialPlan(days=3, notes=50), list[int]()
    rules = msgspec.structs.replace(all_rules, rules=all_rules.rules[:1])

    scores = traded(rules, plan, heard.append, (10.0, 0.1))

    assert list(scores) == [10.0, 0.1]
    assert heard[-1] == 2 * plan.days * 24 * 60
    assert [row.found for row in delays_of(scores[10.0]) if row.kind == "platform_break"] == [2]
    kinds = [[found.incident.kind for found in score.found] for score in scores.values()]
    assert kinds[0] == kinds[1]
    delays_min = [[found.delay_min or 0 for found in score.found] for score in scores.values()]
    assert delays_min[0] < delays_min[1]


def test_alerts_are_held_against_what_was_planted() -> None:
    of = population()
    broken, other = Scope("note", "n0"), Scope("note", "n1")
    truth = Truth(of, [incident("link_break", broken, of), incident("replay", Scope("all", "*"), of, 200, 210)])
    platform = of.within[0][0]
    alerts = [
        Alert("r", broken, "entry_rate", "drop", 37, 60),
        Alert("r", other, "entry_rate", "drop", 40, 50),
        Alert("r", other, "entry_rate", "drop", 205, 205),
        Alert("r", platform, "entry_rate", "drop", 500, 510),
        Alert("r", broken, "entry_rate", "drop", 502, 510),  # the platform's alert tells it
    ]

    score = truth.score(alerts, first=0, last=1_000)

    assert [found.delay_min for found in score.found] == [7, None]
    assert [(one.alert.start, one.beside) for one in score.false] == [(40, None), (205, "replay"), (500, None)]
    assert [(row.kind, row.planted, row.found, row.median_min) for row in delays_of(score)] == [
        ("link_break", 1, 1, 7.0), ("replay", 1, 0, None),
    ]  # fmt: skip


def test_bounds_of_few_counts_are_those_of_the_books() -> None:
    assert [round(poisson_upper(count), 2) for count in (0, 1, 5)] == [3.0, 4.74, 10.51]


def test_what_was_not_found_counts_as_found_last() -> None:
    assert quantile([3, None, 5], 0.5) == 5
    assert quantile([3, None, None], 0.5) is None
    assert quantile([], 0.5) is None


class OneHour:
    """The series of hour 7, as a reader tells them."""

    async def bucket(self, span: str, hour: int) -> dict[str, dict[str, int]]:
        assert span == "minutes"
        return {} if hour != 7 else {
            "05kcjd|note|ad": {"clicks": 3, "entries": 9, "clicks_entered": 9},  # those by click time are not taken
            "05ecjd|note|ad": {"entries": 2, "clicks_entered": 1, "refused:order/no_click": 4, "gross_minor:CNY": 70},
            "05ecjd|comment|ugc": {"entries": 1},
            "06egfmcg.skincare": {"entries": 5},
            "06emm1|jd|fmcg.skincare": {"entries": 6},
            "06epc9|m1": {"entries": 7},
        }  # fmt: skip


async def test_recorded_series_are_read_by_the_minutes_of_facts_for_all_scopes_larger_than_notes() -> None:
    told = {
        minute: {
            str(scope): {name: float(counts[place]) for name, counts in seen.counts.items() if counts[place]}
            for place, scope in enumerate(seen.scopes)
        }
        async for minute, seen in minutes_of(OneHour(), 7, 8)
    }

    assert list(told) == list(range(7 * 60, 9 * 60))
    of_channel = {
        "clicks": 3.0, "clicks_entered": 1.0, "refused": 4.0, "refused:no_click": 4.0, "gross_minor": 70.0,
    }  # fmt: skip
    assert told[425] == {
        "platform:jd": of_channel | {"entries": 3.0},
        "link:note": of_channel | {"entries": 2.0},
        "all:*": of_channel | {"entries": 3.0},
        "link:comment": {"entries": 1.0},
    }
    assert {scope: counts for scope, counts in told[426].items() if counts} == {
        "category:fmcg.skincare": {"entries": 5.0},
        "category:fmcg": {"entries": 5.0},
        "merchant:m1": {"entries": 6.0},
        "campaign:c9": {"entries": 7.0},
    }


@pytest.mark.parametrize(
    ("false", "proposed"),
    [([0, 0, 0], 10.0), ([0, 0, 2], 1.0), ([0, 2, 0], 0.1), ([2, 0, 0], None)],
)
def test_what_is_proposed_holds_for_all_that_is_stricter_as_well(false: list[int], proposed: float | None) -> None:
    alarm = FalseAlarm(Alert("r", Scope("note", "n1"), "entry_rate", "drop", 1, 2), None)
    scores = {rate: Score([], [alarm] * count, 1.0) for rate, count in zip((0.1, 1.0, 10.0), false, strict=True)}

    assert proposal(scores, 1.0) == proposed
