"""Any journey, in any order and any batches, gives what the independent batch evaluation gives."""

import pytest
from hypothesis import given, settings

from tests.comparison import assert_agrees
from tests.generators.choices import Seeded
from tests.generators.journeys import PARTITIONS, Scenario, hard_journeys, journeys
from tests.oracle.evaluation import evaluate
from tests.oracle.intake import Record
from tests.oracle.placement import with_forwarded
from tests.pure_worker import PureWorker

SEEDS = 10_000
IN_ONE_TEST = 500


def assert_scenario_agrees(scenario: Scenario) -> None:
    """Absorb the scenario's batches, then the copies of what was forwarded, and compare."""
    everything = with_forwarded(scenario.records, scenario.partitions)
    copies: list[Record] = everything[len(scenario.records) :]
    worker = PureWorker(scenario.policies, scenario.partitions)
    worker.absorb_all([*scenario.batches, copies])
    truth = evaluate(everything, scenario.policies, partitions=PARTITIONS)
    assert_agrees(worker, truth)
    assert {place: count for place, count in worker.series.items() if count} == truth.series
    reused = sum(len(tokens) > 1 for tokens in worker.orders.values())
    assert reused == truth.ledger["seen"]["order_reused"]


@pytest.mark.parametrize("first", range(0, SEEDS, IN_ONE_TEST))
def test_ten_thousand_hard_scenarios_agree_with_the_batch_evaluation(first: int) -> None:
    for seed in range(first, first + IN_ONE_TEST):
        assert_scenario_agrees(hard_journeys(seed))


@pytest.mark.parametrize("seed", range(300))
def test_the_same_records_in_another_order_and_other_batches_give_the_same(seed: int) -> None:
    scenario = hard_journeys(seed, misplaced=False)
    assert_scenario_agrees(scenario.rearranged(Seeded(seed + 1_000_000)))


@given(journeys())
@settings(max_examples=200, deadline=None)
def test_small_scenarios_agree_and_shrink_when_they_do_not(scenario: Scenario) -> None:
    assert_scenario_agrees(scenario)
