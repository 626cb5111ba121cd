"""Only one rebuild of a namespace at a time, and lanes held for as long as it says so and no longer."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from app.connections import until_answered
from app.redis_store.generations import GUARD_MS, Generations
from app.redis_store.link import Dial
from streams.errors import RedcatError, Refused, Unavailable

RENEW_S: Final = 2.5  # several times while the guard and the hold last
WAIT_S: Final = GUARD_MS / 1000 + 5  # of a rebuild that was killed the guard is left for a while


class Guard:
    """Keeps others from rebuilding, and holds lanes while it is told to."""

    def __init__(self, generations: Generations) -> None:
        self.generations = generations
        self._holding = False

    async def hold(self) -> None:
        """Let no lane be taken over until `go_on`, or until this process is gone."""
        self._holding = True
        await self.generations.hold()

    async def go_on(self) -> None:
        """Let lanes be taken over again."""
        if self._holding:
            self._holding = False
            await self.generations.go_on()

    async def keep(self) -> None:
        """Renew, until cancelled."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.generations.guard()
            if self._holding:
                await self.generations.hold()


@asynccontextmanager
async def guarding(dial: Dial, group: str) -> AsyncIterator[Guard]:
    """Guard a namespace; ends with an error, what is under way cancelled, when that is no longer certain."""
    link = await until_answered(lambda: dial(0), server="Redis")
    try:
        guard = Guard(Generations(link, group, secrets.token_hex(8)))
        await _begin(guard.generations)
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(guard.keep())
                yield guard
                keeping.cancel()
        except BaseExceptionGroup as errors:
            raise _lone(errors) from None
        finally:
            with suppress(RedcatError):
                await guard.go_on()
                await guard.generations.leave()
    finally:
        link.close()


async def _begin(generations: Generations) -> None:
    async def attempt() -> None:
        try:
            await generations.guard()
        except Refused as error:
            raise Unavailable(str(error)) from error

    await until_answered(attempt, server="the rebuild that is under way", patience_s=WAIT_S)


def _lone(error: BaseException) -> BaseException:
    """What a group is about, if that is one error only."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        (error,) = error.exceptions
    return error
