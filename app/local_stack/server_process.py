"""One embedded server's process: start under a keeper, log to a file, stop, kill."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, cast

from app.local_stack import keeper
from streams.errors import Misconfigured, Unavailable

STOP_S = 20.0
POLL_S = 0.02
LOG_LINES = 15
BELOW_EPHEMERAL = range(20_000, 32_000)


class ServerProcess:
    """A server in a process group of its own, which ends with this process however this one ends."""

    def __init__(self, name: str, log: Path, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """`environment` is what the server finds there beside what this process does, which comes first."""
        self.name = name
        self.log = log
        self.pid = 0
        self._environment = environment
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._keeper is not None and self._keeper.poll() is None

    async def start(self, command: Sequence[str | Path]) -> None:
        """Start `command`; its output is appended to the log."""
        self.pid = 0
        self._keeper = self._start_keeper(command)
        with cast("IO[bytes]", self._keeper.stdout) as output:
            self.pid = int(await asyncio.to_thread(output.readline) or 0)
        if not self.pid:
            await self.wait()
            raise Misconfigured(f"{self.name} cannot be started; the end of {self.log}:\n{self.last_lines()}")

    async def start_until(
        self, command: Sequence[str | Path], ready: Callable[[], Awaitable[None]], within_s: float
    ) -> None:
        """Start `command` and wait until it is `ready`; Unavailable, and the server ended, if that takes too long."""
        try:
            await self.start(command)
            async with asyncio.timeout(within_s):
                await ready()
        except TimeoutError as error:
            await self.kill()
            raise Unavailable(f"{self.name} is not ready after {within_s:.0f} s, see {self.log}") from error
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Ask the server to stop, wait for it, kill it if it does not within STOP_S."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wait(), STOP_S)
        await self.kill()

    async def kill(self) -> None:
        """End the server at once, without a chance to tidy up."""
        self._signal(signal.SIGKILL)
        await self.wait()

    async def wait(self) -> int:
        """Wait until the server has ended; returns its exit status."""
        while self.running:
            await asyncio.sleep(POLL_S)
        if self._keeper is None:
            return 0
        cast("IO[bytes]", self._keeper.stdin).close()
        return self._keeper.returncode

    def ensure_running(self) -> None:
        """Raise Misconfigured with the last lines of the log if the server has ended."""
        if not self.running:
            raise Misconfigured(f"{self.name} ended while starting; the end of {self.log}:\n{self.last_lines()}")

    def last_lines(self) -> str:
        """The end of the server's log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    def _start_keeper(self, command: Sequence[str | Path]) -> "subprocess.Popen[bytes]":
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, str(os.getpid()), *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**self._environment, **os.environ},
                start_new_session=True,
            )

    def _signal(self, number: signal.Signals) -> None:
        if self._keeper is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                # Without the server's id its keeper must do: the server dies with it.
                os.kill(self.pid or self._keeper.pid, number)


def free_port() -> int:
    """A port of the loopback address that is free now, and that no outgoing connection will be given.

    Until this process ends nobody else's `free_port` gives the same: servers take seconds to bind theirs.
    """
    for port in random.sample(BELOW_EPHEMERAL, len(BELOW_EPHEMERAL)):
        reservation = socket.socket()
        try:
            reservation.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _reserve(reservation)
        return port
    raise Misconfigured(f"no port of 127.0.0.1 is free between {BELOW_EPHEMERAL[0]} and {BELOW_EPHEMERAL[-1]}")


def _reserve(bound: socket.socket) -> None:
    """Keep the port without listening: on Linux a server, which sets SO_REUSEADDR, may then bind it all the same."""
    if sys.platform == "linux":
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.detach()
    else:
        bound.close()


def require_free(port: int, *, server: str, setting: str) -> None:
    """Raise Misconfigured if somebody listens on `port` of the loopback address already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Misconfigured(
                f"port {port} for {server} is in use ({error.strerror}): stop what listens there or set {setting}"
            ) from error
