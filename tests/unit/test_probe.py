"""The probe of containers asks where the process serves, and says yes only to a good answer."""

from http import HTTPStatus

import pytest

from app.health.probe import probe
from app.health.server import Answer, HealthServer


def server(status: HTTPStatus) -> HealthServer:
    """A process that answers with that status."""
    made = HealthServer("127.0.0.1:0", {"/live": lambda _: Answer(status, "application/json", b'{"live": true}\n')})
    made.start()
    return made


@pytest.mark.parametrize(("status", "exit_status"), [(HTTPStatus.OK, 0), (HTTPStatus.SERVICE_UNAVAILABLE, 1)])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  # where it says it listens
def test_the_answer_decides(
    status: HTTPStatus, exit_status: int, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = server(status)

    assert probe([], {"REDCAT_METRICS": f"{host}:{asked.port}"}) == exit_status
    assert probe(["http", "/live"], {"REDCAT_HTTP": f"{host}:{asked.port}"}) == exit_status
    assert capsys.readouterr().out == '{"live": true}\n' * 2
    asked.stop()


def test_no_answer_is_no(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe([], {"REDCAT_METRICS": "127.0.0.1:1"}) == 1
    assert "/live at 127.0.0.1:1" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["metrics"], ["redis", "/live"], ["http", "/secret"]])
def test_anything_else_is_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert probe(arguments, {}) == 2
    assert "app.health.probe" in capsys.readouterr().err


def test_bad_settings_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe([], {"REDCAT_METRICS": "nowhere"}) == 2
    assert "REDCAT_METRICS" in capsys.readouterr().err
