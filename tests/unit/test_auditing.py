"""The ledger by itself: what does not balance is found, and what is told."""

from typing import Any

import pytest

from app.auditing.ledger import NUMBERS, check_ledgers, summed, told
from app.auditing.problems import Problems
from tests.unit.auditing import told_of

BALANCED = {
    "shop-entry:consumed": 10, "shop-entry:distinct": 4, "shop-entry:duplicates": 3, "shop-entry:conflicts": 2,
    "shop-entry:invalid/not_json": 2, "shop-entry:forwarded": 1,
    "outcome:entry:credited/": 3, "outcome:entry:refused/no_click": 1,
    "shop-action:consumed": 2, "shop-action:distinct": 2, "outcome:cart:credited/": 1, "outcome:favourite:credited/": 1,
}  # fmt: skip
METRICS = {
    "note-metric:consumed": 5, "note-metric:absorbed": 3, "note-metric:invalid/bad_field": 1,
    "note-metric:forwarded": 1,
}  # fmt: skip
TOKEN_LINES, METRIC_LINES = "distinct + duplicates + invalid + forwarded", "absorbed + invalid + forwarded"


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"shop-entry:consumed": 11}, [("balance", "0", "shop-entry", TOKEN_LINES, 10, 11)]),
        ({"shop-entry:duplicates": 2}, [("balance", "0", "shop-entry", TOKEN_LINES, 9, 10)]),
        ({"shop-entry:invalid/too_large": 1}, [("balance", "0", "shop-entry", TOKEN_LINES, 11, 10)]),
        ({"shop-entry:forwarded": 0}, [("balance", "0", "shop-entry", TOKEN_LINES, 9, 10)]),
        ({"shop-entry:conflicts": 4}, [("conflicts", "0", "shop-entry", 4, 3)]),
        ({"outcome:entry:credited/": 4}, [("buckets", "0", "shop-entry", "entry", 5, 4)]),
        ({"outcome:cart:credited/": 0}, [("buckets", "0", "shop-action", "favourite + cart", 1, 2)]),
        ({"outcome:order:credited/": 9}, []),
    ],
)
def test_a_ledger_that_does_not_balance_is_found(changed: dict[str, int], found: list[Any]) -> None:
    problems = Problems()
    check_ledgers(problems, [BALANCED | changed, METRICS], partitions=1)
    assert told_of(problems) == found


def test_the_ledger_of_note_metrics_is_that_of_their_own_lanes() -> None:
    problems = Problems()
    check_ledgers(problems, [BALANCED, METRICS | {"note-metric:absorbed": 4}], partitions=1)
    assert told_of(problems) == [("balance", "1", "note-metric", METRIC_LINES, 6, 5)]


def test_what_two_lanes_have_wrong_in_opposite_ways_is_found_in_both() -> None:
    problems = Problems()
    lanes = [BALANCED | {"shop-entry:consumed": consumed} for consumed in (11, 9)]
    check_ledgers(problems, [*lanes, METRICS, METRICS], partitions=2)
    assert [one[1] for one in told_of(problems)] == ["0", "1"]


def test_the_plain_numbers_of_every_topic_are_told_and_nothing_else_that_is_0() -> None:
    ledger = told(summed([BALANCED, METRICS, {"currency_mismatch": 7, "outcome:order:credited/": 0}]), 2)
    nothing = {"consumed": 0, "distinct": 0, "duplicates": 0, "conflicts": 0, "forwarded": 0, "invalid": {}}
    assert ledger["seen"] == {"currency_mismatch": 7, "order_reused": 2}
    assert ledger["outcomes"] == {
        "cart": {"credited/": 1},
        "entry": {"credited/": 3, "refused/no_click": 1},
        "favourite": {"credited/": 1},
    }
    assert ledger["topics"].keys() == NUMBERS.keys()
    assert ledger["topics"]["order"] == nothing
    assert ledger["topics"]["note-metric"] == {
        "consumed": 5,
        "absorbed": 3,
        "forwarded": 1,
        "invalid": {"bad_field": 1},
    }
