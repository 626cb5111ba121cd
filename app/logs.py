"""Log lines: a constant message with its fields; for people on a terminal, as JSON elsewhere."""

import logging
import sys
from typing import Any

import orjson

_STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "taskName"}


def set_up_logs() -> None:
    """Send the logs of this process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines() if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # What matters of aiokafka's errors is raised to us; it also logs each failed attempt to connect.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    for chatty in ("faust", "mode", "app.bootstrap"):  # Faust tells of every service that starts, in its module's name
        logging.getLogger(chatty).setLevel(logging.WARNING)


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What a log call gave in `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class Lines(logging.Formatter):
    """2026-03-02 10:00:00 WARNING message field=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name that logging calls
        """The line, its fields behind the message."""
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in fields(record).items())])


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with its fields; a traceback is one of them."""
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()
