"""Stories of rules at work: what is told, what is not, and what nobody can know."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from app.alerts.detectors import delay
from app.alerts.evaluation import evaluate
from app.alerts.model import Array, Observations, Scope, Verdict
from app.alerts.rules import AtLeast, Maintenance, Rule, Rules
from app.alerts.state import State

START_MS = 1_794_758_400_000  # Monday, 16 November 2026, 00:00 in Shanghai
MINUTE_MS = 60_000
NOTES = 6
JD, SKIN = Scope("platform", "jd"), Scope("category", "fmcg.skincare")
SCOPES = [*(Scope("note", f"n{number}") for number in range(NOTES)), JD, SKIN]
WITHIN: list[tuple[Scope, ...]] = [(JD, SKIN)] * NOTES + [(), ()]
LOST = Rule(name="lost", metric="entry_rate", scopes=["note", "platform"], at_least=AtLeast(relative=0.3, sample=12.0))
Rate = Callable[[int], Array]


def rules(*some: Rule, **more: object) -> Rules:
    return msgspec.structs.replace(Rules(rules=list(some), learn="3h"), **more)


def everywhere(rate: float) -> Rate:
    return lambda _: np.full(NOTES, rate)


USUALLY, THREE = everywhere(0.6), everywhere(3.0)


class World:
    """Notes with three clicks a minute each; entries come at once, at given rates, with the chance's own variation."""

    def __init__(self, of: Rules, rate: Rate = USUALLY, clicks: Rate = THREE) -> None:
        self.state, self.rules = State(of), of
        self.rate, self.clicks = rate, clicks
        self.minute = 0
        self.late_ms = np.zeros(len(SCOPES))
        self.behind_ms = 0.0
        self.random = np.random.default_rng(1)
        self.state.set_delays("entry_rate", {None: np.eye(delay.KINDS)[0]})

    def pass_minutes(self, minutes: int) -> list[Verdict]:
        """Let time pass; returns what was said meanwhile."""
        verdicts: list[Verdict] = []
        for _ in range(minutes):
            clicks = self.random.poisson(self.clicks(self.minute)).astype(float)
            entered = self.random.binomial(clicks.astype(int), self.rate(self.minute)).astype(float)
            verdicts += self.observe(clicks, entered)
        return verdicts

    def observe(self, clicks: Array, entered: Array) -> list[Verdict]:
        counts = {
            name: np.append(of_notes, [of_notes.sum()] * 2)
            for name, of_notes in (("clicks", clicks), ("clicks_entered", entered))
        }
        self.minute += 1
        seen = Observations(SCOPES, WITHIN, counts, self.late_ms, self.behind_ms)
        self.state, verdicts = evaluate(self.rules, self.state, seen, START_MS + self.minute * MINUTE_MS)
        return verdicts


def broken(*notes: int, since: int) -> Rate:
    def rate(minute: int) -> Array:
        rates = np.full(NOTES, 0.6)
        rates[list(notes)] *= minute < since
        return rates

    return rate


def test_a_broken_link_of_a_note_is_told_with_its_beginning_and_its_cost() -> None:
    world = World(rules(LOST), broken(2, since=600))
    assert world.pass_minutes(600) == []

    told = next(verdict for verdict in world.pass_minutes(20) if verdict.answer == "drop")

    assert (told.rule, told.scope) == ("lost", Scope("note", "n2"))
    assert abs(told.since_ms - (START_MS + 600 * MINUTE_MS)) <= 5 * MINUTE_MS
    assert told.at_ms - (START_MS + 600 * MINUTE_MS) <= 12 * MINUTE_MS
    assert told.expected == pytest.approx(0.6, abs=0.12)
    assert told.relative < -0.7
    assert told.missing_low < told.missing_per_hour < told.missing_high
    assert told.missing_low < 0.6 * 3 * 60 < told.missing_high * 1.3


def test_it_is_over_when_entries_come_again() -> None:
    world = World(rules(LOST), lambda minute: broken(2, since=600)(minute) if minute < 630 else np.full(NOTES, 0.6))
    world.pass_minutes(630)

    after = world.pass_minutes(60)

    assert after[-1].answer == "ok"
    assert world.pass_minutes(60) == []


def test_when_all_of_a_platform_breaks_the_platform_is_told_and_notes_are_not() -> None:
    world = World(rules(LOST), broken(*range(NOTES), since=600))
    world.pass_minutes(600)

    told = {verdict.scope for verdict in world.pass_minutes(60) if verdict.answer == "drop"}

    assert told == {JD}


