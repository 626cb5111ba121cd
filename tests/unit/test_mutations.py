"""The table of mutants fits the code."""

import pytest

from tests.simulation.mutants import ROOT, changes, names
from tests.simulation.mutations import MUTATIONS, SURVIVES_ALONE


@pytest.mark.parametrize("name", names())
def test_what_a_mutant_changes_is_there_once(name: str) -> None:
    for file, old, new in changes(name):
        assert (ROOT / file).read_text(encoding="utf-8").count(old) == 1, (file, old)
        assert old != new


def test_what_may_survive_is_a_mutant() -> None:
    assert SURVIVES_ALONE.keys() <= MUTATIONS.keys()
