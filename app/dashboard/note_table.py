"""The table of notes: shows so many as there are, holds those that are looked at."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from nicegui.element import Element
from nicegui.events import GenericEventArguments

PAGE: Final = 50
"""Rows that are asked for together; `static/note_table.js` has the same number."""

MOST_PAGES: Final = 8  # in one question; no screen shows more


class NoteRow(NamedTuple):
    """A row as it is shown: the path of its sparkline and the texts of its cells."""

    id: str
    href: str
    line: str
    cells: Sequence[str]


class NoteTable(Element, component=Path(__file__).parent / "static" / "note_table.js"):
    """Rows of notes by rank; `on_want` is told which pages of them have come into sight."""

    def __init__(
        self, columns: Mapping[str, str], names: Mapping[str, str], label: str, sort: tuple[str, bool]
    ) -> None:
        super().__init__()
        self._props["columns"] = [{"name": name, "label": head} for name, head in columns.items()]
        self._props["names"] = dict(names)
        self._props["label"] = label
        self._props["total"] = 0
        self._props["sort"], self._props["descending"] = sort
        self.wanted: list[int] = []

    def on_want(self, handler: Callable[[], Any]) -> None:
        """Call the handler when other pages are in sight; they stand in `wanted`."""

        async def want(event: GenericEventArguments) -> None:
            pages = event.args.get("pages", [])
            self.wanted = [page for page in pages if isinstance(page, int) and page >= 0][:MOST_PAGES]
            await handler()

        self.on("want", want)

    def show(self, page: int, rows: Sequence[NoteRow]) -> None:
        """Put in a page of rows."""
        self.run_method("put", page, [row._asdict() for row in rows])

    def set_total(self, total: int) -> None:
        """So many rows there are."""
        if total != self._props["total"]:
            self._props["total"] = total

    def forget(self, sort: tuple[str, bool]) -> None:
        """All rows are others from now on, in this order, beginning at the top."""
        self._props["sort"], self._props["descending"] = sort
        self.run_method("forget", True)  # a method of the browser
