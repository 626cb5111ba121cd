"""A worker that stalls when it is told to: its event loop on SIGUSR1, all of its lanes on SIGUSR2.

Everything in it is real but for what sets in then: a call that does not return; lanes whose batches go nowhere, as
they would if a wake-up was lost.
"""

import asyncio
import gc
import os
import signal
import time
from typing import Any, NoReturn

from app.bootstrap import build_worker
from app.logs import set_up_logs
from app.settings import Settings
from streams.lanes import Lanes

FOR_EVER_S = 3600


class Nowhere(asyncio.Queue[Any]):
    """Takes everything and gives nothing, to those who wait already and to those who will."""

    async def get(self) -> NoReturn:
        while True:
            await asyncio.sleep(FOR_EVER_S)


async def main() -> None:
    """Work until the end that the watchdog sets."""
    app = build_worker(Settings.from_env(os.environ))
    app.finalize()
    (lanes,) = (known for known in gc.get_objects() if isinstance(known, Lanes))

    def lose_mail() -> None:
        for lane in lanes.lanes():
            lane._mailbox = Nowhere()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: time.sleep(FOR_EVER_S))
    loop.add_signal_handler(signal.SIGUSR2, lose_mail)
    await app.start()
    await app.wait_until_stopped()


if __name__ == "__main__":
    set_up_logs()
    asyncio.run(main())
