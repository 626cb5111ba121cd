"""Files that one process at a time may hold, with its process id inside.

A lock ends with the process that holds it, however that ends, so the id in a locked file is never stale.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.local_stack.jars import cache_dir
from streams.errors import Misconfigured


def of_ports(kafka_port: int, redis_port: int) -> Path:
    """The file that is held by whoever runs the embedded servers at these ports."""
    return cache_dir() / "run" / f"stack-{kafka_port}-{redis_port}"


@contextmanager
def held(path: Path, *, taken: str) -> Iterator[None]:
    """Hold the lock; raises Misconfigured(`taken`) if another process does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise Misconfigured(f"{path.parent} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Misconfigured(taken) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(path: Path) -> int | None:
    """The id of the process that holds the lock."""
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        pass
    return None
