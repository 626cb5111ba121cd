"""Kafka's jars are fetched once, whole and as locked, whoever else fetches at the same time."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.local_stack.jars import Jar, locked_jars, provide
from streams.errors import Misconfigured, Unavailable

CONTENT = b"classes"
JARS = [Jar(hashlib.sha256(CONTENT).hexdigest(), "org.example", name, "1.0") for name in ("one", "two", "three")]
NAMES = ["one-1.0.jar", "three-1.0.jar", "two-1.0.jar"]


class Repository:
    """A Maven repository that remembers what it was asked for."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.asked: list[str] = []
        self._content = content

    def fetch(self, jar: Jar, folder: Path) -> Path:
        self.asked.append(jar.artifact)
        path = folder / jar.name
        path.write_bytes(self._content)
        return path


def names(folder: Path) -> list[str]:
    """What a user of the folder finds in it."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_jars_are_fetched_once_and_told(tmp_path: Path) -> None:
    repository, told = Repository(), list[tuple[int, int | None]]()

    for _ in range(2):
        provide(JARS, tmp_path, fetch=repository.fetch, progress=lambda _, done, total: told.append((done, total)))

    assert names(tmp_path) == NAMES
    assert sorted(repository.asked) == ["one", "three", "two"]
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_only_what_is_missing_is_fetched(tmp_path: Path) -> None:
    repository = Repository()
    provide(JARS[:1], tmp_path, fetch=Repository().fetch)

    provide(JARS, tmp_path, fetch=repository.fetch)

    assert sorted(repository.asked) == ["three", "two"]


def test_first_starts_at_the_same_time_fetch_once(tmp_path: Path) -> None:
    repository = Repository()
    with ThreadPoolExecutor(4) as starts:
        list(starts.map(lambda _: provide(JARS, tmp_path, fetch=repository.fetch), range(4)))

    assert names(tmp_path) == NAMES
    assert sorted(repository.asked) == ["one", "three", "two"]


def test_another_file_than_the_locked_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"-1\.0\.jar from Maven Central is not the file that jars\.lock names"):
        provide(JARS, tmp_path, fetch=Repository(b"something else").fetch)

    assert names(tmp_path) == []


def test_a_repository_that_does_not_answer_leaves_nothing_half_done(tmp_path: Path) -> None:
    def fetch(jar: Jar, folder: Path) -> Path:
        (folder / jar.name).write_bytes(CONTENT[:3])
        raise Unavailable("no network")

    with pytest.raises(Unavailable, match="no network"):
        provide(JARS, tmp_path, fetch=fetch)

    assert names(tmp_path) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(Misconfigured, match=r"file/cache cannot be written: .*; set XDG_CACHE_HOME"):
        provide(JARS, file / "cache", fetch=Repository().fetch)


def test_the_lock_names_kafka_and_its_logging_with_checksums() -> None:
    jars = {jar.artifact: jar for jar in locked_jars()}

    assert jars["kafka_2.13"].version.startswith("4.")
    assert "slf4j-simple" in jars
    assert all(len(jar.checksum) == 64 for jar in jars.values())
