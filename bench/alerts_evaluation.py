"""What it costs to evaluate the shipped rules over very many active scopes: processor time and memory."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from app.alerts.backtest.trial import START_MS
from app.alerts.evaluation import evaluate
from app.alerts.model import Observations, Scope
from app.alerts.rules_file import read_rules
from app.alerts.state import State
from app.alerts.watch import MINUTE_MS

ACTIVE: Final = 100_000
_EVALUATIONS: Final = 5


def evaluation_cost() -> tuple[float, float]:
    """Processor seconds of an evaluation of many active scopes under the shipped rules, and MiB of its state."""
    rules = msgspec.structs.replace(read_rules(None), learn="0s")
    state, random = State(rules), np.random.default_rng(1)
    spent = 0.0
    for number, observations in enumerate(islice(_busy_minutes(random), _EVALUATIONS + 2)):
        began = time.process_time()
        evaluate(rules, state, observations, START_MS + number * MINUTE_MS)
        if number >= 2:  # the first two make room
            spent += time.process_time() - began
    return spent / _EVALUATIONS, _held_mib(state)


def _busy_minutes(random: np.random.Generator) -> Iterator[Observations]:
    platforms = [Scope("platform", name) for name in ("taobao", "tmall", "jd", "xhs")]
    categories = [Scope("category", f"c{number}") for number in range(20)]
    notes = [Scope("note", f"n{number}") for number in range(ACTIVE - 24)]
    within: list[tuple[Scope, ...]] = [(platforms[number % 4], categories[number % 20]) for number in range(len(notes))]
    scopes = [*notes, *platforms, *categories]
    within += [()] * 24
    while True:
        clicks = random.poisson(3.0, ACTIVE).astype(float)
        counts = {"clicks": clicks, "clicks_entered": random.binomial(clicks.astype(int), 0.6).astype(float)}
        for name, rate in (("clicks_ordered", 0.05), ("carts", 0.1), ("refused", 0.02)):
            counts[name] = random.binomial(clicks.astype(int), rate).astype(float)
        counts |= {"entries": counts["clicks_entered"], "orders": counts["clicks_ordered"]}
        counts |= {"gross_minor": counts["orders"] * 9_900, "refunded_minor": counts["orders"] * 500}
        # a list of its own every minute, as from a reader of counters
        yield Observations(list(scopes), within, counts, np.zeros(ACTIVE))


def _held_mib(state: State) -> float:
    """Bytes of all arrays that a state holds."""
    arrays: dict[int, int] = {}
    waiting: list[object] = [state]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            arrays[id(one)] = one.nbytes
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list | tuple) and len(one) < 1_000:
            waiting += one
        elif hasattr(one, "__dict__"):
            waiting += vars(one).values()
    return sum(arrays.values()) / 2**20