def test_many_fresh_clicks_are_no_drop_though_their_entries_are_yet_to_come() -> None:
    world = World(rules(LOST), clicks=lambda minute: np.full(NOTES, 3.0 if minute < 600 else 30.0))
    slow = np.eye(delay.KINDS)[5]  # eight hours
    world.state.set_delays("entry_rate", {None: slow})
    waiting, step = np.zeros((NOTES, delay.KINDS)), delay.step_of(1.0)
    said: list[Verdict] = []
    for _ in range(700):
        clicks = world.clicks(world.minute)
        due = delay.advance(waiting, clicks, np.broadcast_to(slow, waiting.shape), step)
        said += world.observe(clicks, due * 0.6)

    assert said == []


def test_a_shift_of_traffic_to_notes_that_convert_less_is_no_drop() -> None:
    rates = np.linspace(0.2, 0.9, NOTES)
    shifted = np.array([24.0, 12.0, 6.0, 3.0, 1.5, 0.75])
    world = World(rules(LOST), lambda _: rates, lambda minute: np.full(NOTES, 3.0) if minute < 900 else shifted)

    assert world.pass_minutes(1_100) == []


def test_while_facts_are_late_nobody_can_know() -> None:
    world = World(rules(LOST), broken(*range(NOTES), since=600))
    world.pass_minutes(600)
    world.late_ms[:] = 10 * MINUTE_MS

    assert world.pass_minutes(60) == []


def test_counters_that_go_back_and_come_again_raise_nothing() -> None:
    world = World(rules(LOST))
    world.pass_minutes(600)

    said = world.observe(np.full(NOTES, -90.0), np.full(NOTES, -54.0))
    said += world.observe(np.full(NOTES, 93.0), np.full(NOTES, 20.0)) + world.pass_minutes(60)

    assert said == []


class Deferred:
    """Entries of a world without chance, which come when clicks come due."""

    def __init__(self, world: World, weights: Array) -> None:
        world.state.set_delays("entry_rate", {None: weights})
        self.world = world
        self._weights = np.broadcast_to(weights, (NOTES, delay.KINDS))
        self._pools, self._step = np.zeros((NOTES, delay.KINDS)), delay.step_of(1.0)

    def pass_minutes(self, minutes: int, *, retold: float = 0.0, idle: float = 0.0) -> list[Verdict]:
        """Three clicks a minute, and some that were told already, or of the first note and never enter."""
        said: list[Verdict] = []
        for _ in range(minutes):
            clicks = np.full(NOTES, 3.0)
            entered = 0.6 * delay.advance(self._pools, clicks, self._weights, self._step)
            said += self.world.observe(clicks + retold + idle * np.eye(NOTES)[0], entered + 0.6 * retold)
        return said


def test_clicks_told_again_after_a_rebuild_are_not_waited_for_again() -> None:
    later = Deferred(World(rules(LOST)), np.eye(delay.KINDS)[3])  # twenty minutes
    assert later.pass_minutes(900) == []

    said = later.world.observe(np.full(NOTES, -360.0), np.full(NOTES, -216.0))
    later.world.behind_ms = 10.0 * MINUTE_MS
    said += later.pass_minutes(10, retold=36.0)
    later.world.behind_ms = 0.0

    assert said + later.pass_minutes(120) == []


def test_counts_that_were_taken_back_for_good_are_not_missed_for_long() -> None:
    world = World(rules(LOST), broken(2, since=660))
    world.pass_minutes(600)
    world.observe(np.full(NOTES, -9_000.0), np.full(NOTES, -5_400.0))

    assert {verdict.scope for verdict in world.pass_minutes(100)} == {Scope("note", "n2")}


def test_clicks_that_brought_nothing_are_not_expected_to_bring_it_later() -> None:
    late = 0.7 * np.eye(delay.KINDS)[0] + 0.3 * np.eye(delay.KINDS)[5]  # a third after eight hours or so
    flooded = Deferred(World(rules(LOST)), late)
    assert flooded.pass_minutes(900) == []
    assert Scope("note", "n0") in {verdict.scope for verdict in flooded.pass_minutes(120, idle=200.0)}
    flooded.world.behind_ms = 10.0 * MINUTE_MS  # what was said so far is not known any more
    flooded.pass_minutes(60)
    flooded.world.behind_ms = 0.0
    flooded.pass_minutes(10)

    assert flooded.pass_minutes(600) == []


