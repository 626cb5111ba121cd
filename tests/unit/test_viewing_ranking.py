"""Ranked lists: right whatever is asked, and every id told exactly once while counters move."""

import random
from collections.abc import Mapping

import pytest

from app.viewing.cells import Cells
from app.viewing.party import ADMIN, Party
from app.viewing.ranking import Page, Rankings, RankQuery, WrongCursor
from app.viewing.scopes import Filters
from app.viewing.view import View

NOTES = 120
Table = dict[str, dict[str, dict[str, int]]]


def table(seed: int = 1) -> Table:
    """Notes with cells of several merchants and categories, many of them equal in what they count."""
    draw = random.Random(seed)
    notes: Table = {}
    for number in range(NOTES):
        cells = notes[f"n{number}"] = {}
        for _ in range(draw.randrange(1, 4)):
            cell = f"c{draw.randrange(3)}|m{draw.randrange(4)}|jd|fmcg.{draw.choice('ab')}|note|ad"
            clicks = draw.randrange(1, 30)
            entered = draw.randrange(clicks)
            cells[cell] = {"clicks": clicks, "clicks_entered": entered, "orders": draw.randrange(3)}
    return notes


def filled(notes: Table, shards: int = 2) -> Cells:
    """The table in columns, each note known by all shards, which share its counts."""
    cells = Cells()
    for note_id, of_note in notes.items():
        for shard in range(shards):
            cells.put(shard, note_id, {text: split(counts, shard, shards) for text, counts in of_note.items()})
    return cells


def split(counts: Mapping[str, int], shard: int, shards: int) -> dict[str, int]:
    """A shard's share of some counts; the first has what is left."""
    return {name: count // shards + (count % shards if shard == 0 else 0) for name, count in counts.items()}


async def pages(rankings: Rankings, view: View, query: RankQuery, limit: int) -> list[Page]:
    """All pages of a list."""
    found = [await rankings.page(view, query, limit)]
    while (cursor := found[-1].next_cursor) is not None:
        found.append(await rankings.page(view, query, limit, cursor))
    return found


def value(counts: list[dict[str, int]], sort: str) -> float:
    """What a list is ordered by, the slow way."""
    sums = {name: sum(one.get(name, 0) for one in counts) for name in ("clicks", "clicks_entered", "orders")}
    return sums["clicks_entered"] / sums["clicks"] if sort == "entry_rate" else sums[sort]


@pytest.mark.parametrize("limit", [1, 7, 500])
@pytest.mark.parametrize("sort", ["orders", "clicks", "entry_rate"])
@pytest.mark.parametrize("ascending", [True, False])
async def test_pages_are_the_whole_list_in_order(sort: str, limit: int, *, ascending: bool) -> None:
    notes = table()
    query = RankQuery("notes", sort, ascending=ascending)
    listed = [item for page in await pages(Rankings(), View(ADMIN, filled(notes)), query, limit) for item in page.items]
    values = [value(list(notes[item.id].values()), sort) for item in listed]
    assert sorted(item.id for item in listed) == sorted(notes)
    assert values == sorted(values, reverse=not ascending)
    for item in listed:
        assert item.figures.count("clicks") == value(list(notes[item.id].values()), "clicks")


@pytest.mark.parametrize("remembered", [True, False])
async def test_ids_that_do_not_move_are_told_once_while_all_others_do(*, remembered: bool) -> None:
    notes, draw = table(), random.Random(2)
    cells = filled(notes, shards=1)
    rankings, view, query = Rankings(), View(ADMIN, cells), RankQuery("notes", "clicks")
    page, told = await rankings.page(view, query, 10), list[str]()
    while True:
        told += [item.id for item in page.items]
        for number in range(0, NOTES, 2):
            cells.put(0, f"n{number}", {"|m1|jd|fmcg|note|ad": {"clicks": draw.randrange(1, 60)}})
        view.refresh()
        if page.next_cursor is None:
            break
        page = await (rankings if remembered else Rankings()).page(view, query, 10, page.next_cursor)
    still = [f"n{number}" for number in range(1, NOTES, 2)]
    assert [told.count(note_id) for note_id in still] == [1] * len(still)
    if remembered:
        assert sorted(told) == sorted(notes)


async def test_a_merchant_ranks_by_its_own_part() -> None:
    notes = table()
    (page,) = await pages(Rankings(), View(Party("merchant", "m1"), filled(notes)), RankQuery("notes", "clicks"), 500)
    own = {note: [counts for text, counts in cells.items() if "|m1|" in text] for note, cells in notes.items()}
    expected = {note: value(counts, "clicks") for note, counts in own.items() if counts}
    assert {item.id: item.figures.count("clicks") for item in page.items} == expected


async def test_categories_hold_what_is_below_them_and_filters_cut() -> None:
    notes = table()
    query = RankQuery("categories", "clicks", filters=Filters(campaign_id="c1"))
    (page,) = await pages(Rankings(), View(ADMIN, filled(notes)), query, 500)
    clicks = {item.id: item.figures.count("clicks") for item in page.items}
    of_c1 = [(text, one["clicks"]) for cells in notes.values() for text, one in cells.items() if text.startswith("c1|")]
    assert clicks.keys() == {"fmcg", "fmcg.a", "fmcg.b"}
    assert clicks["fmcg"] == clicks["fmcg.a"] + clicks["fmcg.b"] == sum(count for _, count in of_c1)


async def test_a_search_finds_parts_of_ids() -> None:
    (page,) = await pages(Rankings(), View(ADMIN, filled(table())), RankQuery("notes", search="N11"), 500)
    assert sorted(item.id for item in page.items) == ["n11", *(f"n11{digit}" for digit in range(10))]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "gA", "k6FhoWEB"])
async def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(WrongCursor):
        await Rankings().page(View(ADMIN, filled(table())), RankQuery("notes"), 5, cursor)


async def test_a_cursor_is_of_its_list_only() -> None:
    view, rankings = View(ADMIN, filled(table())), Rankings()
    cursor = (await rankings.page(view, RankQuery("notes", "orders"), 5)).next_cursor
    for other in (RankQuery("notes", "clicks"), RankQuery("notes", "orders", search="n")):
        with pytest.raises(WrongCursor):
            await rankings.page(view, other, 5, cursor)


async def test_what_a_shard_no_longer_tells_is_gone() -> None:
    cells = Cells()
    cells.put(0, "n1", {"|m1|jd|fmcg|note|ad": {"clicks": 3}})
    view = View(ADMIN, cells)
    assert view.figures("notes", "n1") is not None
    cells.put(0, "n1", {})
    view.refresh()
    assert view.figures("notes", "n1") is None
