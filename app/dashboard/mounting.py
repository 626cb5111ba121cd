"""Puts the dashboard onto the HTTP server."""

from typing import Final

from fastapi import FastAPI
from nicegui import app as pages
from nicegui import ui
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.dashboard.address import HOME
from app.dashboard.frame import STATIC
from app.dashboard.pages import register
from app.dashboard.visit import Site

# Vue compiles its templates in the browser: hence unsafe-eval.
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
"""The browser itself refuses what would leave the host."""

SECURITY: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Secured:
    """Every answer says what a page may load, from this host alone, and that no other may frame it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured)


def mount(app: FastAPI, site: Site) -> None:
    """Serve the dashboard below `HOME`, and lead there from the top.  Once in a process: NiceGUI has one app."""
    pages.add_static_files("/assets", STATIC)
    register(site)
    pages.add_middleware(Secured)

    @app.get("/", include_in_schema=False)
    async def home(_: Request) -> RedirectResponse:
        return RedirectResponse(HOME)

    ui.run_with(
        app,
        mount_path=HOME.rstrip("/"),
        title="Redcat",
        favicon=(STATIC / "favicon.svg").read_text(encoding="utf-8"),
        dark=None,
        tailwind=False,
        reconnect_timeout=10.0,
        show_welcome_message=False,
        gzip_middleware_factory=None,  # the application around it compresses, and quicker
    )
