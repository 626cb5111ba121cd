"""A simulated world: what each minute brings in every scope, with incidents at work."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from app.alerts.calendar import promotion_at
from app.alerts.model import Array, Observations, Places, Scope
from app.alerts.rules import Promotion
from app.alerts.simulated import delays
from app.alerts.simulated.incidents import Incident
from app.alerts.simulated.population import Population, of_day

MINUTE_MS: Final = 60_000
DAY_MIN: Final = 24 * 60
TOPICS: Final = (Scope("topic", "click-out"), Scope("topic", "shop-entry"))
_CATCHING_UP_MIN: Final = 10
_PROMOTION: Final = 3.0  # times the clicks; in its first hours twice as many again
_OPENING_MIN: Final = 120
_REPLAYED_MIN: Final = 30

Delays: TypeAlias = Callable[[np.random.Generator, Places], Array]


@dataclass(frozen=True, kw_only=True)
class WorldPlan:
    """How a world is made."""

    seed: int
    days: int = 30
    start_ms: int  # midnight in Shanghai
    entry_delays: Delays = delays.entries_at_once
    calendar: Sequence[Promotion] = ()


class World:
    """Draws minute after minute."""

    def __init__(self, plan: WorldPlan, population: Population, incidents: Sequence[Incident]) -> None:
        self.plan = plan
        self.population = population
        self.incidents = incidents
        self.scopes = [*population.scopes, *TOPICS]
        self.within = [*population.within, *((), ())]
        self._random = np.random.default_rng([plan.seed, 2])
        size = population.notes
        self._busy = np.zeros(size)  # logarithms of how much more than usual there is just now
        self._viral = np.zeros(size)
        self._moved = np.zeros(size)  # of odds of an entry
        self._to_come: dict[int, list[tuple[bool, Places]]] = {}
        self._held: list[tuple[bool, Places]] = []
        self._history: list[dict[str, Array]] = []
        self._low = population.entry_rate < np.median(population.entry_rate)

    def minutes(self) -> Iterator[tuple[int, Observations]]:
        """Every minute and what it brought, observed at its end: `start_ms` + (minute + 1) * 60,000."""
        for minute in range(self.plan.days * DAY_MIN):
            yield minute, self._observed(minute)

    def _observed(self, minute: int) -> Observations:
        self._drift(minute)
        on = [incident for incident in self.incidents if incident.on(minute)]
        clicks = self._random.poisson(self._per_minute(minute, on))
        self._convert(minute, clicks, on)
        entered, ordered, late = self._arrived(minute, on)
        clicks = clicks + self._bots(on)
        counts = {"clicks": clicks.astype(float), "clicks_entered": entered, "clicks_ordered": ordered}
        counts, behind = self._replayed(minute, counts, on)
        return self._told(counts, on, late, behind)

    def _drift(self, minute: int) -> None:
        """Let traffic and rates wander: traffic within hours, rates within days; some notes catch on."""
        if minute % 10:
            return
        random, size = self._random, self.population.notes
        self._busy = self._busy * 0.99 + random.normal(0, 0.3 * 0.14, size)
        self._moved = self._moved * 0.9975 + random.normal(0, 0.12 * 0.07, size)
        self._viral *= 0.985
        caught_on = random.random(size) < 0.2 / DAY_MIN
        self._viral[caught_on] += random.uniform(1.0, 2.5, size)[caught_on]

    def _per_minute(self, minute: int, on: Sequence[Incident]) -> Array:
        """Mean clicks of each note."""
        weekend = 1.2 if (minute // DAY_MIN) % 7 >= 5 else 1.0
        factor = np.exp(self._busy + self._viral)
        promotion = promotion_at(self.plan.calendar, self._at_ms(minute))
        times = 1.0
        if promotion is not None:
            opening = self._at_ms(minute) - promotion[1] < _OPENING_MIN * MINUTE_MS
            times = _PROMOTION * (2 if opening else 1)
        for incident in on:
            if incident.kind == "promotion_surge":
                times *= incident.strength
            elif incident.kind == "mix_shift":
                factor[self._low] *= incident.strength
            elif incident.kind == "gate_closing":
                factor[incident.notes] *= 1 - incident.strength
        return self.population.per_hour / 60 * of_day(minute) * weekend * times * factor

    def _convert(self, minute: int, clicks: Places, on: Sequence[Incident]) -> None:
        """Decide which of the clicks of a minute convert, and when."""
        enters, orders = self._rates(minute, on)
        random, categories = self._random, self.population.category
        for ordered, chance in ((False, enters), (True, orders)):
            notes = np.repeat(np.arange(len(clicks)), random.binomial(clicks, chance))
            drawn = (delays.orders if ordered else self.plan.entry_delays)(random, categories[notes])
            due = minute + (random.random(len(notes)) + drawn).astype(int)
            order = np.argsort(due, kind="stable")
            due, notes = due[order], notes[order]
            starts = np.flatnonzero(np.diff(due, prepend=-1))
            parts = np.split(notes, starts[1:]) if len(notes) else []
            for start, part in zip(due[starts].tolist(), parts, strict=True):
                self._to_come.setdefault(start, []).append((ordered, part))

    def _rates(self, minute: int, on: Sequence[Incident]) -> tuple[Array, Array]:
        """The chances of an entry and of an order."""
        hour = (minute / 60) % 24
        logit = np.log(self.population.entry_rate / (1 - self.population.entry_rate)) + self._moved
        enters = 1 / (1 + np.exp(-(logit + 0.15 * np.sin((hour - 15) / 24 * 2 * np.pi))))
        orders = self.population.order_rate * (1 + 0.15 * np.sin((hour - 16) / 24 * 2 * np.pi))
        if promotion_at(self.plan.calendar, self._at_ms(minute)) is not None:
            enters, orders = enters * 0.93, orders * 1.6
        for incident in on:
            if incident.kind == "promotion_surge":
                enters, orders = enters * 0.95, orders * 0.9
            lost = _lost(incident, minute)
            enters[incident.notes] *= 1 - lost
            orders[incident.notes] *= 1 - lost
        return enters, orders

    def _arrived(self, minute: int, on: Sequence[Incident]) -> tuple[Array, Array, Array]:
        """Entries and orders that are told in a minute, and how late in minutes the shops' facts are, by note."""
        size = self.population.notes
        coming = self._to_come.pop(minute, [])
        late = np.zeros(size)
        for incident in on:
            if incident.kind == "late_feed":
                coming = self._hold(coming, incident)
            elif incident.kind in ("feed_stop", "token_loss"):
                coming = self._lose(coming, incident)
        for incident in self.incidents:
            if incident.kind == "late_feed" and 0 <= minute - incident.end < _CATCHING_UP_MIN:
                left = _CATCHING_UP_MIN - (minute - incident.end)
                coming = [*coming, *self._released(left)]
                late[incident.notes] = (incident.end - incident.start) * (left - 1) / _CATCHING_UP_MIN
        sums = [np.zeros(size), np.zeros(size)]
        for ordered, notes in coming:
            sums[ordered] += np.bincount(notes, minlength=size)
        return sums[0], sums[1], late

    def _hold(self, coming: list[tuple[bool, Places]], incident: Incident) -> list[tuple[bool, Places]]:
        """Keep back what is told of an incident's notes."""
        concerned = np.zeros(self.population.notes, bool)
        concerned[incident.notes] = True
        self._held += [(ordered, notes[concerned[notes]]) for ordered, notes in coming]
        return [(ordered, notes[~concerned[notes]]) for ordered, notes in coming]

    def _released(self, left: int) -> list[tuple[bool, Places]]:
        """A share of what was kept back; all of it when nothing is `left` but this minute."""
        out, still = [], []
        for ordered, notes in self._held:
            goes = self._random.random(len(notes)) < 1 / left
            out.append((ordered, notes[goes]))
            still.append((ordered, notes[~goes]))
        self._held = [(ordered, notes) for ordered, notes in still if len(notes)]
        return out

    def _lose(self, coming: list[tuple[bool, Places]], incident: Incident) -> list[tuple[bool, Places]]:
        """Without what never comes, or comes with a token that nobody knows."""
        concerned = np.zeros(self.population.notes, bool)
        concerned[incident.notes] = True
        kept = []
        for ordered, notes in coming:
            gone = concerned[notes] & (self._random.random(len(notes)) < incident.strength)
            kept.append((ordered, notes if ordered and incident.kind == "feed_stop" else notes[~gone]))
        return kept

    def _bots(self, on: Sequence[Incident]) -> Places:
        clicks = np.zeros(self.population.notes, int)
        for incident in on:
            if incident.kind == "bot_flood":
                mean = self.population.per_hour[incident.notes] / 60 * incident.strength
                clicks[incident.notes] += self._random.poisson(mean)
        return clicks

    def _replayed(
        self, minute: int, counts: dict[str, Array], on: Sequence[Incident]
    ) -> tuple[dict[str, Array], float]:
        """The counters when the store has lost the last half hour and absorbs it again; how late that makes them."""
        self._history = [*self._history[-_REPLAYED_MIN:], counts]
        for incident in on:
            if incident.kind == "replay":
                lost = {name: sum(past[name] for past in self._history[:-1]) for name in counts}
                if minute == incident.start:
                    self._lost = lost
                    return {name: counts[name] - lost[name] for name in counts}, float(_REPLAYED_MIN)
                share = 1 / (incident.end - incident.start - 1)
                left = (incident.end - minute - 1) * share
                return {name: counts[name] + self._lost[name] * share for name in counts}, _REPLAYED_MIN * left
        return counts, 0.0

    def _told(self, counts: dict[str, Array], on: Sequence[Incident], late: Array, behind: float) -> Observations:
        population = self.population
        told = {name: np.append(population.with_larger(values), [0.0, 0.0]) for name, values in counts.items()}
        told["entries"], told["orders"] = told["clicks_entered"], told["clicks_ordered"]
        storm = max([incident.strength for incident in on if incident.kind == "duplicates_storm"], default=1.0)
        consumed = np.zeros(len(self.scopes))
        consumed[-2], consumed[-1] = max(counts["clicks"].sum(), 0), max(counts["clicks_entered"].sum() * storm, 0)
        told["consumed"] = consumed
        late_ms = np.zeros(len(self.scopes))
        late_ms[: population.notes] = late * MINUTE_MS
        for column in population.parents.T:
            np.maximum.at(late_ms, column, late_ms[: population.notes])
        return Observations(self.scopes, self.within, told, late_ms, behind * MINUTE_MS)

    def _at_ms(self, minute: int) -> int:
        return self.plan.start_ms + minute * MINUTE_MS


def _lost(incident: Incident, minute: int) -> float:
    """The share of what follows the clicks of a minute that an incident takes away."""
    if incident.kind in ("link_break", "platform_break", "entry_drop", "platform_dip"):
        return incident.strength
    if incident.kind == "slow_decline":
        return incident.strength * (minute - incident.start) / (incident.end - incident.start)
    return 0.0
