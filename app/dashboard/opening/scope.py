"""Opens a note, campaign, merchant or platform, or two of a kind side by side."""

from collections.abc import Mapping
from typing import Final

from nicegui import ui

from app.dashboard.address import SCOPES, address, chosen, scope_address
from app.dashboard.live import load_when
from app.dashboard.looks.scope import PARTS, SPANS, look_at
from app.dashboard.opening.results import follow_results
from app.dashboard.opening.sheet import Sheet, nothing, sheet
from app.dashboard.parts import element, empty, link, text
from app.dashboard.views.comparison import ComparisonView
from app.dashboard.views.notes import notes_address
from app.dashboard.views.scope import METRICS, Chosen, ScopeView
from app.dashboard.visit import Visit
from app.redis_store.watching import Dimension, Watched
from app.viewing.series import Basis

OTHER: Final = "with"
DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "note": "note_id",
    "campaign": "campaign_id",
    "merchant": "merchant_id",
    "platform": "platform",
}
USUAL_SPAN: Final = "3d"


async def open_page(visit: Visit, scope: str, name: str) -> None:
    """One, or with `with=ID` in the address two."""
    texts, query = visit.texts, visit.query
    # What is shown in groups is booked when it is released: it has one time only.
    by_click = query.get("basis") == "click" and not visit.party.grouped
    basis: Basis = "click" if by_click else "event"
    span = chosen(query, "span", SPANS) if "span" in query else USUAL_SPAN
    wanted = Chosen(scope, name, chosen(query, "metrics", METRICS), basis, span)
    path = "notes" if scope == "note" else "-"
    with sheet(visit, name, path, texts.scopes[scope]) as page:
        if not visit.site.model.ready:
            nothing(visit)
        elif other := query.get(OTHER):
            await _compare(page, wanted, other)
        else:
            await _show(page, wanted)


async def _show(page: Sheet, wanted: Chosen) -> None:
    visit, texts = page.visit, page.visit.texts
    first = await look_at(visit, wanted)
    if first is None:
        _unknown(visit, wanted)
        return
    _tools(page, wanted)
    names = texts.counters
    heads = (
        *(texts.dimensions[one] for one in PARTS[wanted.scope]),
        names["clicks"],
        names["entries"],
        names["orders"],
    )
    view = ScopeView(texts, visit.numbers, wanted, (*heads, names["order_rate"], names["net_minor"]))

    async def refresh() -> None:
        looked = await look_at(visit, wanted)
        if looked is not None:
            view.show(looked)

    if await page.fill(refresh):
        follow_results(visit, Watched(DIMENSIONS[wanted.scope], wanted.id), view.latest)


async def _compare(page: Sheet, wanted: Chosen, other: str) -> None:
    visit, texts = page.visit, page.visit.texts
    both = (wanted, wanted._replace(id=other))
    for one in both:
        if await look_at(visit, one) is None:
            _unknown(visit, one)
            return
    with page.beside:
        text(f"{texts.compare_with} {other}", "quiet")
        link(texts.stop_comparing, scope_address(wanted.scope, wanted.id), "tool")
    view = ComparisonView(texts, visit.numbers, (wanted.id, other))

    async def refresh() -> None:
        first, second = [await look_at(visit, one) for one in both]
        if first is not None and second is not None:
            view.show((first, second))

    await page.fill(refresh)


def _tools(page: Sheet, wanted: Chosen) -> None:
    texts = page.visit.texts
    with page.beside:
        if wanted.scope != "note":
            link(texts.all_notes, notes_address(wanted.scope, wanted.id), "tool")
        with element("form", "bar", "method=get"):
            field = ui.element("input").classes("field short")
            field.props["name"] = OTHER
            field.props["required"] = True
            label = texts.compare_how.format(scope=texts.scopes[wanted.scope].lower())
            field.props["placeholder"] = field.props["aria-label"] = label
            text(texts.compare, "tool", tag="button").props("type=submit")


def _unknown(visit: Visit, wanted: Chosen) -> None:
    texts = visit.texts
    scope = texts.scopes[wanted.scope]
    with empty(texts.unknown.format(scope=scope.lower()), texts.unknown_how.format(id=wanted.id)):
        link(texts.all_notes, address("notes"))
    view = visit.site.model.view
    load_when(visit, lambda: view(visit.party).figures(SCOPES[wanted.scope], wanted.id) is not None)
