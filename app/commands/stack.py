"""`redcat stack up` and `redcat stack down`."""

import asyncio
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from app.connections import redis_address
from app.local_stack import run_lock
from app.local_stack.stack import LocalStack
from app.settings import TOML_FILE, Settings, host_and_port
from app.start_progress import shown_on_stderr
from streams.errors import Misconfigured, Unavailable

LOOPBACK = ("127.0.0.1", "localhost")
DOWN_S = 45.0
POLL_S = 0.05

command = typer.Typer()


@command.command()
def up(
    data: Annotated[
        Path | None, typer.Option(help="Keep the servers' data here; else they forget everything.", file_okay=False)
    ] = None,
) -> None:
    """Run Kafka and Valkey in the foreground, at the ports of REDCAT_KAFKA and REDCAT_REDIS, until Ctrl-C."""
    kafka_port, redis_port = _ports(Settings.from_env(os.environ, TOML_FILE))
    data = data and data.resolve()
    taken = f"the embedded servers already run at ports {kafka_port} and {redis_port}; `redcat stack down` stops them"
    with ExitStack() as locks:
        locks.enter_context(run_lock.held(run_lock.of_ports(kafka_port, redis_port), taken=taken))
        if data:
            locks.enter_context(run_lock.held(data / "in-use", taken=f"other embedded servers use {data}"))
        asyncio.run(_up(LocalStack(kafka_port, redis_port, data)))


@command.command()
def down() -> None:
    """Stop the servers that `stack up` runs at the ports of REDCAT_KAFKA and REDCAT_REDIS."""
    ports = _ports(Settings.from_env(os.environ, TOML_FILE))
    lock = run_lock.of_ports(*ports)
    pid = run_lock.holder(lock)
    if pid is None:
        raise Unavailable(f"no embedded servers run at ports {ports[0]} and {ports[1]}")
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + DOWN_S
    while run_lock.holder(lock) == pid:
        if time.monotonic() > end:
            raise Unavailable(f"process {pid} did not stop its servers within {DOWN_S:.0f} s")
        time.sleep(POLL_S)


async def _up(stack: LocalStack) -> None:
    """Serve until SIGINT or SIGTERM; Unavailable if a server ends by itself."""
    serving = asyncio.create_task(_serve(stack))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()


async def _serve(stack: LocalStack) -> None:
    with shown_on_stderr() as progress:
        await stack.start(progress)
    try:
        print(f"ready: Kafka at {stack.kafka}, Valkey at {stack.redis}", flush=True)
        await stack.until_one_ends()
    finally:
        await stack.stop()


def _ports(settings: Settings) -> tuple[int, int]:
    """The ports of both servers; Misconfigured if the settings are not for servers that can be run here."""
    kafka_host, kafka_port = host_and_port(settings.kafka, "kafka")
    redis = redis_address(settings)
    redis_host, redis_port = redis.nodes[0]
    if kafka_host not in LOOPBACK or settings.kafka_security != "plaintext":
        raise Misconfigured(f"REDCAT_KAFKA={settings.kafka}: the embedded Kafka serves 127.0.0.1 without security only")
    if redis_host not in LOOPBACK or redis.cluster or redis.tls or redis.password:
        raise Misconfigured("REDCAT_REDIS: the embedded Valkey serves one redis://127.0.0.1:PORT without password only")
    return kafka_port, redis_port