def test_clicks_that_stop_are_no_data_about_the_rate_but_a_drop_of_clicks() -> None:
    gone = Rule(name="gone", metric="clicks", scopes=["platform"], changes=[1.0], at_least=AtLeast(relative=0.5))
    world = World(rules(LOST, gone), clicks=lambda minute: np.full(NOTES, 3.0 * (minute < 600)))
    assert world.pass_minutes(600) == []

    told = world.pass_minutes(30)

    assert {(verdict.rule, verdict.scope, verdict.answer) for verdict in told} == {("gone", JD, "drop")}


def test_the_end_of_a_busy_day_is_no_drop_of_clicks() -> None:
    gone = Rule(
        name="gone", metric="clicks", scopes=["platform"], changes=[0.6], at_least=AtLeast(relative=0.4, sample=100.0)
    )
    of = rules(gone)
    state = State(of)
    said: list[Verdict] = []
    for step in range(4 * 144):
        busy = 3.0 if 2 <= step / 144 < 3 else 1.0
        seen = Observations([JD], [()], {"clicks": np.array([300.0 * busy])}, np.zeros(1))
        said += evaluate(of, state, seen, START_MS + (step + 1) * 10 * MINUTE_MS)[1]

    assert said == []


def test_a_note_that_breaks_and_is_clicked_no_more_is_insufficient() -> None:
    world = World(
        rules(LOST), broken(2, since=600), lambda minute: np.full(NOTES, 3.0) * (minute < 615 or np.arange(NOTES) != 2)
    )
    world.pass_minutes(615)

    assert world.pass_minutes(60)[-1].answer == "insufficient"


@pytest.mark.parametrize(
    "more",
    [
        {"rules": [msgspec.structs.replace(LOST, at_least=AtLeast(relative=0.3, sample=10_000.0))]},
        {"rules": [msgspec.structs.replace(LOST, at_least=AtLeast(relative=0.3, absolute=0.8))]},
        {"rules": [msgspec.structs.replace(LOST, scopes=["campaign"])]},
        {"maintenance": [Maintenance(start="2026-11-16 09:00", end="2026-11-16 12:00", scopes=["platform:jd"])]},
        {"learn": "1d"},
    ],
)
def test_what_a_rule_asks_for_must_all_hold(more: dict[str, object]) -> None:
    world = World(rules(LOST, **more), broken(2, since=600))

    assert world.pass_minutes(640) == []


def test_the_order_of_scopes_and_those_without_news_make_no_difference() -> None:
    worlds = [World(rules(LOST), broken(2, since=300)) for _ in range(2)]
    random = np.random.default_rng(5)
    ends: list[list[Verdict]] = [[], []]
    for minute in range(330):
        clicks = random.poisson(3.0, NOTES).astype(float)
        entered = random.binomial(clicks.astype(int), worlds[0].rate(minute)).astype(float)
        ends[0] += worlds[0].observe(clicks, entered)
        ends[1] += _shuffled(worlds[1], clicks, entered, random)

    assert ends[0] == ends[1]
    assert ends[0]


def _shuffled(world: World, clicks: Array, entered: Array, random: np.random.Generator) -> list[Verdict]:
    values = np.append(clicks, [clicks.sum()] * 2), np.append(entered, [entered.sum()] * 2)
    first = world.minute == 0  # all must be heard of once
    order = [place for place in random.permutation(len(SCOPES)) if first or values[0][place] or values[1][place]]
    if first:
        order = list(range(len(SCOPES)))
    world.minute += 1
    seen = Observations(
        [SCOPES[place] for place in order],
        [WITHIN[place] for place in order],
        {"clicks": values[0][order], "clicks_entered": values[1][order]},
        np.zeros(len(order)),
    )
    return evaluate(world.rules, world.state, seen, START_MS + world.minute * MINUTE_MS)[1]


def test_lateness_is_told_and_told_over() -> None:
    late = Rule(name="late", metric="lateness_s", scopes=["platform"], direction="surge", limit=600.0)
    world = World(rules(late))
    world.pass_minutes(3)
    world.late_ms[NOTES] = 700_000
    told = world.pass_minutes(2)
    world.late_ms[NOTES] = 0
    told += world.pass_minutes(2)

    assert [(verdict.scope, verdict.answer, verdict.observed) for verdict in told] == [
        (JD, "surge", 700.0), (JD, "surge", 700.0), (JD, "ok", 0.0),
    ]  # fmt: skip


def test_another_set_of_rules_is_refused() -> None:
    world = World(rules(LOST))

    with pytest.raises(ValueError, match="not the rules"):
        evaluate(rules(LOST, learn="1h"), world.state, Observations([], [], {}, np.zeros(0)), START_MS)
