"""A simulated world for a story: nothing goes wrong in it but what the story says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from streams.topics import LANE_TOPICS
from tests.generators.policies import DEFAULT_POLICY, Document
from tests.simulation.chance import Told
from tests.simulation.feed import Kinds
from tests.simulation.world import World


class Story(World):
    """A world in which nothing goes wrong but what the story says."""

    chance: Told

    def __init__(self, *, partitions: int, policies: Sequence[Document], kinds: Kinds) -> None:
        super().__init__(partitions=partitions, chance=Told(), policies=policies, kinds=kinds)


@asynccontextmanager
async def running(
    workers: int = 1,
    *,
    partitions: int = 1,
    policies: Sequence[Document] = (DEFAULT_POLICY,),
    kinds: Kinds = LANE_TOPICS[:1],
) -> AsyncIterator[Story]:
    """A world for a story, with some workers that have their lanes.

    Without more `kinds` there are token lanes only, so that a story counts just the steps of these.
    """
    story = Story(partitions=partitions, policies=policies, kinds=kinds)
    for _ in range(workers):
        story.start_worker()
    await asyncio.sleep(1)
    try:
        yield story
    finally:
        for worker in story.workers.values():
            worker.process.kill()
