"""The generators: they reach every corner of the meaning and can be repeated."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generators.choices import Seeded
from tests.generators.journeys import Scenario, hard_journeys, journeys
from tests.generators.policies import policies
from tests.oracle.evaluation import Evaluation, evaluate
from tests.oracle.placement import with_forwarded

REFUSALS = {"no_click", "other_shop", "before_click", "window_passed", "click_refused"}


def meaning_of(scenario: Scenario) -> Evaluation:
    """What the scenario comes to once its misplaced records are forwarded."""
    records = with_forwarded(scenario.records, scenario.partitions)
    return evaluate(records, scenario.policies, partitions=scenario.partitions)


@pytest.fixture(scope="module")
def evaluations() -> list[Evaluation]:
    """The meanings of some hundred seeds."""
    return [meaning_of(hard_journeys(seed)) for seed in range(400)]


def outcomes(evaluations: list[Evaluation], kind: str) -> set[str]:
    """All outcomes and reasons in which facts of this kind end."""
    return {line for evaluation in evaluations for line in evaluation.ledger["outcomes"].get(kind, {})}


@pytest.mark.parametrize("kind", ["entry", "favourite", "cart"])
def test_hard_journeys_end_entries_and_actions_in_every_way(evaluations: list[Evaluation], kind: str) -> None:
    assert outcomes(evaluations, kind) == {"credited/"} | {f"refused/{reason}" for reason in REFUSALS}


def test_hard_journeys_end_orders_in_every_way(evaluations: list[Evaluation]) -> None:
    hindered = {"withdrawn/order_closed", "pending/not_paid", "held/order_frozen"}
    assert outcomes(evaluations, "order") == {"credited/"} | hindered | {f"refused/{reason}" for reason in REFUSALS}


def test_hard_journeys_refuse_clicks_for_every_reason(evaluations: list[Evaluation]) -> None:
    reasons = {reason for evaluation in evaluations for reason in evaluation.refusals.values()}
    assert reasons == {None, "platform_unknown", "category_closed", "gate_closed", "link_unauthorised"}


def test_hard_journeys_hold_everything_that_the_ledger_counts(evaluations: list[Evaluation]) -> None:
    codes = {letter.code for evaluation in evaluations for letter in evaluation.dead_letters}
    assert codes == {"too_large", "not_json", "missing_field", "bad_field", "key_mismatch"}
    topics = [line for evaluation in evaluations for line in evaluation.ledger["topics"].values()]
    assert min(sum(line.get(name, 0) for line in topics) for name in ("duplicates", "conflicts", "forwarded")) > 100
    assert all(
        sum(evaluation.ledger["seen"][name] for evaluation in evaluations) > 0
        for name in ("order_reused", "currency_mismatch")
    )
    assert any(evaluation.superseded for evaluation in evaluations)


def figures(shown: object) -> Iterator[int]:
    """All numbers within counters."""
    if isinstance(shown, dict):
        for value in shown.values():
            yield from figures(value)
    elif isinstance(shown, int):
        yield shown


def test_no_counter_is_below_zero_and_none_is_shown_as_zero(evaluations: list[Evaluation]) -> None:
    assert min(figure for evaluation in evaluations for figure in figures(evaluation.notes)) > 0


def test_every_topic_of_the_ledger_balances(evaluations: list[Evaluation]) -> None:
    for line in (line for evaluation in evaluations for line in evaluation.ledger["topics"].values()):
        absorbed = line["absorbed"] if "absorbed" in line else line["distinct"] + line["duplicates"]
        assert line["consumed"] == absorbed + sum(line["invalid"].values()) + line["forwarded"]


def test_a_seed_gives_the_same_journeys_again() -> None:
    assert hard_journeys(7) == hard_journeys(7) != hard_journeys(8)


def test_journeys_are_free_of_bad_and_misplaced_records_on_demand() -> None:
    for seed in range(50):
        meaning = meaning_of(hard_journeys(seed, bad=False, misplaced=False))
        assert meaning.dead_letters == []
        assert sum(line["forwarded"] for line in meaning.ledger["topics"].values()) == 0


@settings(max_examples=100, deadline=None)
@given(journeys(), st.integers(0, 2**32))
def test_the_order_of_arrival_changes_nothing(scenario: Scenario, seed: int) -> None:
    before, after = meaning_of(scenario), meaning_of(scenario.rearranged(Seeded(seed)))
    assert (before.notes, before.results, before.ledger) == (after.notes, after.results, after.ledger)
    assert (before.cells, before.refused, before.superseded) == (after.cells, after.refused, after.superseded)


@given(policies())
def test_sets_of_policies_have_versions_of_their_own(drawn: list[dict[str, object]]) -> None:
    versions = [policy["version"] for policy in drawn]
    assert len(versions) == len(set(versions)) >= 1
