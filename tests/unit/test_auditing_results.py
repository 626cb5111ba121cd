"""Published results against journeys, some lanes at a time."""

from typing import Any

import pytest

from app.auditing.problems import Problems
from app.auditing.publication import MOST_RECORDS, group_lanes
from app.auditing.published import ResultCheck, digest_of, only
from app.results_reader import Results
from streams.codec import encode_result
from streams.core.results import Result, result_of, void
from tests.unit.auditing import CLICK, ENTRY, counted, told_of


def published(*values: Result) -> Results[bytes]:
    results = Results(digest_of)
    for value in values:
        results.add(encode_result(value))
    return results


GIVEN = result_of("t1", "entry:e1", counted(CLICK, ENTRY).outcomes.results["entry:e1"], 3)
OLDER = result_of("t1", "entry:e1", counted(ENTRY).outcomes.results["entry:e1"], 2)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([OLDER, GIVEN], []),
        ([GIVEN, OLDER], []),
        ([GIVEN, void("t1", "entry:e9", 4)], []),
        ([], [("result_missing", "t1", "entry:e1")]),
        ([GIVEN, void("t1", "entry:e1", 4)], [("result_differs", "t1", "entry:e1", "outcome void != credited")]),
        ([OLDER], [("result_differs", "t1", "entry:e1", "outcome refused != credited")]),
    ],
)
def test_results_that_were_published_otherwise_or_not_at_all_are_found(values: list[Result], found: list[Any]) -> None:
    check = ResultCheck(published(*values))
    check.take(counted(CLICK, ENTRY))
    again: Results[Result | None] = Results(lambda value: only({"t1 entry:e1"}, value))
    for value in values:
        again.add(encode_result(value))
    check.name_differences(again)
    check.find_strays(check.problems)
    assert [(one.kind, *(text.partition(";")[0] for _, text in one.place)) for one in check.problems] == found


def test_a_published_result_that_no_journey_gives_is_a_stray_unless_it_is_void() -> None:
    check, problems = ResultCheck(published(GIVEN, void("t2", "entry:e2", 1))), Problems()
    check.find_strays(problems)
    assert told_of(problems) == [("result_stray", "t1", "entry:e1", None, None)]


def test_what_kafka_has_deleted_is_not_missing() -> None:
    check = ResultCheck(published(), cut={0})
    check.take(counted(CLICK, ENTRY))
    assert (list(check.problems), check.gone, check.compared) == ([], 1, 1)


@pytest.mark.parametrize(
    ("records", "groups"),
    [
        ({0: 5, 1: 5, 2: 5, 3: 5}, [[0, 1, 2, 3]]),
        ({0: MOST_RECORDS, 1: 1, 2: 0}, [[0], [1, 2]]),
        ({0: MOST_RECORDS + 1, 1: MOST_RECORDS + 1}, [[0], [1]]),
        ({0: 0}, [[0]]),
    ],
)
def test_lanes_are_read_so_many_at_a_time_that_memory_has_a_bound(records: dict[int, int], groups: Any) -> None:
    assert group_lanes(records) == groups
