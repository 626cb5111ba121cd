"""The pages of the dashboard and their addresses."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from nicegui import Client, ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from app.dashboard.address import HOME, SCOPES
from app.dashboard.frame import frame
from app.dashboard.opening import alerts, explain, health, notes, overview, scope
from app.dashboard.opening.sheet import sheet
from app.dashboard.parts import empty, link
from app.dashboard.views.login import show_login
from app.dashboard.visit import Site, Visit, texts_of, visit_of
from app.viewing.party import ADMIN
from streams.errors import RedcatError

PATIENCE_S: Final = 20.0  # until a page is given up that waits for its first numbers
MOST_PAGES: Final = 400  # at once, of about 1 MiB each; one that nobody looks at goes after a minute
AGAIN: Final = {"Retry-After": "10", "Refresh": "10"}

Open = Callable[[Visit], Awaitable[None]]


def register(site: Site) -> None:
    """Make all pages."""
    _page(site, "/", overview.open_page)
    _page(site, "/notes", notes.open_page)
    _page(site, "/explain", explain.open_page)
    _page(site, "/alerts", alerts.open_page)
    _page(site, "/health", health.open_page, only_admin=True)
    for name in SCOPES:
        _scope_page(site, name)
    _login_page()
    _missing_page(site)


def _page(site: Site, path: str, open_page: Open, *, only_admin: bool = False) -> None:
    @ui.page(path, response_timeout=PATIENCE_S)
    async def page(request: Request) -> Response | None:
        return await _open(site, request, open_page, only_admin=only_admin)


def _scope_page(site: Site, name: str) -> None:
    @ui.page(f"/{name}/{{name:path}}", response_timeout=PATIENCE_S)
    async def page(request: Request) -> Response | None:
        of = str(request.path_params["name"])
        return await _open(site, request, lambda visit: scope.open_page(visit, name, of))


def _login_page() -> None:
    @ui.page("/login")
    def page(request: Request) -> Response | None:
        if full := _full(request):
            return full
        texts = texts_of(request)
        with frame(texts, texts.sign_in, path=None, party="", leave=False):
            show_login(texts, request.query_params.get("next", HOME))
        return None


def _missing_page(site: Site) -> None:
    @ui.page("/{path:path}")
    async def page(request: Request) -> Response | None:
        return await _open(site, request, _missing)


async def _open(site: Site, request: Request, open_page: Open, *, only_admin: bool = False) -> Response | None:
    """The page, or the way in for who has not come in yet; what is not for a party does not exist for it."""
    if full := _full(request):
        return full
    try:
        grant = await site.access.granted(request)
    except RedcatError:
        _away(texts_of(request).unavailable, texts_of(request).unavailable_how, request)
        return None
    if grant is None:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return _instead(RedirectResponse(f"{HOME}login?{urlencode({'next': here})}", 303))
    visit = visit_of(site, grant, request)
    await (_missing if only_admin and grant.party != ADMIN else open_page)(visit)
    return None


def _full(request: Request) -> Response | None:
    """What is answered where there is no room for another page."""
    if len(Client.instances) <= MOST_PAGES:
        return None
    texts = texts_of(request)
    return _instead(PlainTextResponse(f"{texts.too_many_pages}\n\n{texts.too_many_pages_how}\n", 503, AGAIN))


def _instead(response: Response) -> Response:
    """What is answered instead of a page, of which nothing stays in memory."""
    ui.context.client.delete()
    return response


async def _missing(visit: Visit) -> None:
    texts = visit.texts
    ui.context.client.status_code = 404
    with sheet(visit, texts.no_page, "-") as page:
        page.live.hide()
        with empty(texts.no_page, texts.no_page_how):
            link(texts.overview, HOME)


def _away(title: str, how: str, request: Request) -> None:
    texts = texts_of(request)
    ui.context.client.status_code = 503
    ui.add_head_html('<meta http-equiv="refresh" content="3">')
    with frame(texts, title, path=None, party="", leave=False):
        empty(title, how)
