"""Journeys as readers make them: clicks, entries, actions and the lives of orders, with the times they are told at."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from app.simulator.config import Mix
from app.simulator.facts import Action, Click, Entry, Fact, Link, Shop
from app.simulator.orders import order_life
from app.simulator.pace import (
    ACTION_THINKING,
    CLICK_LATENESS,
    DAY_MS,
    ENTRY_LATENESS,
    ENTRY_THINKING,
    HOUR_MS,
    ORDER_THINKING,
    OTHER_THINKING,
    Thinking,
)
from app.simulator.population import SLOT_BITS, Population

# Moments at which rules change their mind, relative to a click, under the default policy.
_ENTRY_EDGES_MS = (-1, 0, DAY_MS - 1, DAY_MS)
_ACTION_EDGES_MS = (-1, 0, 7 * DAY_MS - 1, 7 * DAY_MS)
_ORDER_EDGES_MS = (-1, 0, 7 * DAY_MS - 1, 7 * DAY_MS, 15 * DAY_MS - 1, 15 * DAY_MS)


class Told(NamedTuple):
    """A fact and the moment at which its record is sent, in ms of event time."""

    due_ms: int
    fact: Fact


class Journeys:
    """Draws whole journeys, one after the other."""

    def __init__(self, random: Random, population: Population, mix: Mix) -> None:
        self._random = random
        self._population = population
        self._mix = mix

    def draw(self, at_ms: int, link: Link | None = None) -> list[Told]:
        """A journey that begins at `at_ms`, with this link if one is given; no fact of it is told earlier."""
        random, mix = self._random, self._mix
        token = f"{random.getrandbits(128):032x}"
        clicks = self._clicks(token, at_ms, link or self._link())
        told = [Told(click.at_ms + CLICK_LATENESS.draw(random), click) for click in clicks]
        if random.random() < mix.facts_without_click:
            told.clear()
        if random.random() < mix.entry or not told:
            told += self._entries(clicks)
        if random.random() < mix.action:
            told += self._actions(clicks)
        if random.random() < mix.order:
            told += self._orders(clicks)
        return told

    def draw_click(self, at_ms: int, link: Link | None = None) -> Told:
        """A journey of one click, on this link if one is given."""
        token = f"{self._random.getrandbits(128):032x}"
        return Told(at_ms, self._click(token, at_ms, link or self._link()))

    def _link(self) -> Link:
        return self._population.link_at(self._random.getrandbits(SLOT_BITS))

    def _clicks(self, token: str, at_ms: int, link: Link) -> list[Click]:
        random, another = self._random, self._mix.another_click
        clicks = [self._click(token, at_ms, link)]
        while random.random() < another:
            at_ms += int(random.random() ** 3 * 36 * HOUR_MS)
            clicks.append(self._click(token, at_ms, self._next_link(link)))
        return clicks

    def _click(self, token: str, at_ms: int, link: Link) -> Click:
        random = self._random
        boost_id = f"b{random.getrandbits(8)}" if random.random() < self._mix.boosted else None
        return Click(f"{random.getrandbits(96):024x}", token, at_ms, link, boost_id)

    def _next_link(self, link: Link) -> Link:
        """Mostly back to the same link, often another note of the same shop, at times another shop."""
        kind = self._random.random()
        if kind < 0.5:
            return link
        if kind < 0.8:
            same_shop = self._population.by_shop[link.shop]
            return same_shop[int(self._random.random() * len(same_shop))]
        return self._link()

    def _entries(self, clicks: list[Click]) -> list[Told]:
        random, mix = self._random, self._mix
        told: list[Told] = []
        while not told or random.random() < mix.another_entry:
            click = self._one_of(clicks)
            at_ms = click.at_ms + self._delay(ENTRY_THINKING, _ENTRY_EDGES_MS, click)
            if random.random() < mix.before_click:
                at_ms = click.at_ms - random.randrange(1, 4_000)
            entry = Entry(f"{random.getrandbits(96):024x}", click.token, at_ms, self._shop(click))
            told.append(Told(max(at_ms + ENTRY_LATENESS.draw(random), clicks[0].at_ms), entry))
        return told

    def _actions(self, clicks: list[Click]) -> list[Told]:
        random = self._random
        told: list[Told] = []
        while not told or random.random() < self._mix.another_action:
            click = self._one_of(clicks)
            at_ms = click.at_ms + self._delay(ACTION_THINKING, _ACTION_EDGES_MS, click)
            name = "cart" if random.random() < 0.6 else "favourite"
            action = Action(f"{random.getrandbits(96):024x}", click.token, at_ms, self._shop(click), name)
            told.append(Told(max(at_ms + ENTRY_LATENESS.draw(random), clicks[0].at_ms), action))
        return told

    def _orders(self, clicks: list[Click]) -> list[Told]:
        random = self._random
        told: list[Told] = []
        while not told or random.random() < self._mix.another_order:
            click = self._one_of(clicks)
            at_ms = click.at_ms + self._delay(ORDER_THINKING, _ORDER_EDGES_MS, click)
            life = order_life(random, click.token, self._shop(click), at_ms)
            told += [Told(max(due_ms, clicks[0].at_ms), step) for due_ms, step in life]
        return told

    def _delay(self, thinking: Mapping[str, Thinking], edges_ms: Sequence[int], click: Click) -> int:
        if self._random.random() < self._mix.at_an_edge:
            return edges_ms[int(self._random.random() * len(edges_ms))]
        return thinking.get(click.to.category.partition(".")[0], OTHER_THINKING).draw(self._random)

    def _one_of(self, clicks: list[Click]) -> Click:
        return clicks[0] if len(clicks) == 1 else clicks[int(self._random.random() * len(clicks))]

    def _shop(self, click: Click) -> Shop:
        if self._random.random() < self._mix.other_shop:
            return self._link().shop
        return click.to.shop
