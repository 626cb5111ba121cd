"""Opens the page that explains a token or an order."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from nicegui import ui

from app.dashboard.opening.sheet import nothing, sheet
from app.dashboard.parts import element, empty, text
from app.dashboard.views.explain import show_journey
from app.dashboard.visit import Visit
from app.explaining.explanation import Explained
from app.explaining.texts import explain_texts
from app.explaining.times import zone
from app.explaining.view import View
from app.viewing.periods import DEFAULT_ZONE
from streams.core.facts import ID_PATTERN
from streams.errors import RedcatError


class Found(NamedTuple):
    """What was found under what was asked for; `order_id` if that is an order."""

    journeys: Sequence[Explained]
    order_id: str | None = None


async def open_page(visit: Visit) -> None:
    """A field to paste into, and below it the journey."""
    texts, asked = visit.texts, visit.query.get("id", "").strip()
    with sheet(visit, texts.explain, "explain") as page:
        page.live.hide()
        with element("form", "panel", "method=get role=search"):
            text(texts.explain_how, "quiet", tag="p")
            with element("div", "bar"):
                field = ui.element("input").classes("field")
                field.props["name"] = "id"
                field.props["value"] = asked
                field.props["placeholder"] = field.props["aria-label"] = texts.explain_label
                field.props["data-search"] = field.props["required"] = True
                text(texts.explain_do, "primary", tag="button").props("type=submit")
        if asked:
            await _answer(visit, asked)


async def _answer(visit: Visit, asked: str) -> None:
    texts = visit.texts
    if not re.fullmatch(ID_PATTERN, asked):
        empty(texts.explain_unknown.format(id=asked), texts.bad_id)
        return
    try:
        found = await _find(visit, asked)
    except RedcatError:
        nothing(visit)
        return
    if not found.journeys:
        empty(texts.explain_unknown.format(id=asked), texts.explain_unknown_how)
    words, at = explain_texts(texts.language), zone(DEFAULT_ZONE)
    for one in found.journeys:
        with element("section", "panel") as section:
            section.props["aria-label"] = one.token
            show_journey(View(one, words, at, visit.site.model.clock()).lines(found.order_id))


async def _find(visit: Visit, asked: str) -> Found:
    model, party = visit.site.model, visit.party
    one = await model.explained(party, asked)
    if one is not None:
        return Found([one])
    return Found(await model.explained_order(party, asked), asked)
