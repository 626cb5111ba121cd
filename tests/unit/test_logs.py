"""What a log line looks like, and what never stands in one."""

import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from app.logs import Lines, hashed

TOKEN = "tk-8f3a"


def line(message: str, *, terminal: bool = False, failing: Exception | None = None, **fields: Any) -> str:
    """What `log.warning(message, extra=fields)` writes."""
    where = ("somewhere", logging.WARNING, __file__, 1, message, ())
    failure = (type(failing), failing, None) if failing else None
    record = logging.getLogger("somewhere").makeRecord(*where, failure, extra=fields)
    return Lines(terminal=terminal).format(record)


def test_machines_get_one_json_object_a_line_with_the_fields_beside_the_message() -> None:
    told = json.loads(line("taking over anew", lane=3, until={"order": 7}, kinds=frozenset({"a"})))

    assert told.pop("at").endswith("Z")
    assert told == {
        "level": "warning",
        "message": "taking over anew",
        "lane": 3,
        "until": {"order": 7},
        "kinds": "frozenset({'a'})",
    }


def test_people_get_a_line_to_read() -> None:
    told = line("taking over anew", terminal=True, lane=3)

    assert "taking over anew" in told
    assert "warning" in told
    assert "3" in told
    assert not told.startswith("{")


def test_a_traceback_is_a_field_and_the_line_stays_one() -> None:
    told = line("it broke", failing=ArithmeticError("x\ny"))

    assert "\n" not in told
    assert "ArithmeticError" in json.loads(told)["exception"]


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    ("fields", "secret"),
    [
        ({"token": TOKEN}, TOKEN),
        ({"tokens": ["a", TOKEN]}, TOKEN),
        ({"order_id": "o-77123"}, "77123"),
        ({"kafka_sasl_password": "hunter2"}, "hunter2"),
        ({"Authorization": "Bearer hunter2"}, "hunter2"),
        ({"api_key": "hunter2"}, "hunter2"),
        ({"redis": "rediss://user:hunter2@r1:6379/0,rediss://user:hunter2@r2:6379"}, "hunter2"),
        ({"error": "no answer from redis://:hunter2@r1:6379"}, "hunter2"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_no_line_holds(fields: dict[str, Any], secret: str, terminal: bool) -> None:
    assert secret not in line("a message", terminal=terminal, **fields)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_password_in_the_text_of_an_error_does_not_get_out(terminal: bool) -> None:
    told = line("it broke", failing=OSError("redis://:hunter2@r1:6379 is away"), terminal=terminal)

    assert "redis://:***@r1:6379 is away" in told
    assert "hunter2" not in told


def test_a_token_can_be_followed_through_the_log() -> None:
    assert hashed(TOKEN) == hashed(TOKEN) != hashed("another")
    assert json.loads(line("a message", token=TOKEN))["token"] == hashed(TOKEN)


def test_a_command_that_logs_nothing_does_not_wait_for_structlog() -> None:
    code = "import sys, app.logs; app.logs.set_up_logs(); print('structlog' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
