"""The lanes of one worker: started and stopped as the group assigns them."""

import asyncio
import logging
from collections.abc import Callable

from streams.errors import RedcatError
from streams.lane import Lane
from streams.owner import Surroundings
from streams.records import Batch, Positions

log = logging.getLogger(__name__)

TICK_S = 1.0


class Lanes:
    """Runs one task per lane that is ours."""

    def __init__(self, around: Surroundings, crashed: Callable[[BaseException], None]) -> None:
        self._around = around
        self._crashed = crashed
        self._running: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self._closed = False

    async def assign(self, numbers: set[int]) -> None:
        """Start the lanes that are new and hand over those that are gone; the others go on undisturbed."""
        if not self._closed:
            await self._change(numbers)

    async def _change(self, numbers: set[int]) -> None:
        gone = [self._running.pop(number) for number in self._running.keys() - numbers]
        for lane, _ in gone:
            lane.stop()
        for number in sorted(numbers - self._running.keys()):
            lane = Lane(number, self._around)
            task = asyncio.create_task(lane.run(), name=f"lane {number}")
            task.add_done_callback(self._ended)
            self._running[number] = lane, task
        await asyncio.gather(*(task for _, task in gone), return_exceptions=True)

    async def close(self) -> None:
        """Hand all lanes over and start none any more, whatever is assigned meanwhile."""
        self._closed = True
        await self._change(set())

    def _ended(self, task: asyncio.Task[None]) -> None:
        # A lane answers every error that it knows; anything else is a defect, and the worker must not look alive.
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crashed(error)

    def submit(self, batch: Batch) -> None:
        """Hand a batch to its lane; one of a lane that is gone is void."""
        if batch.lane in self._running:
            self._running[batch.lane][0].submit(batch)
        else:
            self._around.feed.release(batch)

    def fail(self, number: int, error: RedcatError) -> None:
        """Tell a lane of an error that was met elsewhere on its behalf."""
        if number in self._running:
            self._running[number][0].fail(error)

    async def look_after(self) -> None:
        """Tick every lane about every second, until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            for lane, _ in self._running.values():
                lane.tick()

    def lanes(self) -> list[Lane]:
        """The lanes assigned to this worker."""
        return [lane for lane, _ in self._running.values()]

    def positions(self) -> dict[int, Positions]:
        """Where the lanes that serve stand."""
        return {lane.number: lane.owner.positions for lane in self.lanes() if lane.owner is not None}
