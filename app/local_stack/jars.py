"""Kafka's jars: fetched from Maven Central once, checked against `jars.lock`, kept in the user's cache."""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO, TypeAlias

from streams.errors import Misconfigured, Unavailable

WHAT = "fetching Kafka's jars"
LOCK_FILE = Path(__file__).with_name("jars.lock")
DOWNLOADS = 8
ANSWER_S = 60
POLL_S = 0.2

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with what is fetched or made, how much of it is there and how much is needed; may raise to end it."""


class Jar(NamedTuple):
    """One line of the lock: SHA-256 in hex, Maven group, artifact and version."""

    checksum: str
    group: str
    artifact: str
    version: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


Fetch: TypeAlias = Callable[[Jar, Path], Path]
"""Puts a jar somewhere below the folder and says where."""


def silent(what: str, done: int, total: int | None) -> None:
    """The progress of those who do not want to see any."""


def cache_dir() -> Path:
    """Where Redcat keeps what can be made again: `$XDG_CACHE_HOME/redcat`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redcat"


def kafka_jars(progress: Progress = silent) -> Path:
    """The folder with all jars of the embedded Kafka and nothing else, fetching those that it lacks; blocks.

    Raises Unavailable if Maven Central does not answer and Misconfigured if it answers with something else.
    """
    folder = cache_dir() / f"jars-{hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()[:12]}"
    provide(locked_jars(), folder, fetch=from_maven_central, progress=progress)
    return folder


def locked_jars() -> list[Jar]:
    """The jars that the lock names."""
    lines = (line.split() for line in LOCK_FILE.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(checksum, *coordinate.split(":")) for checksum, coordinate in lines]


def provide(jars: Sequence[Jar], folder: Path, *, fetch: Fetch, progress: Progress = silent) -> None:
    """Have `jars` in `folder`, where one appears only when it is whole; one process fetches at a time."""
    if _missing(jars, folder):
        with _alone(folder, lambda: progress(WHAT, 0, len(jars))), tempfile.TemporaryDirectory(dir=folder) as staging:
            _fetch_all(_missing(jars, folder), Path(staging), folder, fetch=fetch, progress=progress)


def from_maven_central(jar: Jar, folder: Path) -> Path:
    """Fetch one jar."""
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise Misconfigured("the embedded Kafka is not installed: pip install 'redcat[local]'") from error
    project = MavenContext(repo_cache=folder, timeout=ANSWER_S).project(jar.group, jar.artifact)
    try:
        return project.at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:
        raise Unavailable(f"cannot fetch {jar.name} from Maven Central: {error}") from error


def _missing(jars: Sequence[Jar], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not (folder / jar.name).exists()]


def _fetch_all(jars: list[Jar], staging: Path, folder: Path, *, fetch: Fetch, progress: Progress) -> None:
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        fetched = {pool.submit(fetch, jar, staging): jar for jar in jars}
        try:
            for done, download in enumerate(as_completed(fetched), start=1):
                _keep(fetched[download], download.result(), folder)
                progress(WHAT, done, len(jars))
        finally:
            pool.shutdown(cancel_futures=True)


def _keep(jar: Jar, path: Path, folder: Path) -> None:
    if hashlib.sha256(path.read_bytes()).hexdigest() != jar.checksum:
        raise Misconfigured(f"{jar.name} from Maven Central is not the file that {LOCK_FILE.name} names")
    path.rename(folder / jar.name)


@contextmanager
def _alone(folder: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise Misconfigured(f"{folder} cannot be written: {error.strerror}; set XDG_CACHE_HOME") from error
    with lock:
        while not _locked(lock):
            while_waiting()
            time.sleep(POLL_S)
        yield


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
