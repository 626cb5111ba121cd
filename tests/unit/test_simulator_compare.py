"""Differences from the truth are named in plain words, and none are named when all is right."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from app.simulator.compare import compare_counters, compare_ledger, compare_results, kept
from app.simulator.config import SimulatorConfig
from app.simulator.traffic import simulate
from app.simulator.truth import Tallies, compact
from app.simulator.truth_file import Truth, read_truth, truth_of, write_truth

ENTRY: dict[str, Any] = {"result_id": "entry:e", "kind": "entry", "outcome": "credited", "token": "t", "note_id": "n"}
VOID: dict[str, Any] = {
    "result_id": "order:x", "kind": "order", "outcome": "void", "reason": "superseded", "token": "t", "gross_minor": 0,
}  # fmt: skip


def truth(*, full: bool = True) -> Truth:
    return Truth(
        notes={"n": {"clicks": 2, "gross_minor": {"CNY": 5}}},
        topics={"click-out": {"consumed": 2, "distinct": 2, "duplicates": 0, "invalid": {"not_json": 1}}},
        outcomes={"entry": {"credited/": 1}},
        seen={},
        results={"t entry:e": compact(ENTRY, full=full)},
        full_results=full,
        may_be_void=["t order:x"],
    )


def published(fields: dict[str, Any], *, full: bool = True, revision: int = 3) -> bytes:
    return kept(orjson.dumps({**fields, "revision": revision}), full=full)


@pytest.mark.parametrize(
    ("notes", "differences"),
    [
        ({"n": {"clicks": 2, "gross_minor": {"CNY": 5}}}, []),
        ({"n": {"clicks": 2, "gross_minor": {"CNY": 5, "USD": 0}, "entries": 0}, "m": {}}, []),
        ({"n": {"clicks": 3, "gross_minor": {"CNY": 5}}}, ["note n: clicks is 3, should be 2"]),
        ({"n": {"clicks": 2}}, ["note n: gross_minor.CNY is absent, should be 5"]),
        (
            {"n": {"clicks": 2, "gross_minor": {"CNY": 5}}, "m": {"entries": 1}},
            ["note m: entries is 1, should be absent"],
        ),
        ({}, ["note n: clicks is absent, should be 2", "note n: gross_minor.CNY is absent, should be 5"]),
    ],
)
def test_wrong_counters_are_named(notes: dict[str, Any], differences: list[str]) -> None:
    assert compare_counters(truth(), notes) == differences


def test_a_wrong_ledger_is_named() -> None:
    right = {
        "topics": {"click-out": {"consumed": 2, "distinct": 2, "invalid": {"not_json": 1}}},
        "outcomes": {"entry": {"credited/": 1}},
        "seen": {"order_reused": 0},
    }
    assert compare_ledger(truth(), right) == []
    assert compare_ledger(truth(), {**right, "topics": {}, "seen": {"currency_mismatch": 1}}) == [
        "click-out: consumed is absent, should be 2",
        "click-out: distinct is absent, should be 2",
        "click-out: invalid.not_json is absent, should be 1",
        "seen: currency_mismatch is 1, should be absent",
    ]


@pytest.mark.parametrize("full", [True, False])
def test_equal_results_are_equal_whatever_stands_in_fields_that_say_nothing(*, full: bool) -> None:
    blank = {"order_id": None, "gross_minor": 0, "refunded_minor": 0, "net_minor": None, "campaign_id": None}

    assert compare_results(truth(full=full), {"t entry:e": published({**ENTRY, **blank}, full=full)}) == []


def test_a_wrong_field_is_named_when_the_truth_has_fields() -> None:
    assert compare_results(truth(), {"t entry:e": published({**ENTRY, "note_id": "m"})}) == [
        "t entry:e: note_id is m, should be n"
    ]


def test_a_wrong_field_is_noticed_when_the_truth_has_digests() -> None:
    (difference,) = compare_results(truth(full=False), {"t entry:e": published({**ENTRY, "note_id": "m"}, full=False)})

    assert difference.startswith("t entry:e: a field is wrong")


def test_missing_and_unexpected_results_are_named() -> None:
    assert compare_results(truth(), {"t entry:f": published({**ENTRY, "result_id": "entry:f"})}) == [
        "t entry:f: there should be no such result",
        "t entry:e: missing",
    ]


@pytest.mark.parametrize("full", [True, False])
def test_a_result_may_be_void_where_only_losing_contents_made_it(*, full: bool) -> None:
    right = {"t entry:e": published(ENTRY, full=full)}

    assert compare_results(truth(full=full), right | {"t order:x": published(VOID, full=full)}) == []
    left = compare_results(truth(full=full), right | {"t order:x": published({**VOID, "note_id": "n"}, full=full)})
    assert len(left) == 1
    unexpected = {**VOID, "result_id": "order:y"}
    assert compare_results(truth(full=full), right | {"t order:y": published(unexpected, full=full)}) == [
        "t order:y: there should be no such result"
    ]


def test_no_money_and_money_of_nothing_are_not_the_same_for_an_order() -> None:
    assert published({**ENTRY, "kind": "order", "gross_minor": 0}) != published({**ENTRY, "kind": "order"})


@pytest.mark.parametrize("full", [True, False])
def test_a_truth_file_says_what_the_truth_says(tmp_path: Path, *, full: bool) -> None:
    tallies = Tallies(full_results=full)
    for _ in simulate(SimulatorConfig(events=500, notes=10), tallies):
        pass
    told = truth_of(tallies)

    write_truth(told, tmp_path / "truth.json")

    assert read_truth(tmp_path / "truth.json") == told
    assert len(told.results) > 100


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"full_results": false, "results": {"t entry:e": 5}}'])
def test_what_is_no_truth_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "truth.json"
    path.write_text(text)

    with pytest.raises(ValueError, match="truth"):
        read_truth(path)
