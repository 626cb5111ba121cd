"""Opens the page of alerts."""

from typing import Final

from nicegui import ui

from app.alerts.record import AlertRecord
from app.alerts.requests import ANY
from app.dashboard.looks.alerts import look_at_alerts
from app.dashboard.opening.sheet import sheet
from app.dashboard.parts import element, empty, panel
from app.dashboard.views.alerts import Actions, AlertsView
from app.dashboard.visit import Visit
from app.viewing.party import ADMIN
from streams.errors import Misconfigured

SILENCE_MS: Final = 3_600_000
BY: Final = "dashboard"


async def open_page(visit: Visit) -> None:
    """What fires, with buttons for administrators, and what fired."""
    texts = visit.texts
    with sheet(visit, texts.alerts, "alerts") as page:
        with element("div") as none:
            empty(texts.no_alerts, texts.no_alerts_how, "redcat alerts run")
        with panel(texts.firing) as _, element("div"):
            live = AlertsView(texts, visit.numbers, actions_of(visit) if visit.party == ADMIN else None)
        with panel(texts.recent_alerts):
            recent = AlertsView(texts, visit.numbers)

        async def refresh() -> None:
            found = await look_at_alerts(visit)
            none.set_visibility(not found.live and not found.recent)
            live.show(found.live, found.acknowledged)
            recent.show(found.recent)

        await page.fill(refresh, also_idle=True)


def actions_of(visit: Visit) -> Actions:
    """What an administrator can do about an alert."""
    desk, texts = visit.site.desk, visit.texts

    async def acknowledge(one: AlertRecord) -> None:
        try:
            await desk.acknowledge(one.alert_id, by=BY)
        except Misconfigured:
            ui.notify(texts.alert_over)
        visit.site.remembered.forget("alerts")

    async def silence(one: AlertRecord) -> None:
        scope = f"{one.scope}:{one.id}" if one.id else ANY
        try:
            await desk.silence(rule=one.rule, scope=scope, for_ms=SILENCE_MS, by=BY, why="")
        except Misconfigured as error:
            ui.notify(str(error))
        else:
            ui.notify(texts.silenced)

    return Actions(acknowledge, silence)
