"""Notes of a simulated world: how much traffic each has, where its links lead, how many of its clicks convert."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.alerts.model import Array, Places, Scope
from app.simulator.pace import DIURNAL

PLATFORMS: Final = ("taobao", "tmall", "jd", "xhs")
CATEGORIES: Final = ("fmcg.skincare", "fmcg.makeup", "fmcg.snacks", "outdoor.camping", "outdoor.running", "health.food")
_SHARES: Final = (0.35, 0.3, 0.2, 0.15)  # of the platforms
_ENTRY_RATE: Final = 0.6  # median; a link under an ad note opens the shop's app itself
_ENTRY_SPREAD: Final = 0.45  # standard deviation of its logit between notes
_ORDER_RATE: Final = 0.03
_ORDER_SPREAD: Final = 0.5


@dataclass(frozen=True)
class Population:
    """All notes, in arrays by note, and all scopes: the notes first."""

    per_hour: Array  # clicks in a mean hour
    entry_rate: Array
    order_rate: Array
    category: Places
    scopes: list[Scope]
    within: list[tuple[Scope, ...]]
    parents: Places  # (notes, kinds of larger scopes): their places in `scopes`

    @property
    def notes(self) -> int:
        return len(self.per_hour)

    def with_larger(self, counts: Array) -> Array:
        """Counts of notes, and of all larger scopes as sums of these."""
        kinds = self.parents.shape[1]
        sums = np.bincount(self.parents.ravel(), np.repeat(counts, kinds), len(self.scopes)).astype(float)
        sums[: self.notes] = counts
        return sums


def of_day(minute: int) -> float:
    """How busy a minute of the world is by the time of its day, 1 in the mean."""
    hour = minute / 60 - 0.5  # what is said of an hour holds in its middle
    first, share = math.floor(hour), hour % 1
    return (DIURNAL[first % 24] * (1 - share) + DIURNAL[(first + 1) % 24] * share) * 24 / sum(DIURNAL)


def populate(
    random: np.random.Generator, notes: int, *, median_per_hour: float, campaigns: int = 60, merchants: int = 300
) -> Population:
    """Notes whose traffic is spread as it is in life: a few have a thousand times that of most."""
    platform = random.choice(len(PLATFORMS), notes, p=_SHARES)
    category = random.choice(len(CATEGORIES), notes)
    campaign, merchant = random.integers(campaigns, size=notes), random.integers(merchants, size=notes)
    kinds: list[tuple[list[Scope], Places]] = [
        ([Scope("platform", name) for name in PLATFORMS], platform),
        ([Scope("category", name) for name in CATEGORIES], category),
        ([Scope("campaign", f"c{number}") for number in range(campaigns)], campaign),
        ([Scope("merchant", f"m{number}") for number in range(merchants)], merchant),
    ]
    scopes = [Scope("note", f"n{number}") for number in range(notes)]
    parents = np.zeros((notes, len(kinds)), np.intp)
    for column, (larger, place) in enumerate(kinds):
        parents[:, column] = len(scopes) + place
        scopes += larger
    within: list[tuple[Scope, ...]] = [tuple(scopes[place] for place in row) for row in parents.tolist()]
    logit = np.log(_ENTRY_RATE / (1 - _ENTRY_RATE)) + random.normal(0, _ENTRY_SPREAD, notes)
    return Population(
        per_hour=median_per_hour * np.exp(random.normal(0, 1.5, notes)),
        entry_rate=1 / (1 + np.exp(-logit)),
        order_rate=np.minimum(_ORDER_RATE * np.exp(random.normal(0, _ORDER_SPREAD, notes)), 0.3),
        category=category,
        scopes=scopes,
        within=within + [()] * (len(scopes) - notes),
        parents=parents,
    )
