"""Kafka's class cache is made once, by one process, and a Kafka starts without it where it cannot be made."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.local_stack.class_cache import cache_file, class_cache
from app.local_stack.jars import silent
from app.local_stack.run_lock import held
from streams.errors import Misconfigured, Unavailable

OPTION = "-XX:AOTCacheOutput="


class Training:
    """Lets a JVM write its cache, and remembers how often; or something goes wrong."""

    def __init__(self, goes_wrong: BaseException | None = None, writes: bytes | None = b"classes") -> None:
        self.times = 0
        self._goes_wrong = goes_wrong
        self._writes = writes

    async def __call__(self, jvm: Sequence[str]) -> None:
        self.times += 1
        (output,) = (Path(option.removeprefix(OPTION)) for option in jvm if option.startswith(OPTION))
        if self._writes is not None:
            output.write_bytes(self._writes)
        if self._goes_wrong:
            raise self._goes_wrong


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command of a JVM, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "java" / "bin").mkdir(parents=True)
    (tmp_path / "java" / "release").write_text('JAVA_VERSION="25"')
    return [str(tmp_path / "java" / "bin" / "java"), "-Xmx1m", "-cp", "jars/*"]


def kept(java: list[str]) -> list[str]:
    """What is there beside the lock."""
    return sorted(path.name for path in cache_file(java).parent.iterdir() if path.suffix != ".lock")


async def test_it_is_made_once_and_told(java: list[str]) -> None:
    training, told = Training(), list[tuple[str, int, int | None]]()

    options = [await class_cache(java, training, lambda *news: told.append(news)) for _ in range(2)]

    assert options == [["-XX:+VerifySharedSpaces", f"-XX:AOTCache={cache_file(java)}"]] * 2
    assert cache_file(java).read_bytes() == b"classes"
    assert (training.times, told) == (1, [("preparing Kafka's quick starts", 0, None)])
    assert kept(java) == [cache_file(java).name]


async def test_other_options_jars_and_versions_of_java_have_others(java: list[str]) -> None:
    files = {cache_file(java), cache_file([*java[:1], "-Xmx2m", *java[2:]]), cache_file([*java[:-1], "newer/*"])}
    (Path(java[0]).parent.parent / "release").write_text('JAVA_VERSION="26"')

    assert len(files | {cache_file(java)}) == 4


async def test_while_somebody_else_makes_it_one_starts_without(java: list[str]) -> None:
    training = Training()

    with held(cache_file(java).with_suffix(".lock"), taken=""):
        assert await class_cache(java, training, silent) == []

    assert training.times == 0


@pytest.mark.parametrize(
    "training",
    [
        pytest.param(Training(Unavailable("not ready")), id="not ready in time"),
        pytest.param(Training(Misconfigured("ended while starting")), id="ended"),
        pytest.param(Training(OSError("disk full")), id="no place"),
        pytest.param(Training(writes=None), id="written nothing"),
    ],
)
async def test_when_it_cannot_be_made_kafka_starts_without_and_the_next_one_tries_again(
    java: list[str], training: Training, caplog: pytest.LogCaptureFixture
) -> None:
    assert await class_cache(java, training, silent) == []
    assert "Kafka starts without its class cache" in caplog.text
    assert kept(java) == []

    assert await class_cache(java, Training(), silent)


async def test_what_a_killed_one_has_left_goes_away_with_the_next(java: list[str]) -> None:
    left = cache_file(java).with_suffix(".left.new")
    left.mkdir(parents=True)
    (left / cache_file(java).name).write_bytes(b"half of it")

    await class_cache(java, Training(), silent)

    assert kept(java) == [cache_file(java).name]


async def test_what_is_interrupted_leaves_nothing(java: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        await class_cache(java, Training(KeyboardInterrupt()), silent)

    assert kept(java) == []
