"""Keeps a page up to date as long as somebody looks at it and may."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from nicegui import background_tasks, ui

from app.dashboard.frame import Live
from app.dashboard.visit import Visit
from streams.errors import RedcatError

AT_MOST_EVERY_S: Final = 0.2
REST: Final = 2.0  # times as long as a refresh took, so that a page never keeps the server busy
IDLE_S: Final = 1.0  # without news: the line that says how fresh everything is goes on
LATE_S: Final = 5.0  # from here on the line says how far behind it is

Refresh = Callable[[], Awaitable[None]]


def keep_fresh(visit: Visit, live: Live, refresh: Refresh, *, also_idle: bool) -> None:
    """Call `refresh` at each change, `also_idle` each second, while the page is open and its key in force."""
    client, model = ui.context.client, visit.site.model
    tell_freshness(visit, live)

    async def follow() -> None:
        await client.connected()
        clock = asyncio.get_running_loop().time
        async for changed in model.ticks.listen(IDLE_S):
            began = clock()
            with client:
                if not await _still(visit):
                    ui.navigate.reload()
                    return
                if changed or also_idle:
                    await _refreshed(refresh)
                tell_freshness(visit, live)
            await asyncio.sleep(max(AT_MOST_EVERY_S, REST * (clock() - began)))

    task = background_tasks.create(follow(), name="keep fresh")
    client.on_delete(task.cancel)


def load_when(visit: Visit, there: Callable[[], bool]) -> None:
    """Load the page anew as soon as what it is of is there."""
    client, model = ui.context.client, visit.site.model

    async def wait() -> None:
        await client.connected()
        async for _ in model.ticks.listen(IDLE_S):
            if model.trouble is None and there():
                with client:
                    ui.navigate.reload()
                return

    task = background_tasks.create(wait(), name="load when there")
    client.on_delete(task.cancel)


def tell_freshness(visit: Visit, live: Live) -> None:
    """Say as of when the numbers are."""
    texts, numbers, model = visit.texts, visit.numbers, visit.site.model
    time = numbers.clock(model.as_of_ms)
    if model.trouble is not None:
        live.show(texts.away.format(time=time), "away")
    elif model.lag_s > LATE_S:
        live.show(texts.behind.format(lag=numbers.span(model.lag_s * 1_000), time=time), "behind")
    else:
        live.show(texts.live.format(time=time))


async def _refreshed(refresh: Refresh) -> None:
    try:
        await refresh()
    except RedcatError:
        return  # the line that says how fresh everything is tells of it


async def _still(visit: Visit) -> bool:
    try:
        return await visit.site.access.still(visit.grant)
    except RedcatError:
        return True  # nobody can be asked; what is shown is old and stays
