"""How long a CUSUM runs until it raises a false alarm, and how much evidence it must need for that."""

import math
from typing import Final

import numpy as np

from app.alerts.model import Array

WEEK_MIN: Final = 7 * 24 * 60
LEAST_NEEDED: Final = 9.0
MOST_NEEDED: Final = 40.0


def needed_evidence(restarts: float, false_alarms: float) -> float:
    """The evidence at which CUSUMs that restart so often together raise at most so many false alarms in that time.

    Each restart begins a likelihood ratio, whose mean stays 1 while nothing changes: it reaches exp(needed) with at
    most the chance exp(-needed), whatever the distribution (Lorden, Annals of Mathematical Statistics 42, 1971).  There
    are at most as many restarts as steps; where a step is but a small part of a run, renewal theory says that false
    alarms come at most at the rate of the evidence that steps take away, times exp(-needed) (Siegmund, Sequential
    Analysis, 1985, section II.6).
    """
    return min(max(math.log(max(restarts, 1.0) / false_alarms), LEAST_NEEDED), MOST_NEEDED)


def average_run_length(steps: Array, chances: Array, needed: float, states: int = 200) -> float:
    """Mean number of steps until a CUSUM alarms, whose evidence grows by steps[i] with chance chances[i].

    The evidence is put into `states` classes, which makes it a Markov chain, whose mean time to absorption is a linear
    equation (Brook and Evans, Biometrika 59, 1972).
    """
    width = needed / states
    places = (np.arange(states) + 0.5) * width
    places[0] = 0.0  # a CUSUM rests at exactly 0
    moves = np.zeros((states, states))
    for step, chance in zip(steps, chances, strict=True):
        reached = np.maximum(places + step, 0.0)
        inside = reached < needed
        classes = np.minimum((reached[inside] / width).astype(int), states - 1)
        np.add.at(moves, (np.flatnonzero(inside), classes), chance)
    return float(np.linalg.solve(np.eye(states) - moves, np.ones(states))[0])
