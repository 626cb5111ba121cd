"""What the demo tells on the console, beside the live view."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from app.alerts.record import AlertRecord
from app.alerts.triage import clock, summary_of
from app.live_view import View
from app.simulator.incidents import Incident
from app.texts import texts

ALERT_STYLES: Final = {"pending": "yellow", "firing": "bold red", "resolved": "green"}


class Stage:
    """Where the demo plays: on these texts and on this console."""

    def __init__(self, language: str, console: Console, view: View) -> None:
        self.language = language
        self.texts = texts(language, {})
        self.view = view
        self._console = console

    def say(self, text: str, **filled: object) -> None:
        """Print a line beside the data."""
        self._console.print(text.format(**filled), highlight=False, soft_wrap=True)

    def plant(self, incident: Incident) -> None:
        """Tell what is going to happen."""
        times = {"start": clock(incident.from_ms), "end": clock(incident.to_ms)}
        self.say(self.texts.planted, kind=incident.kind, scope=incident.scope, id=incident.id, **times)

    def alert(self, records: Sequence[AlertRecord]) -> None:
        """Tell of alerts as they begin and end."""
        for record in records:
            line = Text(f"{clock(record.at_ms)} ").append(record.state.upper(), ALERT_STYLES[record.state])
            line.append(f" {summary_of(record, self.language)}")
            self._console.print(line, highlight=False, soft_wrap=True)
