"""What is released, and to which row: stories of cells that fill up."""

from collections.abc import Mapping

import pytest

from app.viewing.grouping import Counts, Key, Step, steps, tokens_in

K = 20


def cell(note: str, *, campaign: str = "c1", merchant: str = "m1", link: str = "note") -> Key:
    """A cell of a note."""
    return (note, campaign, merchant, "tmall", "fmcg", link, "ad")


def counts(clicks: int, **more: int) -> dict[str, int]:
    """What a cell counts."""
    return {"clicks": clicks} | more


def found_steps(now: Mapping[Key, Counts], released: Mapping[Key, Counts], k: int) -> list[Step]:
    """All steps that can be released."""
    return list(filter(None, steps(now, released, k)))


STORIES = [
    ("a cell of enough tokens is a row", {cell("n1"): counts(20)}, {cell("n1"): 20}),
    ("a cell of too few waits", {cell("n1"): counts(19)}, {}),
    (
        "what is too little for notes is pooled by campaign and merchant",
        {cell("n1"): counts(12), cell("n2"): counts(9)},
        {("", "c1", "m1", "tmall", "", "note", "ad"): 21},
    ),
    (
        "then by merchant",
        {cell("n1"): counts(12), cell("n2", campaign="c2"): counts(9)},
        {("", "", "m1", "tmall", "", "note", "ad"): 21},
    ),
    (
        "then by channel",
        {cell("n1"): counts(12), cell("n2", merchant="m2"): counts(9)},
        {("", "", "", "tmall", "", "note", "ad"): 21},
    ),
    ("and not across channels", {cell("n1"): counts(12), cell("n2", link="comment"): counts(9)}, {}),
    (
        "a cell of its own is not pooled with those that wait",
        {cell("n1"): counts(30), cell("n2"): counts(5)},
        {cell("n1"): 30},
    ),
]


@pytest.mark.parametrize(("now", "rows"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_what_is_released(now: dict[Key, dict[str, int]], rows: dict[Key, int]) -> None:
    assert {step.row: step.total["clicks"] for step in found_steps(now, {}, K)} == rows


def test_a_row_does_not_grow_again_before_enough_tokens_came() -> None:
    now, released = {cell("n1"): counts(39, orders=5)}, {cell("n1"): counts(20, orders=1)}
    assert found_steps(now, released, K) == []
    assert found_steps({cell("n1"): counts(40, orders=5)}, released, K)[0].total == {"clicks": 20, "orders": 4}


def test_late_orders_of_enough_tokens_are_released_without_new_clicks() -> None:
    released = {cell("n1"): counts(50)}
    assert found_steps({cell("n1"): counts(50, orders=19, clicks_ordered=19)}, released, K) == []
    found = found_steps({cell("n1"): counts(50, orders=20, clicks_ordered=20)}, released, K)
    assert found[0].total == {"orders": 20, "clicks_ordered": 20}


def test_one_token_that_clicks_again_and_again_is_one_token() -> None:
    now = counts(25, clicks_repeated=24, clicks_ordered=25, orders=25)
    assert tokens_in(now, now) == 1
    assert found_steps({cell("n1"): now}, {}, K) == []


def test_what_takes_tokens_away_counts_for_none() -> None:
    assert tokens_in({"clicks": -30, "orders": -1}, {}) == 0
