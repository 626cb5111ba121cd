"""Opens the overview."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.dashboard.address import address, chosen
from app.dashboard.looks.alerts import look_at_alerts
from app.dashboard.looks.overview import look_at_all
from app.dashboard.looks.times import DAY_MS, day_of
from app.dashboard.numbers import SHANGHAI, day_start_ms, local
from app.dashboard.opening.sheet import Sheet, is_empty, nothing, sheet
from app.dashboard.parts import link, text
from app.dashboard.views.overview import FUNNELS, OverviewView
from app.dashboard.visit import Visit
from streams.errors import RedcatError

DAY: Final = "%Y-%m-%d"
MINUTE_MS: Final = 60_000


async def open_page(visit: Visit) -> None:
    """A day, by default the present one, against the same of a week ago."""
    today_ms = day_start_ms(visit.site.model.clock())
    day_ms = min(wanted_day(visit.query) or await usual_day(visit, today_ms), today_ms)
    with sheet(visit, visit.texts.overview, "") as page:
        model = visit.site.model
        if is_empty(visit):
            nothing(visit)
            return
        _days(page, day_ms, today_ms)
        day = None if day_ms == today_ms else day_text(day_ms)
        view = OverviewView(visit.texts, visit.numbers, chosen(visit.query, "funnel", dict.fromkeys(FUNNELS)), day)

        async def refresh() -> None:
            until_ms = min(day_ms + DAY_MS, model.clock())
            mark = model.ticks.number, until_ms // MINUTE_MS
            view.show(
                await visit.site.remembered.get(
                    (visit.party, day_ms), mark, lambda: look_at_all(visit.site, visit.party, day_ms, until_ms)
                )
            )
            view.show_alerts((await look_at_alerts(visit)).live)

        await page.fill(refresh, also_idle=True)


async def usual_day(visit: Visit, today_ms: int) -> int:
    """Today, or the day before as long as nothing has happened today."""
    if is_empty(visit):
        return today_ms
    try:
        today = await day_of(visit.site.history, visit.party, today_ms, visit.site.model.clock())
    except RedcatError:
        return today_ms
    return today_ms if today.counters else today_ms - DAY_MS


def wanted_day(query: Mapping[str, str]) -> int | None:
    """The day that the address names, in ms; None if it names none that there is."""
    try:
        return int(datetime.strptime(query.get("day", ""), DAY).replace(tzinfo=SHANGHAI).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def day_text(day_ms: int) -> str:
    """A day as addresses name it."""
    return local(day_ms).strftime(DAY)


def _days(page: Sheet, day_ms: int, today_ms: int) -> None:
    texts, numbers, query = page.visit.texts, page.visit.numbers, page.visit.query
    funnel = query.get("funnel")
    with page.beside:
        link("‹", address("", day=day_text(day_ms - DAY_MS), funnel=funnel), "tool", aria_label=texts.day_before)  # noqa: RUF001
        text(numbers.day(day_ms), "quiet")
        if day_ms < today_ms:
            link("›", address("", day=day_text(day_ms + DAY_MS), funnel=funnel), "tool", aria_label=texts.day_after)  # noqa: RUF001
            link(texts.today, address("", funnel=funnel), "tool")
