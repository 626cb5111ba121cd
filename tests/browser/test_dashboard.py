"""What people see of the dashboard, and what they never see."""

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeAlias

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import barriers
from tests.browser.chromium import PATIENCE_MS, Watched, visiting
from tests.browser.site import FOREIGN, KEYS, OWN, Site, click, entry, paid

expect.set_options(timeout=PATIENCE_MS)
pytestmark = pytest.mark.asyncio(loop_scope="session")

VIEWS: Final = {
    "/ui/": ("Overview", "总览"),
    "/ui/notes": ("Notes", "笔记"),
    f"/ui/note/{OWN}": (OWN, OWN),
    f"/ui/note/{OWN}?basis=click&metrics=money&span=14d": (OWN, OWN),
    f"/ui/note/{OWN}?with={FOREIGN}": (OWN, OWN),
    "/ui/campaign/c1": ("c1", "c1"),
    "/ui/merchant/m1": ("m1", "m1"),
    "/ui/platform/tmall": ("tmall", "tmall"),
    "/ui/explain?id=own-0": ("Explain", "追溯"),
    "/ui/alerts": ("Alerts", "告警"),
    "/ui/health": ("Health", "运行状况"),
}
"""Every view with its heading in both languages."""

FOR_ANOTHER: Final = (
    *("/ui/", "/ui/notes", f"/ui/notes?q={FOREIGN}", f"/ui/note/{FOREIGN}", f"/ui/note/{OWN}?with={FOREIGN}"),
    *("/ui/merchant/m2", "/ui/platform/jd", "/ui/explain?id=foreign-0", "/ui/health", "/ui/alerts"),
)
"""What a merchant could try in order to learn of another."""

Visit: TypeAlias = Callable[..., AbstractAsyncContextManager[Watched]]


@pytest.fixture
def visit(browser: Browser, site: Site) -> Visit:
    """Opens a page with a party's key; it must say nothing on its console and ask no other host for anything."""

    @asynccontextmanager
    async def visiting_as(party: str, **options: Any) -> AsyncIterator[Watched]:
        async with visiting(browser, site.origin, **options) as watched:
            await watched.page.goto("/ui/login")
            answer = await watched.page.request.post("/login", data={"key": KEYS[party]})
            assert answer.ok
            yield watched
            assert watched.errors == []
            assert watched.abroad == []

    return visiting_as


async def heading(page: Page) -> str:
    """The page's first heading, when it is live."""
    await page.locator("h1").first.wait_for()
    return await page.locator("h1").first.inner_text()


def figure(page: Page, name: str) -> Any:
    """The number of a figure."""
    return page.get_by_role("region", name=name, exact=True).locator(".value")


@pytest.mark.parametrize(
    ("language", "scheme", "width"), [("en-US", "light", 1440), ("zh-CN", "dark", 390)], ids=["english", "chinese"]
)
async def test_every_view_is_there_in_both_languages_without_a_serious_barrier(
    visit: Visit, axe: str, language: str, scheme: str, width: int
) -> None:
    viewport = {"width": width, "height": 900}
    async with visit("admin", viewport=viewport, color_scheme=scheme, locale=language) as watched:
        for path, headings in VIEWS.items():
            await watched.page.goto(path)

            assert await heading(watched.page) == headings[language == "zh-CN"]
            assert await watched.page.locator("html").get_attribute("lang") == language
            dark = await watched.page.evaluate("document.body.classList.contains('body--dark')")
            assert dark == (scheme == "dark")
            await watched.page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
            assert await barriers(watched.page, axe) == [], path


async def test_a_page_comes_alive_with_its_first_fact_moves_and_lists_results(visit: Visit, site: Site) -> None:
    async with visit("admin") as watched:
        page, note = watched.page, "note-that-moves"
        await page.goto(f"/ui/note/{note}")
        await expect(page.get_by_text("There is no such note")).to_be_visible()

        await site.send(click(note, "moves-0"))

        await expect(page.locator(".step").nth(1).locator(".value")).to_have_text("1")
        await expect(page.locator(".live")).to_contain_text("as of")

        await site.send(entry("moves-0"), paid("order-that-moves", "moves-0", 4_250), click(note, "moves-1"))

        await expect(figure(page, "Orders")).to_have_text("1")
        await expect(figure(page, "Net")).to_have_text("¥42.50")
        await expect(page.locator(".step").nth(1).locator(".value")).to_have_text("2")
        for number in range(20):  # workers look once a second whether somebody wants to see results
            await site.send(paid(f"order-listed-{number}", "moves-1", 3_100))
            with contextlib.suppress(AssertionError):
                log = page.get_by_role("log")
                await expect(log).to_have_text(re.compile(r"Order credited¥31\.00.*order-listed"), timeout=2_000)
                break
        await expect(log.get_by_role("link", name="order-listed").first).to_have_attribute(
            "href", re.compile("explain")
        )


