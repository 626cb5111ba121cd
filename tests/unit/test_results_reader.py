"""What many readings of the result topic amount to: the greatest revision of each identity, each pair once."""

from itertools import permutations

import orjson
import pytest

from app.results_reader import Results


def record(result_id: str, revision: int, *, of: str = "t1") -> bytes:
    return orjson.dumps({"token": of, "result_id": result_id, "revision": revision, "gross_minor": 10 * revision})


def gross(value: bytes) -> int:
    return int(orjson.loads(value)["gross_minor"])


@pytest.mark.parametrize("order", list(permutations((1, 4, 9))))
def test_the_greatest_revision_stands_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    results = Results(gross)
    for revision in order:
        results.add(record("order:1", revision))
    assert (results.latest, results.records, results.twice) == ({"t1 order:1": 90}, 3, [])


@pytest.mark.parametrize(
    ("revisions", "twice"),
    [
        ((1, 1), [1]),
        ((1, 2, 1), [1]),
        ((2, 1, 1), [1]),
        ((1, 2, 3, 2, 3), [2, 3]),
        ((1, 1, 1), [1, 1]),
        ((3, 2, 1), []),
    ],
)
def test_a_pair_of_identity_and_revision_that_comes_again_is_told(revisions: tuple[int, ...], twice: list[int]) -> None:
    results = Results(gross)
    for revision in revisions:
        results.add(record("entry:e", revision))
    assert results.twice == [("t1 entry:e", revision) for revision in twice]


def test_the_same_result_id_under_another_token_is_another_identity() -> None:
    results = Results(gross)
    results.add(record("order:1", 1))
    results.add(record("order:1", 1, of="t2"))
    assert set(results.latest) == {"t1 order:1", "t2 order:1"}
    assert results.twice == []
