"""All stories, in the order in which the meaning is told."""

from tests.behaviour import acceptance, crediting, example, facts, money, nearest, orders, settings, traps
from tests.behaviour.builders import Story

STORIES: list[Story] = [
    *facts.STORIES,
    *acceptance.STORIES,
    *settings.STORIES,
    *crediting.STORIES,
    *nearest.STORIES,
    *orders.STORIES,
    *money.STORIES,
    *traps.STORIES,
    *example.STORIES,
]
