"""Small schedules: every single fault, and some of the pairs; `python -m tests.simulation exhaustive` runs all."""

from itertools import islice

import pytest

from tests.simulation.exhaustive import FAULTS, Case, check, pairs_after, played, singles, told_case

PARTS = 8
EVERY = 60  # of the pairs of every fourth fault


@pytest.mark.parametrize("part", range(PARTS))
def test_a_fault_at_any_step_leaves_everything_exact(part: int) -> None:
    for case in singles()[part::PARTS]:
        assert check(case) is None, told_case(case)


@pytest.mark.parametrize("part", range(PARTS))
def test_faults_at_two_steps_leave_everything_exact(part: int) -> None:
    for number, first in enumerate(singles()[4 * part :: 4 * PARTS]):
        for case in islice(pairs_after(first), number * 7 % EVERY, None, EVERY):
            assert check(case) is None, told_case(case)


def test_each_step_of_the_protocol_is_a_step_of_the_small_run() -> None:
    run, steps = played(Case(()))
    said = {text.partition(": ")[2] for _, text in run.log}
    assert said >= {"group.heartbeat", "store.acquire", "publisher.open", "publisher.read_marker", "feed.seek"}
    assert said >= {"store.load", "store.commit", "producer.write", "producer.commit", "store.trim"}
    assert len(singles()) == steps * len(FAULTS)
