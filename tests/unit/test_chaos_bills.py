"""What the example bills, against the truth of a chaos run."""

from typing import Any

import pytest

from app.simulator.truth_file import Truth
from tests.chaos.verdict import compare_bills

BILL = {"orders": 2, "gross_minor": 500, "refunded_minor": 0}


def truth(notes: dict[str, dict[str, Any]]) -> Truth:
    return Truth(notes=notes, topics={}, outcomes={}, seen={}, results={}, full_results=False, may_be_void=[])


SOLD = truth({"n1": {"clicks": 9, "orders": 2, "gross_minor": {"CNY": 500}}, "n2": {"clicks": 1}})


def test_a_right_bill_differs_in_nothing() -> None:
    assert compare_bills(SOLD, {"n1": {"CNY": BILL}}) == []


@pytest.mark.parametrize(
    ("bills", "difference"),
    [
        ({}, "note n1: 0 orders billed, should be 2"),
        ({"n1": {"CNY": {**BILL, "orders": 3}}}, "note n1: 3 orders billed, should be 2"),
        (
            {"n1": {"CNY": {**BILL, "gross_minor": 499}}},
            "note n1: gross_minor billed {'CNY': 499}, should be {'CNY': 500}",
        ),
        ({"n1": {"CNY": {**BILL, "refunded_minor": 1}}}, "note n1: refunded_minor billed {'CNY': 1}, should be {}"),
        ({"n1": {"CNY": BILL}, "n2": {"CNY": BILL}}, "note n2: 2 orders billed, should be 0"),
    ],
)
def test_a_wrong_bill_is_told(bills: dict[str, dict[str, dict[str, int]]], difference: str) -> None:
    assert difference in compare_bills(SOLD, bills)
