"""What goes wrong in a simulated world, and what only looks as if something did."""

from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np

from app.alerts.model import Places, Scope
from app.alerts.simulated.population import Population, of_day

IncidentKind: TypeAlias = Literal[
    "link_break", "platform_break", "entry_drop", "token_loss", "gate_closing", "slow_decline", "platform_dip",
    "bot_flood", "feed_stop", "clock_jump", "late_feed", "promotion_surge", "mix_shift", "replay", "duplicates_storm",
]  # fmt: skip

HARMLESS: Final[frozenset[IncidentKind]] = frozenset(
    {"late_feed", "promotion_surge", "mix_shift", "replay", "duplicates_storm"}
)
"""Nobody's conversions are lost: an alert about a rate is false."""


class Incident(NamedTuple):
    """Something that happens from one minute to another, half-open, counted from the beginning of the world."""

    kind: IncidentKind
    scope: Scope
    notes: Places  # that are concerned
    start: int
    end: int
    strength: float

    def on(self, minute: int) -> bool:
        """Whether it is going on."""
        return self.start <= minute < self.end


class Planned(NamedTuple):
    """How many of a kind in thirty days, where, for how many minutes and how strong."""

    kind: IncidentKind
    often: int
    scopes: tuple[str, ...]
    least_per_hour: float
    minutes: tuple[int, int]
    strength: tuple[float, float]


PLAN: Final = (
    Planned("link_break", 90, ("note",), 100, (60, 240), (1, 1)),
    Planned("platform_break", 16, ("platform",), 0, (20, 60), (1, 1)),
    Planned("entry_drop", 40, ("note", "campaign"), 1_000, (120, 300), (0.4, 0.4)),
    Planned("token_loss", 8, ("platform", "merchant"), 300, (30, 120), (0.7, 1)),
    Planned("gate_closing", 8, ("platform",), 0, (30, 120), (0.9, 1)),
    Planned("slow_decline", 10, ("campaign",), 1_000, (600, 1_200), (0.5, 0.8)),
    Planned("platform_dip", 8, ("platform",), 0, (90, 180), (0.4, 0.6)),
    Planned("bot_flood", 10, ("note",), 100, (60, 180), (20, 60)),
    Planned("feed_stop", 8, ("all",), 0, (20, 60), (1, 1)),
    Planned("clock_jump", 6, ("platform",), 0, (30, 120), (1, 1)),
    Planned("late_feed", 12, ("all", "platform"), 0, (30, 120), (1, 1)),
    Planned("promotion_surge", 4, ("all",), 0, (120, 360), (3, 6)),
    Planned("mix_shift", 12, ("all",), 0, (240, 480), (2, 4)),
    Planned("replay", 6, ("all",), 0, (5, 20), (1, 1)),
    Planned("duplicates_storm", 6, ("all",), 0, (30, 90), (5, 10)),
)


_LARGE: Final = ("all", "platform")
_BETWEEN: Final = 90  # minutes between two large incidents, and between a large one and a small one
_TRIES: Final = 500


def planted(
    random: np.random.Generator, population: Population, *, first: int, minutes: int, scale: float = 1.0
) -> list[Incident]:
    """The incidents of a world, after the minute `first`, in which rules learn what is normal; in order of time.

    `scale` is how many of each kind there are, in parts of the plan.  Large ones are apart from all others but slow
    declines, so that one can tell what an alert is about; for those that find no room there is none.
    """
    incidents: list[Incident] = []
    for planned in sorted(PLAN, key=lambda one: one.scopes[0] not in _LARGE):
        for number in range(max(1, round(planned.often * scale))):
            scope = _scope(random, population, planned, number)
            for _ in range(_TRIES):
                length = int(random.integers(planned.minutes[0], planned.minutes[1] + 1))
                start = int(random.integers(first, max(first + 1, minutes - length - _BETWEEN)))
                if not _busy_enough(population, scope, planned.least_per_hour, start):
                    continue
                strength = float(random.uniform(*planned.strength))
                incident = Incident(planned.kind, scope, _notes(population, scope), start, start + length, strength)
                if not any(_too_near(incident, other) for other in incidents):
                    incidents.append(incident)
                    break
    return sorted(incidents, key=lambda incident: incident.start)


def _too_near(incident: Incident, other: Incident) -> bool:
    if incident.start >= other.end + _BETWEEN or other.start >= incident.end + _BETWEEN:
        return False
    if incident.scope == other.scope:
        return True
    slow = "slow_decline" in (incident.kind, other.kind)
    large = incident.scope.kind in _LARGE or other.scope.kind in _LARGE
    return large and not slow


def _busy_enough(population: Population, scope: Scope, least_per_hour: float, start: int) -> bool:
    """Whether the scope has so many clicks an hour at that time, as far as the hour of the day decides."""
    per_hour = float(population.per_hour[_notes(population, scope)].sum())
    return all(per_hour * of_day(start + later) >= least_per_hour for later in (0, 30))


def _scope(random: np.random.Generator, population: Population, planned: Planned, number: int) -> Scope:
    kind = planned.scopes[number % len(planned.scopes)]
    if kind == "all":
        return Scope("all", "*")
    per_hour = population.with_larger(population.per_hour)
    places = [place for place, scope in enumerate(population.scopes) if scope.kind == kind]
    # with half as much again in a mean hour there is enough in most hours of the day
    fitting = [place for place in places if per_hour[place] >= 1.5 * planned.least_per_hour]
    largest = sorted(places, key=lambda place: -per_hour[place])[:3]
    return population.scopes[int(random.choice(fitting or largest))]


def _notes(population: Population, scope: Scope) -> Places:
    if scope.kind == "all":
        return np.arange(population.notes)
    place = population.scopes.index(scope)
    if scope.kind == "note":
        return np.array([place])
    return np.flatnonzero((population.parents == place).any(axis=1))
