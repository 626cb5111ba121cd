"""Opens the page that tells how the system is; for administrators alone."""

from app.dashboard.looks.health import look_at_health
from app.dashboard.opening.sheet import nothing, sheet
from app.dashboard.views.health import HealthView
from app.dashboard.visit import Visit


async def open_page(visit: Visit) -> None:
    """Lanes, policies, ledger and dead letters."""
    model = visit.site.model
    with sheet(visit, visit.texts.health, "health") as page:
        if not model.ready:
            nothing(visit)
            return
        view = HealthView(visit.texts, visit.numbers)

        async def refresh() -> None:
            view.show(await look_at_health(model))

        await page.fill(refresh, also_idle=True)