async def test_the_table_of_notes_is_ranked_searched_and_shared_by_its_address(visit: Visit) -> None:
    async with visit("admin") as watched:
        page = watched.page
        await page.goto("/ui/notes?q=note-of")  # without the one to which another test sends orders
        rows = page.get_by_role("row")
        await expect(rows.nth(1)).to_contain_text(OWN)

        await page.get_by_role("button", name="Clicks").click()
        await expect(page.get_by_role("columnheader", name="Clicks")).to_have_attribute("aria-sort", "descending")
        await page.keyboard.press("Escape")
        await page.get_by_role("searchbox").fill("of-m2")
        await expect(page.get_by_text("1 notes")).to_be_visible()
        await expect(rows.nth(1)).to_contain_text(FOREIGN)
        await expect(page).to_have_url(re.compile(r"sort=clicks.*q=of-m2|q=of-m2.*sort=clicks"))

        await page.get_by_role("searchbox").fill("no-such-note")
        await expect(page.get_by_text("No note fits")).to_be_visible()


async def test_two_notes_are_chosen_and_compared_without_a_mouse(visit: Visit) -> None:
    async with visit("admin") as watched:
        page = watched.page
        await page.goto("/ui/notes")
        await expect(page.get_by_role("row").nth(2)).to_contain_text("note-")
        await page.get_by_role("grid").focus()
        for key in ("Space", "ArrowDown", "Space"):
            await page.keyboard.press(key)
        await page.get_by_role("link", name="Compare").press("Enter")

        await expect(page.get_by_role("columnheader", name="First against second")).to_be_visible()
        await page.get_by_role("link", name="Stop comparing").press("Enter")
        await expect(page.get_by_role("button", name="Compare")).to_be_visible()
        await page.keyboard.press("g")
        await page.keyboard.press("o")
        await expect(page.locator("h1")).to_have_text("Overview")


async def test_a_table_is_downloaded_as_csv(visit: Visit) -> None:
    async with visit("merchant:m1") as watched:
        await watched.page.goto("/ui/notes")
        async with watched.page.expect_download() as download:
            await watched.page.get_by_role("button", name="Download CSV").click()
        text = (await (await download.value).path()).read_text(encoding="utf-8-sig")

        assert text.startswith("note_id,clicks,")
        assert OWN in text
        assert FOREIGN not in text


async def test_health_tells_what_waits_in_kafka_and_saves_it(visit: Visit) -> None:
    async with visit("admin") as watched:
        await watched.page.goto("/ui/health")
        lane = watched.page.get_by_role("region", name="Lanes").get_by_role("row").nth(1)
        await expect(lane.get_by_role("cell").nth(3)).to_have_text("0")
        async with watched.page.expect_download() as download:
            await watched.page.get_by_role("button", name="Download CSV: Lanes").click()
        heads, first, *_ = (await (await download.value).path()).read_text(encoding="utf-8-sig").splitlines()

        assert heads.startswith("Lane,Commits,Commits/s,Records absorbed,Records waiting,")
        assert first.split(",")[4] == "0"


async def test_a_journey_is_explained_by_its_token_or_its_order(visit: Visit) -> None:
    async with visit("admin") as watched:
        page = watched.page
        for asked in ("own-0", "order-of-m1"):
            await page.goto("/ui/explain")
            await page.get_by_role("textbox", name="Token or order id").fill(asked)
            await page.keyboard.press("Enter")
            await expect(page.locator(".journey")).to_contain_text("order-of-m1")
        await page.goto("/ui/explain?id=never-seen")
        await expect(page.get_by_text("Nothing is known of never-seen")).to_be_visible()


async def test_a_merchant_never_sees_anything_of_another(visit: Visit) -> None:
    async with visit("merchant:m1") as watched:
        page, received = watched.page, list[str]()
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))))
        for path in FOR_ANOTHER:
            await page.goto(path)
            await page.locator("h1").first.wait_for()
            await expect(page.locator(".top")).to_contain_text("Merchant m1")

            shown = await page.locator("body").inner_text() + await page.content() + "".join(received)
            # As a word: ids of sessions and sockets are random letters and digits.
            told = [word for word in (FOREIGN, "foreign-0", "m2") if re.search(rf"(?<![\w-]){word}(?![\w-])", shown)]
            assert [word for word in told if word not in path] == [], path
        watched.errors.clear()  # that a page does not exist is told on the console


async def test_without_a_key_there_is_only_the_way_in(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.origin) as watched:
        page = watched.page
        await page.goto(f"/ui/note/{OWN}?span=14d")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert OWN not in await page.locator("body").inner_text()

        await page.get_by_label("Key").fill("no-such-key")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.get_by_label("Key").fill(KEYS["merchant:m1"])
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("h1")).to_have_text(OWN)

        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_no_address_of_the_dashboard_tells_anything_without_a_key(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.origin) as client:
        for path in VIEWS:
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/ui/login")


async def test_every_answer_keeps_the_page_to_its_host(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.origin) as client:
        headers = (await client.get("/ui/login")).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"].split(", ")[0] == "nosniff"
