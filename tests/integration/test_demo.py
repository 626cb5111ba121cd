"""`redcat demo` shows it all, proves it, and leaves nothing running, whatever ends it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

import pytest

from app.commands.demo import SHOWN, _report
from app.demo import LogFolder
from app.demo_run import Verdict
from app.settings import Settings
from app.worker_process import running_worker, until_ended
from streams.errors import Unavailable

Process: TypeAlias = subprocess.Popen[str]
PATIENCE_S = 60
STARTED = re.compile(r"Kafka at 127\.0\.0\.1:(\d+) and Valkey at redis://127\.0\.0\.1:(\d+)/0")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts `redcat demo --no-view ARGUMENTS...` where the settings are good for nothing."""
    (tmp_path / "redcat.toml").write_text('group = "another"\npolicy = "no-such-file"\n')
    path = os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH"))))
    wrong = {"REDCAT_KAFKA": "127.0.0.1:1", "REDCAT_KAFKA_SECURITY": "tls", "REDCAT_SHARDS": "3"}
    running: list[Process] = []
    # What a shell starts behind `&` ignores SIGINT, and so would the demo: it is to be as on a terminal.
    of_tests = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(*arguments: str) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "demo", "--no-view", "--lang", "en", *arguments],
            env=os.environ | wrong | {"PYTHONPATH": path},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
    signal.signal(signal.SIGINT, of_tests)


def read_until(stream: IO[str] | None, words: str) -> str:
    """What comes up to and including the line with these words."""
    assert stream is not None
    read = ""
    for line in stream:
        read += line
        if words in line:
            return read
    pytest.fail(f"{words!r} never came, but:\n{read}")


def still_served(told: str) -> list[str]:
    """The ports of the servers that the demo told of and that still listen."""
    found = STARTED.search(told)
    assert found, told
    return [port for port in found.groups() if is_served(int(port))]


def is_served(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_demo_ends_with_nothing_wrong_and_nothing_running(demo: Callable[..., Process]) -> None:
    process = demo("--events", "3000", "--seed", "3")
    printed, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, told
    assert re.fullmatch(r"[1-9]\d* notes, [1-9]\d* results: 0 wrong\n", printed)
    assert "sent 3,000/3,000" in told
    assert still_served(told) == []


def test_a_demo_that_stays_is_there_to_be_looked_at_until_it_is_told_to_end(demo: Callable[..., Process]) -> None:
    process = demo("--events", "1000", "--stay")
    told = read_until(process.stderr, "everything goes on until Ctrl-C")
    assert len(still_served(told)) == 2
    process.send_signal(signal.SIGTERM)
    printed, rest = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, rest) == (143, "")
    assert printed.endswith(": 0 wrong\n")
    assert still_served(told) == []


def test_ctrl_c_in_the_middle_leaves_nothing_running(demo: Callable[..., Process]) -> None:
    process = demo("--events", "300000")
    told = read_until(process.stderr, "sent ")
    process.send_signal(signal.SIGINT)
    printed, rest = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, printed) == (130, "")
    assert "Traceback" not in rest
    assert still_served(told) == []


async def test_a_worker_that_ends_by_itself_is_told_with_its_log(tmp_path: Path) -> None:
    settings = Settings(policy=tmp_path / "no-such-file")
    async with running_worker(settings, tmp_path) as worker:
        with pytest.raises(Unavailable) as raised:
            await until_ended(worker)
    assert "ended with status 2" in str(raised.value)
    assert str(tmp_path / "worker.log") in str(raised.value)
    assert "cannot read the policy file" in str(raised.value)


def test_the_log_stays_only_after_a_fault() -> None:
    with LogFolder() as good:
        pass
    with pytest.raises(KeyboardInterrupt), LogFolder() as interrupted:
        raise KeyboardInterrupt
    with pytest.raises(Unavailable), LogFolder() as failed:
        raise Unavailable
    with LogFolder() as wrong:
        wrong.keep = True
    assert [folder.path.exists() for folder in (good, interrupted, failed, wrong)] == [False, False, True, True]
    for folder in (failed, wrong):
        folder.path.rmdir()


def test_the_first_differences_are_shown_and_the_last_line_counts_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    _report(Verdict(7, 9, [f"difference {number}" for number in range(SHOWN + 5)]))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [*(f"difference {number}" for number in range(SHOWN)), f"7 notes, 9 results: {SHOWN + 5} wrong"]
