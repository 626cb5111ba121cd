"""What the overview shows."""

from typing import Final

from app.counters import Counters
from app.dashboard.looks.flat import flat
from app.dashboard.looks.times import DAY_MS, WEEK_MS, cut_short, day_of
from app.dashboard.views.overview import Overview
from app.dashboard.visit import Site
from app.viewing.party import Party
from app.viewing.ranking import RankQuery, window
from app.viewing.scopes import Filters
from app.viewing.turns import Turns

IN_APP: Final = "xhs"
TOP: Final = 8


async def look_at_all(site: Site, party: Party, day_ms: int, until_ms: int) -> Overview:
    """A day from `day_ms` until a time of it, against the same of a week before; and all that was ever counted."""
    view = site.model.view(party)
    day = await day_of(site.history, party, day_ms, until_ms)
    before = await day_of(site.history, party, day_ms - WEEK_MS, day_ms - WEEK_MS + DAY_MS)
    platforms = (await window(view, RankQuery("platforms"), 0, TOP)).items
    turns = Turns()

    async def total(**filters: str) -> Counters:
        await turns.pause()
        return flat(view.total(Filters(**filters)))

    everything, in_app = await total(), await total(platform=IN_APP)
    parts = {
        "in_app": in_app,
        "outside": {name: count - in_app.get(name, 0) for name, count in everything.items()},
        "ads": await total(note_kind="ad"),
        "ordinary": await total(note_kind="ugc"),
    }
    await turns.pause()
    top = [(item.id, flat(item.figures)) for item in (await window(view, RankQuery("notes"), 0, TOP)).items]
    shops = {item.id: flat(item.figures) for item in platforms}
    same_time = cut_short(before, until_ms - WEEK_MS)
    return Overview(day_ms, day, same_time, before, everything, parts, shops, top)
