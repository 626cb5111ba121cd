"""The console script lists its commands quickly, and tells errors in one line and by exit status."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import cli
from streams.errors import Misconfigured, Unavailable

HEAVY = {"aiokafka", "asyncio", "faust", "msgspec", "redis", "rich"}


def raising(error: BaseException) -> str:
    """A program that fails as a command would."""
    return (
        "import sys, types; from streams.errors import *; from app import cli\n"
        f"def command(): raise {error!r}\n"
        "sys.modules['failing'] = types.SimpleNamespace(command=command)\n"
        "cli.COMMANDS = (cli.Command('fail', 'failing', ''),)\n"
        "sys.argv = ['redcat', 'fail']; cli.main()"
    )


def run(program: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path.cwd(), timeout=60
    )


def test_help_lists_every_command_and_imports_none() -> None:
    program = "import sys; from app.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )

    assert ran.returncode == 0
    for command in cli.COMMANDS:
        assert f"  {command.name} " in ran.stdout
        assert command.help in ran.stdout
    assert not HEAVY & set(ran.stderr.split())


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (Misconfigured("change it"), 2, "redcat: change it\n"),
        (Unavailable("no answer"), 1, "redcat: no answer\n"),
        (ExceptionGroup("tasks", [Unavailable("no answer")]), 1, "redcat: no answer\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_expected_errors_are_one_line_and_an_exit_status(error: BaseException, status: int, line: str) -> None:
    ran = run(raising(error))

    assert (ran.returncode, ran.stdout, ran.stderr) == (status, "", line)


def test_an_unexpected_error_keeps_its_traceback() -> None:
    ran = run(raising(ZeroDivisionError("bug")))

    assert ran.returncode == 1
    assert "Traceback" in ran.stderr


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"], ["topics", "no-such"], []])
def test_wrong_use_is_status_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.build(arguments), arguments).exit_code == 2


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(cli.build([]), ["--version"])

    assert (result.exit_code, result.stdout) == (0, "redcat 0.1.0\n")


def test_settings_in_force_are_shown_as_text_and_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_REDIS", "redis://:hunter2@r1:6379/0")

    text = CliRunner().invoke(cli.build(["config"]), ["config"])
    json = CliRunner().invoke(cli.build(["config"]), ["config", "--json"])

    assert "REDCAT_REDIS=redis://:***@r1:6379/0\n" in text.stdout
    assert '"redis": "redis://:***@r1:6379/0"' in json.stdout
    assert '"policy": null' in json.stdout


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("REDCAT_KAFKA", "broker:9092", "the embedded Kafka serves 127.0.0.1"),
        ("REDCAT_KAFKA", "127.0.0.1:9092,127.0.0.1:9093", "must be HOST:PORT"),
        ("REDCAT_REDIS", "redis://store:6379/0", "the embedded Valkey serves"),
        ("REDCAT_REDIS", "rediss://127.0.0.1:6379/0", "the embedded Valkey serves"),
    ],
)
def test_the_embedded_servers_refuse_addresses_that_are_not_theirs(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)

    result = CliRunner().invoke(cli.build(["stack"]), ["stack", "up"])

    assert isinstance(result.exception, Misconfigured)
    assert message in str(result.exception)
