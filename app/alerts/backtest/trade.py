"""What more or less patience costs: the same rules at several rates of false alarms, over the same history.

Each setting is tried by itself.  To take the firings of the loosest one and to ask which of them had evidence enough
for a stricter one would be quicker and wrong: evidence has a ceiling, and runs end by what is needed.
"""

import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from app.alerts.backtest.scoring import Score
from app.alerts.backtest.trial import TrialPlan, try_rules
from app.alerts.rules import Rules

if TYPE_CHECKING:
    from multiprocessing.pool import AsyncResult

RATES: Final = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
"""False alarms a week that a rule may be set to, loosest first."""

_TOLD_EVERY_MIN: Final = 60
_WAIT_S: Final = 0.2


class _Setting(NamedTuple):
    """What one process tries, and where it tells how far it came."""

    rules: Rules
    plan: TrialPlan
    minutes: "queue.Queue[int]"


def at_rate(rules: Rules, rate: float) -> Rules:
    """The rules, each with so many false alarms a week."""
    return msgspec.structs.replace(
        rules, rules=[msgspec.structs.replace(rule, false_alarms_per_week=rate) for rule in rules.rules]
    )


def traded(
    rules: Rules, plan: TrialPlan, done: Callable[[int], None], rates: Sequence[float] = RATES
) -> dict[float, Score]:
    """The score of each rate, in processes of their own; `done` hears how many minutes all together have seen."""
    context = multiprocessing.get_context("spawn")
    jobs = min(len(rates), os.cpu_count() or 1)
    # Ctrl-C is for this process, which ends the others.
    with context.Manager() as manager, context.Pool(jobs, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        minutes = manager.Queue()
        settings = [_Setting(at_rate(rules, rate), plan, minutes) for rate in rates]
        scores = pool.map_async(_score, settings, chunksize=1)
        _follow(scores, minutes, done)
        return dict(zip(rates, scores.get(), strict=True))


def _follow(scores: "AsyncResult[list[Score]]", minutes: "queue.Queue[int]", done: Callable[[int], None]) -> None:
    seen = 0
    while not scores.ready():
        with suppress(queue.Empty):
            seen += minutes.get(timeout=_WAIT_S)
            done(seen)


def _score(setting: _Setting) -> Score:
    def done(minute: int) -> None:
        if minute % _TOLD_EVERY_MIN == 0:
            setting.minutes.put(_TOLD_EVERY_MIN)

    return try_rules(setting.plan, setting.rules, done).score


def proposal(scores: Mapping[float, Score], wish: float) -> float | None:
    """The loosest setting that keeps within so many false alarms a week, as do all that are stricter; None: none does.

    Among few false alarms a looser setting may have fewer by luck.
    """
    proposed = None
    for rate in sorted(scores):
        if scores[rate].false_per_week > wish:
            break
        proposed = rate
    return proposed
