"""The workers of a chaos run: real processes that are started, asked to stop, killed, frozen and given wrong clocks."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, cycle
from pathlib import Path
from typing import Final

import orjson

from app.local_stack.server_process import ServerProcess
from app.settings import Settings
from tests.integration.workers import environment

ROOT: Final = Path(__file__).parents[2]
LOOK_EVERY_S: Final = 0.2
FAKETIME: Final = "lib/*/faketime/libfaketimeMT.so.1"


def faketime() -> Path | None:
    """The library that gives a process another clock; Debian's package is libfaketime."""
    return next(iter(sorted(Path("/usr").glob(FAKETIME))), None)


class Worker:
    """One worker's process."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.process = ServerProcess(f"worker {number}", folder / f"worker-{number}.log")
        self.engaged = True  # it is starting, or a fault is under way with it, or it is on its way out

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs; one that is only starting has no id yet."""
        if self.process.running and self.process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def said(self) -> Iterator[dict[str, object]]:
        """The lines of its log that are log lines."""
        for line in self.process.log.read_bytes().splitlines():
            with contextlib.suppress(orjson.JSONDecodeError):
                yield orjson.loads(line)


class Crew:
    """All workers; one that ends by itself is replaced, and what it said last is kept."""

    def __init__(self, settings: Settings, folder: Path, other: Path | None = None) -> None:
        """`other` is a checkout of another version, which every other worker runs."""
        self.ended: Counter[str] = Counter()  # by the last words
        self.workers: list[Worker] = []
        self._settings = settings
        self._folder = folder
        self._numbers = count(1)
        self._checkouts = cycle([ROOT, other or ROOT])
        self._ever: list[Worker] = []

    async def add(self, *, clock_off_s: int = 0) -> Worker:
        """Start one more."""
        worker = Worker(next(self._numbers), self._folder)
        self.workers.append(worker)
        self._ever.append(worker)
        await worker.process.start(self._command(clock_off_s))
        worker.engaged = False
        return worker

    async def kill(self, worker: Worker) -> None:
        """End it at once."""
        self.workers.remove(worker)
        await worker.process.kill()

    async def stop(self, worker: Worker) -> int:
        """Ask it to stop; returns its exit status, which is that of a killed process if it took too long."""
        self.workers.remove(worker)
        worker.signal(signal.SIGTERM)
        await worker.process.stop()
        return await worker.process.wait()

    async def stop_all(self) -> None:
        """Ask all of them to stop."""
        await asyncio.gather(*(self.stop(worker) for worker in list(self.workers)))

    async def kill_all(self) -> None:
        """End all of them at once."""
        await asyncio.gather(*(self.kill(worker) for worker in list(self.workers)))

    def idle(self) -> Sequence[Worker]:
        """Those with which no fault is under way."""
        return [worker for worker in self.workers if not worker.engaged]

    def stops(self) -> Counter[str]:
        """How often lanes stopped for a person, by the reason with its numbers left out."""
        reasons = (str(line.get("error")) for worker in self._ever for line in worker.said() if is_stop(line))
        return Counter(re.sub(r"\d+", "N", reason) for reason in reasons)

    async def look_after(self) -> None:
        """Replace those that end by themselves, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for worker in [one for one in self.workers if not one.process.running]:
                self.workers.remove(worker)
                self.ended[_last_words(worker)] += 1
                await self.add()

    def _command(self, clock_off_s: int) -> list[str]:
        variables = {
            name: value for name, value in environment(self._settings).items() if name.startswith("REDCAT_")
        } | {"PYTHONPATH": str(next(self._checkouts))}
        if clock_off_s:
            variables |= {
                "LD_PRELOAD": str(faketime()),
                "FAKETIME": f"{clock_off_s:+d}",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
            }
        assignments = [f"{name}={value}" for name, value in variables.items()]
        # In a folder of its own: a redcat.toml in the present one is not for it.
        return [
            "/usr/bin/env", "-C", str(self._folder), *assignments, sys.executable, "-m", "app", "worker",
        ]  # fmt: skip


def is_stop(line: Mapping[str, object]) -> bool:
    """Whether a log line says that a lane waits for a person."""
    return line.get("message") == "lane stopped"


def _last_words(worker: Worker) -> str:
    lines = worker.process.last_lines().splitlines()
    return lines[-1][:300] if lines else "nothing"
