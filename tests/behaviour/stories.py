"""All stories, in the order in which the meaning is told."""

from tests.behaviour import acceptance, crediting, facts, money, nearest, orders, settings
from tests.behaviour.builders import Story

STORIES: list[Story] = [
    *facts.STORIES,
    *acceptance.STORIES,
    *settings.STORIES,
    *crediting.STORIES,
    *nearest.STORIES,
    *orders.STORIES,
    *money.STORIES,
]
