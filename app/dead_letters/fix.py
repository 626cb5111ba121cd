"""A repair of records in the language of jq."""

import json
from itertools import islice
from typing import Final, NoReturn

import jq

from app.dead_letters.letters import Letter
from streams.errors import Misconfigured

# jq writes numbers that it did not touch as it read them; what came through Python would be rounded to 53 bits.
PROGRAM: Final = """\
. as {{$key, $topic, $code, $timestamp_ms, $record}} | $record | ({expression}
) | if type == "object" then tojson else error("it makes \\(type) of the record, not an object") end"""
VARIABLES: Final = ("key", "topic", "code", "timestamp_ms")


class FixFailed(Exception):
    """This record cannot be repaired by this expression; the message says why."""


class Fix:
    """An expression that makes a better record of one: `.` is the record, $key $topic $code $timestamp_ms are at hand.

    Raises Misconfigured, with what is wrong, for an expression that is none.
    """

    def __init__(self, expression: str) -> None:
        try:
            # By itself first: so errors point into what was typed, and no bracket closes one of the program's.
            jq.compile(expression, args=dict.fromkeys(VARIABLES))
            self._program = jq.compile(PROGRAM.format(expression=expression))
        except ValueError as error:
            reason = str(error).partition("\n")[0].removeprefix("jq: error: ").rstrip(":")
            raise Misconfigured(f"--fix is no jq expression: {reason}") from None

    def apply(self, letter: Letter) -> bytes:
        """The repaired record as JSON; raises FixFailed."""
        said = {
            "key": None if letter.key is None else letter.key.decode(errors="replace"),
            "topic": letter.topic,
            "code": letter.code,
            "timestamp_ms": letter.timestamp_ms,
        }
        text = f'{json.dumps(said)[:-1]}, "record": {_object(letter.value)}}}'
        try:
            results = list(islice(self._program.input_text(text), 2))
        except ValueError as error:
            raise FixFailed(str(error)) from None
        if len(results) != 1:
            raise FixFailed(f"it makes {'several' if results else 'nothing'} of the record, not one object")
        return str(results[0]).encode()


def _object(value: bytes | None) -> str:
    """The text of a record that is a JSON object, by the book: jq alone would mend and change other texts."""
    try:
        text = (value or b"").decode()
        content = json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise FixFailed(f"the record is no JSON: {error}" if value else "the record is empty") from None
    if not isinstance(content, dict):
        raise FixFailed("the record is no JSON object")
    return text


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
