"""Transitions of alerts as lines on a terminal, and what commands about alerts share."""

import sys
from typing import Final

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from app.alerts.record import AlertRecord
from app.alerts.triage import TEXTS, clock, summary_of
from app.note_table import WIDEST
from streams.core.policy import duration_ms

STYLES: Final = {"firing": "bold red", "pending": "yellow", "resolved": "green"}


def print_record(record: AlertRecord, language: str | None, *, acknowledged: bool = False) -> None:
    """A line in this language, else as JSON."""
    if language is None:
        print(msgspec.json.encode(record).decode())
        return
    line = Text(f"{clock(record.at_ms)}  ")
    words = TEXTS[language]
    line.append(f"{words.states[record.state]:<8}", STYLES[record.state])
    line.append(f"  {words.severities[record.severity]}  {summary_of(record, language)}")
    line.append(f"  [{record.alert_id}{' ack' if acknowledged else ''}]", "dim")
    Console(width=None if sys.stdout.isatty() else WIDEST, soft_wrap=True).print(line)


def milliseconds_of(text: str, option: str) -> int:
    """The milliseconds of what was typed as a duration; typer.BadParameter names the option."""
    if not (text[:-1].isascii() and text[:-1].isdigit() and text[-1:] in "smhd") or not int(text[:-1]):
        raise typer.BadParameter(f"{text!r} is no duration such as 30m or 4h", param_hint=option)
    return duration_ms(text)
