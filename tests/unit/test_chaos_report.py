"""Reports of chaos runs: they add up, and nothing that went wrong is lost in the sum."""

import msgspec
import pytest

from tests.chaos.report import Report, added_up, as_markdown, percentile, read_report, write_report


def report(seed: int, **changes: object) -> Report:
    plain = Report(
        seeds=[seed], commits=["abc"], began=[f"2026-03-0{seed} 10:00"], minutes=5.0, events=1_000,
        faults={"Kafka killed": 2}, recovery_s={"Kafka killed": [1.0, 2.0]}, records=30, identities=20, notes=10,
        lost=0, duplicated=0, wrong={"counters": 0}, examples=[], ended={}, stopped={}, left_out=[],
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def test_reports_add_up() -> None:
    other = report(2, faults={"worker killed": 1}, recovery_s={"worker killed": [9.0]}, wrong={"audit": 0})

    total = added_up([report(1), other])

    assert (total.runs, total.seeds, total.events, total.minutes) == (2, [1, 2], 2_000, 10.0)
    assert total.faults == {"Kafka killed": 2, "worker killed": 1}
    assert total.recovery_s == {"Kafka killed": [1.0, 2.0], "worker killed": [9.0]}
    assert total.wrong == {"audit": 0, "counters": 0}
    assert total.exact
    assert added_up([total, report(3)]) == added_up([report(1), other, report(3)])


@pytest.mark.parametrize("wrong", [{"lost": 1}, {"duplicated": 1}, {"wrong": {"billing": 1}}])
def test_one_run_that_is_not_exact_makes_the_sum_so(wrong: dict[str, object]) -> None:
    assert not added_up([report(1), report(2, examples=["this one"], **wrong)]).exact
    assert "this one" in as_markdown(added_up([report(1), report(2, examples=["this one"], **wrong)]))


def test_a_report_survives_its_file() -> None:
    assert read_report(write_report(report(1))) == report(1)


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.76, 4.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(share: float, value: float) -> None:
    assert percentile([4.0, 2.0, 1.0, 3.0], share) == value
