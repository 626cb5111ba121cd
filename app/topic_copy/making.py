"""The topics that are copied into."""

from app.connections import PATIENCE_S
from app.topic_admin import create_topics, require_topics
from app.topic_copy.route import Route
from streams.errors import Misconfigured


async def make_target(route: Route, *, patience_s: float = PATIENCE_S) -> list[str]:
    """Make those that are missing and return their names.

    Raises Misconfigured, before anything is made, if the source lacks a topic, or one of either side has another number
    of partitions than the settings say.
    """
    await require_topics(route.source, patience_s=patience_s)
    try:
        return await create_topics(route.target, also=[route.journal], patience_s=patience_s)
    except Misconfigured as error:
        raise Misconfigured(f"the target does not fit --to-partitions {route.target.partitions}: {error}") from error
