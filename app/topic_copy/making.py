"""The topics that are copied into."""

from app.connections import PATIENCE_S
from app.topic_admin import create_topics, require_names
from app.topic_copy.route import Route
from streams.errors import Misconfigured


async def make_target(route: Route, *, patience_s: float = PATIENCE_S) -> list[str]:
    """Make those that are missing and return their names.

    Raises Misconfigured, before anything is made, if the source lacks a topic, or if the target has one with another
    number of partitions.
    """
    await require_names(route.source, route.sources.values(), patience_s=patience_s)
    try:
        return await create_topics(route.target, also=[route.journal], patience_s=patience_s)
    except Misconfigured as error:
        raise Misconfigured(f"the target does not fit --to-partitions {route.target.partitions}: {error}") from error
