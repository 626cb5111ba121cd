"""Some spoilt bytes; `python -m tests.fuzz` tries ten million."""

import random

import pytest

from tests.fuzz.targets import TARGETS

INPUTS = 2_500


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", range(2))
def test_spoilt_bytes_are_refused_for_what_they_are(target: str, seed: int) -> None:
    TARGETS[target](random.Random(-1 - seed), INPUTS)
