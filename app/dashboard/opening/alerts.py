"""Opens the page of alerts."""

from app.dashboard.opening.sheet import sheet
from app.dashboard.parts import empty
from app.dashboard.visit import Visit


async def open_page(visit: Visit) -> None:
    """What fires and what fired."""
    texts = visit.texts
    with sheet(visit, texts.alerts, "alerts"):
        empty(texts.no_alerts, texts.no_alerts_how, "redcat alerts run")
