"""Log lines: a constant message with its fields; for people on a terminal, as JSON elsewhere.

Modules log by the standard library, with fields in `extra`; structlog makes the lines.  Nothing that opens a door gets
into them, and what points at a reader or a purchase does as a hash: it can be followed through the log, not back.
"""

import hashlib
import logging
import os
import re
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.quick_start import absent

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    import structlog

HASHED: Final = frozenset({"token", "tokens", "order_id", "result_id", "click_id", "event_id"})
SECRET: Final = re.compile("password|secret|authorization|api_?key|cookie|credential", re.IGNORECASE)
PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
MASK: Final = "***"
HASH_DIGITS: Final = 12


def set_up_logs() -> None:
    """Send the logs of this process, and Python's warnings, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(terminal=sys.stderr.isatty()))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    # What matters of aiokafka's errors is raised to us; it also logs each failed attempt to connect.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # Faust tells of every service that starts, in its module's name; httpx of every address it asks, secrets in it.
    for chatty in ("faust", "mode", "app.bootstrap", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Lines(logging.Formatter):
    """`2026-03-02T10:00:00.123456Z [warning] message field=value` for people, one JSON object a line for machines."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def format(self, record: logging.LogRecord) -> str:
        """The record with its fields; a traceback is one of them, or follows on a terminal."""
        return self._structlog.format(record)

    @cached_property
    def _structlog(self) -> "structlog.stdlib.ProcessorFormatter":
        # Not at the top: most commands log nothing, and this takes a twentieth of a second, with rich two.
        with absent("rich"):
            import structlog

        chain: list[Any] = [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            without_secrets,
        ]
        if self._terminal:
            # Its own tracebacks would show the values of local variables.
            plain, colours = structlog.dev.plain_traceback, "NO_COLOR" not in os.environ
            chain.append(structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False, exception_formatter=plain))
        else:
            chain.append(_in_order)
            chain.append(structlog.processors.JSONRenderer(serializer=_json))
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp" if self._terminal else "at"),
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
            ],
            processors=chain,
        )


def without_secrets(_: object, __: str, fields: "MutableMapping[str, Any]") -> "MutableMapping[str, Any]":
    """A structlog processor: secrets masked, what points at a person hashed, passwords taken out of URLs."""
    for name, value in fields.items():
        if SECRET.search(name):
            fields[name] = MASK
        elif name in HASHED:
            fields[name] = [hashed(one) for one in value] if isinstance(value, list | tuple | set) else hashed(value)
        elif isinstance(value, str):
            fields[name] = PASSWORD_IN_URL.sub(rf"\1:{MASK}@", value)
    return fields


def _in_order(_: object, __: str, fields: "MutableMapping[str, Any]") -> "MutableMapping[str, Any]":
    fields.pop("color_message", None)  # uvicorn's, the message once more
    first = {"at": fields.pop("at"), "level": fields.pop("level"), "message": fields.pop("event")}
    return {**first, **fields}


def hashed(value: object) -> str:
    """The same short text for the same value."""
    return "#" + hashlib.blake2s(str(value).encode(), digest_size=HASH_DIGITS // 2).hexdigest()


def _json(fields: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
