"""Opens the table of notes."""

from nicegui import ui

from app.dashboard.address import address
from app.dashboard.looks.notes import Notes
from app.dashboard.opening.sheet import is_empty, nothing, sheet
from app.dashboard.parts import link, text
from app.dashboard.tables import csv_of
from app.dashboard.views.notes import NotesView, order_of
from app.dashboard.visit import Visit

MOST_CSV_ROWS = 100_000


async def open_page(visit: Visit) -> None:
    """All notes, or those of a campaign, merchant or platform."""
    texts, order, model = visit.texts, order_of(visit.query), visit.site.model
    with sheet(visit, texts.notes, "notes") as page:
        if is_empty(visit):
            nothing(visit)
            return
        look = Notes(model, visit.party)
        if order.scope:
            with page.beside:
                text(f"{texts.scopes[order.scope]} {order.id}", "chip")
                link(texts.all_notes, address("notes"), "tool")
        view = NotesView(texts, visit.numbers, order, look.rank)

        async def download() -> None:
            notes = await look.all(view.order, MOST_CSV_ROWS)
            ui.download.content(await csv_of(notes), "redcat-notes.csv", "text/csv")

        with page.beside:
            text(texts.csv, "tool", tag="button").props("type=button").on("click", download)
        await page.fill(view.refresh)
