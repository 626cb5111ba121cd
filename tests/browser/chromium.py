"""A real Chromium, driven by playwright, and what a page of it may not do."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

import bench.chromium

PATIENCE_MS: Final = 20_000


def binary() -> str:
    """Where Chromium is; the test is skipped where there is none, but never in CI."""
    named = os.environ.get("REDCAT_TEST_CHROMIUM")
    found = named or bench.chromium.found()
    if found is None and os.environ.get("CI"):
        pytest.fail("CI must test in a browser: install chromium")
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


class Watched:
    """A page with everything it said to its console and every other host that it asked for something."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.abroad: list[str] = []
        self._host = urlsplit(origin).netloc
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.abroad.append(request.url)


@asynccontextmanager
async def visiting(browser: Browser, origin: str, **options: object) -> AsyncIterator[Watched]:
    """A page of a fresh profile, such as a phone's: `viewport`, `color_scheme`, `locale`."""
    settings: dict[str, object] = {"viewport": {"width": 1280, "height": 900}, "base_url": origin, "locale": "en-US"}
    context: BrowserContext = await browser.new_context(**{**settings, **options})  # type: ignore[arg-type]
    try:
        yield Watched(await context.new_page(), origin)
    finally:
        await context.close()
