"""What a power failure leaves of an append-only file."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.chaos.append_log import LOOK_EVERY_S, AppendLog


def append_file(folder: Path, number: int) -> Path:
    (folder / "appendonlydir").mkdir(exist_ok=True)
    return folder / "appendonlydir" / f"appendonly.aof.{number}.incr.aof"


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[AppendLog]:
    log = AppendLog(folder)
    looking = asyncio.create_task(log.watch())
    try:
        yield log
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(LOOK_EVERY_S / 5)


async def test_what_was_written_in_the_last_moment_is_lost(tmp_path: Path) -> None:
    path = append_file(tmp_path, 1)
    path.write_bytes(b"old")
    async with watched(tmp_path) as log:
        await until(lambda: log.size(0.0) == 3)
        await until(lambda: log.size(0.2) == 3)
        with path.open("ab") as file:
            file.write(b"new")

        assert log.cut(0.2) == 3

    assert path.read_bytes() == b"old"


async def test_a_file_that_was_begun_in_the_last_moment_is_lost_as_a_whole(tmp_path: Path) -> None:
    append_file(tmp_path, 9).write_bytes(b"old")
    async with watched(tmp_path) as log:
        append_file(tmp_path, 10).write_bytes(b"new")
        await until(lambda: log.size(0.0) == 3)

        assert log.cut(60.0) == 3

    assert append_file(tmp_path, 9).read_bytes() == b"old"
    assert append_file(tmp_path, 10).read_bytes() == b""


def test_a_server_without_such_a_file_loses_nothing_more(tmp_path: Path) -> None:
    assert AppendLog(tmp_path).cut(1.0) == 0
