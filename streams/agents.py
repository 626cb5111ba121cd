"""The Faust agent that hands every fetched batch to its lane."""

import faust

from streams.lanes import Lanes
from streams.records import Batch


def register(app: faust.App, lanes: Lanes) -> faust.ChannelT[Batch]:
    """Add the agent to `app`; returns the channel that it reads."""
    batches: faust.ChannelT[Batch] = app.channel(maxsize=0)

    @app.agent(batches, name="facts")
    async def facts(stream: faust.StreamT[Batch]) -> None:
        async for batch in stream:
            lanes.submit(batch)

    return batches
