"""What fires and what fired lately, as far as a party may see it."""

from typing import NamedTuple

from app.alerts.record import AlertRecord
from app.alerts.store import Alerts
from app.alerts.visibility import visible
from app.dashboard.visit import Visit


class AlertsLook(NamedTuple):
    """Alerts for one party."""

    watched: bool  # whether rules were ever evaluated
    live: list[AlertRecord]
    recent: list[AlertRecord]
    acknowledged: frozenset[str]


async def look_at_alerts(visit: Visit) -> AlertsLook:
    """As they stand; looked up once a second for all pages together."""
    site = visit.site
    found: Alerts = await site.remembered.get("alerts", site.model.clock() // 1_000, site.desk.look)
    cells = site.model.view(visit.party).cells
    live, recent = (visible(records, visit.party, cells) for records in (found.live, found.recent))
    return AlertsLook(found.at_ms > 0, live, recent, frozenset(found.asked.acknowledged))
