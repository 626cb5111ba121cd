"""Counters as people see them: which cells are chosen, what is left out, and rates with something to divide by."""

import pytest

from app.counters import Cells, Counters, Selection, add_up, by_orders, counters_of, json_of, rates
from app.money import money
from app.redis_store.reader import Cell

AD = Cell("c1", "m1", "tmall", "fmcg.skincare", "note", "ad")
COMMENT = Cell(None, "m2", "xhs", "fmcg", "comment", "ugc")
OTHER = Cell("c2", "m1", "jd", "fmcgoods", "note", "ad")
ITSELF = Cell(None, "", "", "", "", "")

NOTE: Cells = [
    (AD, {"clicks": 10, "orders": 2, "gross_minor:CNY": 500, "gross_minor:USD": 7, "refunded_minor:CNY": 100}),
    (COMMENT, {"clicks": 5, "clicks_refused": 1, "refused:order/window_passed": 4}),
    (OTHER, {"clicks": 1, "orders": 0, "carts": 3}),
    (ITSELF, {"reads": 70, "shares": 2}),
]


@pytest.mark.parametrize(
    ("selection", "clicks"),
    [
        (Selection(), 16),
        (Selection(campaign="c1"), 10),
        (Selection(campaign="c9"), None),
        (Selection(merchant="m1"), 11),
        (Selection(platform="xhs"), 5),
        (Selection(category="fmcg"), 15),
        (Selection(category="fmcg.skincare"), 10),
        (Selection(category="fmcg.skin"), None),
        (Selection(merchant="m1", platform="jd"), 1),
        (Selection(campaign="c1", platform="jd"), None),
    ],
)
def test_a_selection_adds_up_the_cells_that_agree_with_all_of_it(selection: Selection, clicks: int | None) -> None:
    assert counters_of(NOTE, selection).get("clicks") == clicks


def test_a_notes_own_figures_belong_to_the_note_as_a_whole_and_to_nothing_else() -> None:
    chosen = [Selection(campaign="c1"), Selection(merchant="m1"), Selection(platform="xhs"), Selection(category="fmcg")]
    assert counters_of(NOTE, Selection())["reads"] == 70
    assert all("reads" not in counters_of(NOTE, selection) for selection in chosen)


def test_the_json_has_money_by_currency_and_neither_zeros_nor_refusals_nor_empty_notes() -> None:
    only_refused: Cells = [(COMMENT, {"refused:entry/other_shop": 2})]
    notes = {note: counters_of(cells, Selection()) for note, cells in (("n2", only_refused), ("n1", NOTE))}
    assert json_of(notes) == {
        "notes": {
            "n1": {
                "clicks": 16,
                "clicks_refused": 1,
                "carts": 3,
                "orders": 2,
                "reads": 70,
                "shares": 2,
                "gross_minor": {"CNY": 500, "USD": 7},
                "refunded_minor": {"CNY": 100},
            }
        }
    }


def test_what_cancels_out_between_cells_is_left_out() -> None:
    assert add_up([{"orders": 1, "gross_minor:CNY": 5}, {"orders": -1, "gross_minor:CNY": -5}]) == {}


def test_rates_divide_by_accepted_clicks_and_by_gross_per_currency() -> None:
    counters: Counters = {
        "clicks": 4,
        "clicks_refused": 9,
        "clicks_entered": 2,
        "clicks_ordered": 1,
        "entries": 3,
        "gross_minor:CNY": 200,
        "gross_minor:USD": 10,
        "refunded_minor:CNY": 50,
    }
    assert rates(counters) == (0.5, 0.25, {"CNY": 0.25, "USD": 0.0})


def test_without_clicks_there_is_no_rate() -> None:
    assert rates({"clicks_refused": 3}) == (None, None, {})


def test_notes_are_ranked_by_orders_then_clicks_then_id() -> None:
    notes: dict[str, Counters] = {
        "b": {"clicks": 5},
        "a": {"clicks": 5},
        "c": {"clicks": 9},
        "d": {"clicks": 1, "orders": 1},
    }
    assert by_orders(notes) == ["d", "c", "a", "b"]


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (123_456, "CNY", "CNY 1,234.56"),
        (5, "CNY", "CNY 0.05"),
        (0, "CNY", "CNY 0.00"),
        (-150, "CNY", "CNY -1.50"),
        (1_500, "JPY", "JPY 1,500"),
        (1_500, "KWD", "KWD 1.500"),
    ],
)
def test_money_is_shown_in_whole_units_with_its_currency(minor: int, currency: str, shown: str) -> None:
    assert money(minor, currency) == shown
