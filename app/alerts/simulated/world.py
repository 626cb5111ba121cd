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

_CARTS: Final = 0.12  # of entries
_REFUSED: Final = 0.02  # facts beside each entry that no click explains
_ENTRY, _ORDER, _CART = range(3)

Coming: TypeAlias = list[tuple[int, Places]]
"""What is told of which notes, by kind."""

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
        self._refusing = np.random.default_rng([plan.seed, 3])
        size = population.notes
        self._busy = np.zeros(size)  # logarithms of how much more than usual there is just now
        self._viral = np.zeros(size)
        self._moved = np.zeros(size)  # of odds of an entry
        self._to_come: dict[int, Coming] = {}
        self._held: Coming = []
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
        counts, late = self._arrived(minute, on)
        counts["clicks"] = (clicks + self._bots(on)).astype(float)
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
        for kind, chance in ((_ENTRY, enters), (_ORDER, orders)):
            notes = np.repeat(np.arange(len(clicks)), random.binomial(clicks, chance))
            drawn = (delays.orders if kind == _ORDER else self.plan.entry_delays)(random, categories[notes])
            due = minute + random.random(len(notes)) + drawn
            self._await(kind, notes, due)
            if kind == _ENTRY:
                some = random.random(len(notes)) < _CARTS
                self._await(_CART, notes[some], due[some] + delays.carts(random, int(some.sum())))

    def _await(self, kind: int, notes: Places, due: Array) -> None:
        """Note what is going to be told in which minute."""
        minutes = due.astype(int)
        order = np.argsort(minutes, kind="stable")
        minutes, notes = minutes[order], notes[order]
        starts = np.flatnonzero(np.diff(minutes, prepend=-1))
        parts = np.split(notes, starts[1:]) if len(notes) else []
        for start, part in zip(minutes[starts].tolist(), parts, strict=True):
            self._to_come.setdefault(start, []).append((kind, part))

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

    def _arrived(self, minute: int, on: Sequence[Incident]) -> tuple[dict[str, Array], Array]:
        """What is told in a minute of each note, and how late in minutes the shops' facts are."""
        size = self.population.notes
        coming = self._to_come.pop(minute, [])
        late, refused = np.zeros(size), np.zeros(size)
        for incident in on:
            if incident.kind == "late_feed":
                coming, kept_back = self._parted(coming, incident)
                self._held += kept_back
            elif incident.kind in ("feed_stop", "token_loss", "clock_jump"):
                coming, lost = self._parted(coming, incident)
                if incident.kind == "clock_jump":  # they come before their clicks, as it seems
                    refused += sum(np.bincount(notes, minlength=size) for _, notes in lost)
        for incident in self.incidents:
            if incident.kind == "late_feed" and 0 <= minute - incident.end < _CATCHING_UP_MIN:
                left = _CATCHING_UP_MIN - (minute - incident.end)
                coming = [*coming, *self._released(left)]
                late[incident.notes] = (incident.end - incident.start) * (left - 1) / _CATCHING_UP_MIN
        sums = np.zeros((3, size))
        for kind, notes in coming:
            sums[kind] += np.bincount(notes, minlength=size)
        refused += self._refusing.binomial(sums[_ENTRY].astype(int), _REFUSED)
        told = dict(zip(("clicks_entered", "clicks_ordered", "carts"), sums, strict=True))
        return told | {"refused": refused}, late

    def _parted(self, coming: Coming, incident: Incident) -> tuple[Coming, Coming]:
        """What comes in spite of an incident, and what does not; a feed stops for entries alone."""
        concerned = np.zeros(self.population.notes, bool)
        concerned[incident.notes] = True
        passed, stopped = [], []
        for kind, notes in coming:
            gone = concerned[notes]
            if incident.strength < 1:
                gone &= self._random.random(len(notes)) < incident.strength
            gone &= incident.kind != "feed_stop" or kind == _ENTRY
            passed.append((kind, notes[~gone]))
            stopped.append((kind, notes[gone]))
        return passed, stopped

    def _released(self, left: int) -> Coming:
        """A share of what was kept back; all of it when nothing is `left` but this minute."""
        out, still = [], []
        for kind, notes in self._held:
            goes = self._random.random(len(notes)) < 1 / left
            out.append((kind, notes[goes]))
            still.append((kind, notes[~goes]))
        self._held = [(kind, notes) for kind, notes in still if len(notes)]
        return out

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
