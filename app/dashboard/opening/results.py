"""Puts results into an open page as they are decided."""

from contextlib import aclosing

from nicegui import background_tasks, ui

from app.dashboard.views.latest import LatestView
from app.dashboard.visit import Visit
from app.redis_store.watching import Watched
from app.viewing.latest import TooManyWatched


def follow_results(visit: Visit, watched: Watched, view: LatestView) -> None:
    """List what a page is of while it is open; who is shown groups only is told so."""
    client, model = ui.context.client, visit.site.model
    if visit.party.grouped:
        view.explain(visit.texts.latest_grouped.format(k=model.grouping().k_tokens))
        return

    async def follow() -> None:
        await client.connected()
        try:
            async with aclosing(model.latest.listen(visit.party, watched)) as listening:
                async for results in listening:
                    with client:
                        view.add(results, model.clock())
        except TooManyWatched:
            with client:
                view.explain(visit.texts.latest_too_many)

    task = background_tasks.create(follow(), name="follow results")
    client.on_delete(task.cancel)
