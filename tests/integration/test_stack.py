"""The embedded servers start, keep what they should, and leave nothing behind, however their parent ends."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from ctypes.util import find_library
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from app.local_stack.class_cache import cache_file
from app.local_stack.jars import silent
from app.local_stack.kafka_server import KafkaServer, java_command
from app.local_stack.run_lock import held, holder
from app.local_stack.server_process import ServerProcess, free_port
from app.local_stack.valkey_server import ValkeyServer, allocator
from app.settings import Settings
from app.topic_admin import create_topics, require_topics
from streams.errors import Misconfigured
from tests.waiting import until

PATIENCE_S = 30
START_AND_TELL = """
import asyncio, sys
from pathlib import Path
from app.local_stack.valkey_server import ValkeyServer

async def main():
    server = ValkeyServer(int(sys.argv[1]), Path(sys.argv[2]))
    await server.start()
    print(server.process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    """A Valkey of this test only, not started."""
    server = ValkeyServer(free_port(), tmp_path, durable=True)
    yield server
    await server.kill()


@pytest.fixture
def redcat() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `redcat ARGUMENTS...` with the ports of this test."""
    running: list[subprocess.Popen[str]] = []
    own = (free_port(), free_port())

    def start(*arguments: str, ports: tuple[int, int] = own) -> subprocess.Popen[str]:
        addresses = {"REDCAT_KAFKA": f"127.0.0.1:{ports[0]}", "REDCAT_REDIS": f"redis://127.0.0.1:{ports[1]}/0"}
        command = [sys.executable, "-c", "from app.cli import main; main()", *arguments]
        process = subprocess.Popen(
            command,
            env=os.environ | addresses,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path.cwd(),
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def gone(pid: int) -> bool:
    """Wait for a process that is not a child of this one."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], PATIENCE_S)[0])
    finally:
        os.close(watched)


async def test_a_port_in_use_is_named(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    for second in (ValkeyServer(valkey_server.port, tmp_path), KafkaServer(valkey_server.port, tmp_path)):
        with pytest.raises(Misconfigured, match=f"port {valkey_server.port} for .* is in use"):
            await second.start()
        assert not second.process.running


async def test_a_server_that_ends_while_starting_shows_the_end_of_its_log(tmp_path: Path) -> None:
    server = ValkeyServer(free_port(), tmp_path, binary=Path("/bin/false"))

    with pytest.raises(Misconfigured, match=r"Valkey ended while starting; the end of .*valkey\.log"):
        await server.start()


async def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    server = ValkeyServer(free_port(), tmp_path, binary=tmp_path / "no-such-server")

    with pytest.raises(Misconfigured, match="no-such-server"):
        await server.start()


async def test_durable_data_survive_a_stop_and_a_crash(valkey: ValkeyServer) -> None:
    await valkey.start()
    async with Redis(port=valkey.port) as redis:
        await redis.set("note", "n1")
    await valkey.restart()
    async with Redis(port=valkey.port) as redis:
        assert await redis.get("note") == b"n1"
    await valkey.kill()
    await valkey.start()
    async with Redis(port=valkey.port) as redis:
        assert await redis.get("note") == b"n1"


async def test_the_servers_run_the_versions_that_the_tests_are_for(valkey_url: str, redis7_url: str) -> None:
    async with Redis.from_url(valkey_url) as valkey, Redis.from_url(redis7_url) as redis7:
        assert (await valkey.info("server"))["valkey_version"].startswith("9.")
        assert (await redis7.info("server"))["redis_version"].startswith("7.")
        assert (await valkey.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"


def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START_AND_TELL, str(free_port()), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        parent.kill()

    assert gone(server)


async def test_a_server_ends_when_its_keeper_is_killed(valkey: ValkeyServer) -> None:
    await valkey.start()
    os.kill(parent(valkey.process.pid), signal.SIGKILL)

    assert gone(valkey.process.pid)


async def test_a_server_outlives_the_thread_that_started_it(valkey: ValkeyServer) -> None:
    thread = threading.Thread(target=lambda: asyncio.run(valkey.start()))
    thread.start()
    thread.join()

    async with Redis(port=valkey.port) as redis:
        assert await redis.ping()
    assert valkey.process.running


async def test_valkey_uses_jemalloc_where_there_is_one_unless_the_environment_says_otherwise(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_jemalloc() -> bool:
        return "jemalloc" in Path(f"/proc/{valkey.process.pid}/maps").read_text()

    await valkey.start()
    assert has_jemalloc() is (find_library("jemalloc") is not None)
    monkeypatch.setenv("LD_PRELOAD", "")
    await valkey.restart()
    assert not has_jemalloc()


def test_without_jemalloc_the_allocator_keeps_freed_pieces_at_hand() -> None:
    assert allocator(None) == {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=30000"}


async def test_stopping_what_was_never_started_is_harmless(tmp_path: Path) -> None:
    server = ServerProcess("nothing", tmp_path / "log")

    await server.stop()
    await server.kill()

    assert not server.running


async def test_kafka_keeps_its_topics_over_a_crash(tmp_path: Path) -> None:
    server = KafkaServer(free_port(), tmp_path)
    settings = Settings(kafka=server.address)
    await server.start()
    await create_topics(settings)
    first = server.process.pid
    await server.kill()
    assert gone(first)
    await server.start()
    await require_topics(settings)
    await server.stop()


async def test_kafka_starts_with_the_classes_that_an_earlier_one_has_loaded(tmp_path: Path) -> None:
    cache = cache_file(await java_command(silent))
    server = KafkaServer(free_port(), tmp_path)

    await server.start()  # makes it, if nobody else is at it
    await server.stop()
    await until(lambda: asyncio.to_thread(cache.exists))
    server.process.log.unlink()
    await server.start()
    mapped = await asyncio.to_thread(Path(f"/proc/{server.process.pid}/maps").read_text)
    await server.stop()

    assert str(cache) in mapped
    assert "[aot" not in server.process.last_lines(), "the JVM complains of its cache"


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    lock = tmp_path / "run" / "lock"

    assert holder(lock) is None
    with held(lock, taken="taken"):
        assert holder(lock) == os.getpid()
        with pytest.raises(Misconfigured, match="taken"), held(lock, taken="taken"):
            pass
    assert holder(lock) is None


def test_the_stack_goes_up_keeps_its_data_and_comes_down(
    redcat: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    up = redcat("stack", "up", "--data", str(tmp_path))
    assert up.stdout is not None
    assert up.stdout.readline().startswith("ready: Kafka at 127.0.0.1:")
    assert redcat("topics", "create", "--json").communicate()[0].startswith('{"created": ["click-out",')
    _, error = (second := redcat("stack", "up")).communicate()
    assert (second.returncode, "already run" in error) == (2, True)
    _, error = (other := redcat("stack", "up", "--data", str(tmp_path), ports=(free_port(), free_port()))).communicate()
    assert (other.returncode, f"use {tmp_path}" in error) == (2, True)

    down = redcat("stack", "down")
    assert (down.wait(PATIENCE_S), up.wait(PATIENCE_S)) == (0, 0)

    up = redcat("stack", "up", "--data", str(tmp_path))
    assert up.stdout is not None
    up.stdout.readline()
    assert redcat("topics", "create", "--json").communicate()[0] == '{"created": []}\n'
    up.send_signal(signal.SIGINT)
    assert up.wait(PATIENCE_S) == 0
    assert redcat("stack", "down").wait(PATIENCE_S) == 1


def test_the_stack_ends_with_an_error_when_a_server_dies(redcat: Callable[..., subprocess.Popen[str]]) -> None:
    up = redcat("stack", "up")
    assert up.stdout is not None
    up.stdout.readline()
    servers = [int(pid) for keeper in children(up.pid) for pid in children(keeper)]
    os.kill(servers[0], signal.SIGKILL)

    _, error = up.communicate(timeout=PATIENCE_S)

    assert up.returncode == 1
    assert "ended by itself" in error
    assert all(gone(pid) for pid in servers)


def parent(pid: int) -> int:
    """Process id of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children(pid: int) -> list[int]:
    """Process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
