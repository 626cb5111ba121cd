"""Random faults at random points of small hard traffic: whatever happens, everything is exact in the end."""

import pytest

from tests.simulation.process import Fault
from tests.simulation.schedules import needed, play, told

SCHEDULES = 2_000
IN_ONE_TEST = 100


@pytest.mark.parametrize("first", range(0, SCHEDULES, IN_ONE_TEST))
def test_random_schedules_are_exact_in_the_end(first: int) -> None:
    for seed in range(first, first + IN_ONE_TEST):
        run = play(seed)
        assert run.failure is None, told(seed, run)


def test_a_schedule_runs_the_same_way_again_from_its_seed_and_from_its_faults() -> None:
    run = play(3)
    assert run.plan
    assert _steps(play(3).log) == _steps(run.log)
    assert _steps(play(3, run.plan).log) == _steps(run.log)


def test_the_faults_that_a_failure_does_not_need_are_left_out() -> None:
    plan = {number: Fault("expire") for number in range(1, 40)}

    def fails(tried: dict[int, Fault]) -> bool:
        return {7, 30} <= tried.keys()

    assert needed(plan, fails).keys() == {7, 30}


def _steps(log: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """What happened when, without the random names of owners."""
    return [(at_s, text) for at_s, text in log if "Refused" not in text and "ROLLBACK" not in text]
