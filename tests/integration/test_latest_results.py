"""Results reach whoever looks, as they are committed, each party its own; and nobody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

import pytest
import pytest_asyncio

from app.connections import redis_address
from app.metrics.instruments import Instruments
from app.metrics.table import WORKER
from app.redis_store.link import dialler
from app.redis_store.resp import command
from app.redis_store.watching import ShownResult, Watched
from app.settings import Settings
from app.telling import Teller, TellingStore
from app.viewing import latest
from app.viewing.latest import LatestResults, TooManyWatched
from app.viewing.model import now_ms
from app.viewing.party import ADMIN, Party, parse_party
from streams.records import ResultRecord
from tests.behaviour.builders import entry
from tests.generators.policies import MIDNIGHT_MS
from tests.integration.absorbed import absorb
from tests.integration.served import GROUP, HOUR_MS, SHOP, TMALL, outgoing, world

PATIENCE_S: Final = 20.0
SHARED, N1, C1 = Watched("note_id", "shared"), Watched("note_id", "n1"), Watched("campaign_id", "c1")
M1, M2, TMALL_ALL = Watched("merchant_id", "m1"), Watched("merchant_id", "m2"), Watched("platform", "tmall")
OF_M1: Final = {"t1-tmall", "a1-tmall"}
OF_M2: Final = {"t1-jd", "b2-jd"}

SEEN: Final[list[tuple[str, Watched, set[str]]]] = [
    ("admin", SHARED, OF_M1 | {"t1-jd", "stray"}),
    ("admin", C1, OF_M1),
    ("admin", M1, OF_M1 | {"stray"}),
    ("admin", M2, OF_M2),
    ("admin", TMALL_ALL, OF_M1 | {"stray"}),
    ("merchant:m1", SHARED, OF_M1),
    ("merchant:m1", M1, OF_M1 | {"stray"}),
    ("merchant:m2", SHARED, {"t1-jd"}),
    ("merchant:m2", M2, OF_M2),
    ("merchant:m1", M2, set()),
    ("merchant:m2", M1, set()),
    ("merchant:m2", N1, set()),
    ("merchant:m2", C1, set()),
    ("xhs", SHARED, set()),
    ("platform:tmall", TMALL_ALL, set()),
]
"""The entries that each party sees of what it looks at; `stray` came by a click to a shop of m2's."""


@pytest.fixture
def settings(valkey_url: str) -> Settings:
    """Of the small world."""
    return Settings(redis=valkey_url, group=GROUP)


@pytest_asyncio.fixture
async def teller(settings: Settings) -> AsyncIterator[Teller]:
    """A worker's, at work."""
    teller = Teller(dialler(redis_address(settings)), settings.group, look_s=0.1)
    working = asyncio.create_task(teller.run())
    yield teller
    working.cancel()


@pytest_asyncio.fixture
async def results(settings: Settings) -> AsyncIterator[LatestResults]:
    """A server's, at work."""
    results = LatestResults(dialler(redis_address(settings)), settings.group)
    working = asyncio.create_task(results.run())
    yield results
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


class Page:
    """An open page."""

    def __init__(self, results: LatestResults, party: str, watched: Watched) -> None:
        self.looks_at = party, watched
        self.seen: dict[str, ShownResult] = {}
        self._task = asyncio.create_task(self._look(results, parse_party(party), watched))

    async def _look(self, results: LatestResults, party: Party, watched: Watched) -> None:
        async for some in results.listen(party, watched):
            self.seen |= {result.result_id: result for result in some}

    def entries(self) -> set[str]:
        """Names of the entries that it lists."""
        return {name.removeprefix("entry:")[:-2] for name in self.seen if name.startswith("entry:")}

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def until_watched(teller: Teller, number: int) -> None:
    """Return when the worker knows of so many things that are looked at."""
    async with asyncio.timeout(PATIENCE_S):
        while len(teller.choice.watched) != number:
            await asyncio.sleep(0.02)


async def until_seen(pages: Sequence[tuple[Page, set[str]]]) -> None:
    """Return when every page lists just the entries that are expected."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            while any(page.entries() != expected for page, expected in pages):
                await asyncio.sleep(0.05)
    assert [(page.looks_at, page.entries()) for page, _ in pages] == [
        (page.looks_at, expected) for page, expected in pages
    ]


async def test_each_party_sees_the_results_of_its_own_as_they_are_committed(
    settings: Settings, teller: Teller, results: LatestResults
) -> None:
    pages = [(Page(results, party, watched), expected) for party, watched, expected in SEEN]
    asked = {latest.watched_by(parse_party(party), watched) for party, watched, _ in SEEN} - {None}
    await until_watched(teller, len(asked))
    store = TellingStore(dialler(redis_address(settings)), settings.group, settings.shards, Instruments(WORKER), teller)
    at_ms = now_ms() - 2 * HOUR_MS
    stray = entry("stray-e", at=at_ms - MIDNIGHT_MS + 90_000, token="x1", **{name: TMALL[name] for name in SHOP})

    await absorb(settings, outgoing([*world(at_ms), stray]), into=store)

    await until_seen(pages)
    admins, own = (page for page, _ in pages if page.looks_at in (("admin", M1), ("merchant:m1", M1)))
    assert (admins.seen["entry:stray-e"].reason, own.seen["entry:stray-e"].reason) == ("other_shop", "no_click")
    assert own.seen["entry:stray-e"].nearest_note_id is None
    order = admins.seen["order:t1-tmall-o"]
    assert (order.outcome, order.net_minor, order.currency, order.note_id) == ("credited", 10_000, "CNY", "shared")
    for page, _ in pages:
        await page.close()


async def test_nothing_is_told_while_nobody_looks(settings: Settings, teller: Teller, results: LatestResults) -> None:
    page = Page(results, "admin", SHARED)
    await until_watched(teller, 1)
    await page.close()
    link = await dialler(redis_address(settings))(0)
    await link.ask(command("DEL", f"{GROUP}:{{0}}:watched"))  # as if its time had passed
    await until_watched(teller, 0)
    link.close()

    teller.committed([ResultRecord(b"t", "entry:e@1", "entry", b"{}")])
    assert not teller._waiting


async def test_a_page_too_many_is_told_so_and_one_that_closes_makes_room(results: LatestResults) -> None:
    pages = [Page(results, "admin", Watched("note_id", f"n{number}")) for number in range(latest.MOST_WATCHED)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWatched):
        await anext(results.listen(ADMIN, SHARED))
    for page in pages:
        await page.close()
    again = Page(results, "admin", SHARED)
    await asyncio.sleep(0)
    await again.close()
