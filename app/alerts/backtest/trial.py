"""A simulated history ready to be shown to rules: the world, its truth, and a judge that has learnt its delays."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np

from app.alerts.backtest.running import Alert, Recorder, RuleJudge, pending_of
from app.alerts.backtest.scoring import Score, Truth
from app.alerts.calendar import SHANGHAI
from app.alerts.maturing import AGES
from app.alerts.model import Array, Metric, Scope
from app.alerts.rules import Rules, milliseconds
from app.alerts.simulated import delays
from app.alerts.simulated.incidents import Incident, planted
from app.alerts.simulated.population import CATEGORIES, populate
from app.alerts.simulated.world import Delays, World, WorldPlan
from app.alerts.watch import MINUTE_MS

DAY_MIN: Final = 24 * 60
START_MS: Final = int(datetime(2026, 11, 16, tzinfo=SHANGHAI).timestamp()) * 1_000
"""A Monday between the promotions of November and the one of December, which is part of thirty days."""

LEARN_DAYS: Final = 2  # before the first incident
MEDIAN_PER_HOUR: Final = 10.0


class TrialPlan(NamedTuple):
    """How big a simulated history is."""

    days: int = 30
    notes: int = 5_000
    seed: int = 1
    incidents: float = 1.0  # in parts of the plan of thirty days; 0: none
    entry_delays: Delays = delays.entries_at_once
    start_day: int = 0  # since START_MS


class Trial(NamedTuple):
    """A simulated history; minutes before `first` are for learning."""

    world: World
    truth: Truth
    judge: RuleJudge
    first: int
    last: int


class Outcome(NamedTuple):
    """What rules made of a simulated history."""

    alerts: list[Alert]
    score: Score
    incidents: Sequence[Incident]


def try_rules(plan: TrialPlan, rules: Rules, done: Callable[[int], None]) -> Outcome:
    """Show rules every minute of a history; `done` hears how many they have seen."""
    history, recorder = trial(plan, rules), Recorder(pending_of(rules))
    start_ms = start_ms_of(plan)
    for minute, observations in history.world.minutes():
        recorder.take(history.judge.firings(observations, start_ms + (minute + 1) * MINUTE_MS), minute + 1)
        done(minute + 1)
    score = history.truth.score(recorder.alerts, first=history.first, last=history.last)
    return Outcome(recorder.alerts, score, history.truth.incidents)


def start_ms_of(plan: TrialPlan) -> int:
    """When a history begins: midnight in Shanghai."""
    return START_MS + plan.start_day * DAY_MIN * MINUTE_MS


def trial(plan: TrialPlan, rules: Rules) -> Trial:
    """The history of a plan; equal plans give equal histories."""
    random = np.random.default_rng([plan.seed, 1])
    population = populate(random, plan.notes, median_per_hour=MEDIAN_PER_HOUR)
    first, last = LEARN_DAYS * DAY_MIN, plan.days * DAY_MIN
    scale = plan.incidents * plan.days / 30
    incidents = planted(random, population, first=first, minutes=last, scale=scale) if scale > 0 else []
    world = WorldPlan(
        seed=plan.seed, days=plan.days, start_ms=start_ms_of(plan), entry_delays=plan.entry_delays,
        calendar=rules.calendar,
    )  # fmt: skip
    judge = RuleJudge(rules)
    metrics: tuple[tuple[Metric, Delays], ...] = (
        ("entry_rate", plan.entry_delays), ("order_rate", delays.orders), ("cart_rate", delays.carts_of_clicks),
    )  # fmt: skip
    for metric, drawn in metrics:
        most_min = AGES[metric].most_min
        curves: dict[Scope | None, Array] = {None: delays.learnt(random, drawn, most_min)}
        for place, category in enumerate(CATEGORIES):
            curves[Scope("category", category)] = delays.learnt(random, drawn, most_min, place)
        judge.state.set_delays(metric, curves)
    first = max(first, milliseconds(rules.learn) // MINUTE_MS)
    return Trial(World(world, population, incidents), Truth(population, incidents), judge, first, last)
