"""Only lanes of tokens can be too late, by the shortest slack of all policies, and only if nobody has accepted it."""

from collections.abc import Mapping

import pytest

from app.health.survey import Survey, Surveyed
from app.health.timely import TimelyFeed
from streams.core.policy import parse_policy
from streams.errors import LaneStopped, RedcatError
from streams.feed import KafkaFeed
from streams.lanes import Lanes
from streams.policy_book import PolicyBook
from streams.topics import physical_kinds
from tests.generators.policies import DEFAULT_POLICY
from tests.unit.worker_views import lane, worker

PARTITIONS = 4
SLACK_S = 3_600


def timely(*, accept_lag: bool = False) -> TimelyFeed:
    """A feed that is not connected, under two policies."""
    policies = [
        parse_policy(DEFAULT_POLICY | {"version": version, "retention_slack": slack})
        for version, slack in ((1, "1d"), (2, "1h"))
    ]

    async def nowhere(_: object) -> None: ...

    kafka = KafkaFeed(
        {}, "g", physical_kinds(""), PARTITIONS,
        deliver=nowhere, on_lanes=lambda _: None, on_stopped=lambda _, __: None,
    )  # fmt: skip
    return TimelyFeed(kafka, PolicyBook(policies), lambda: 0, PARTITIONS, accept_lag=accept_lag)


@pytest.mark.parametrize(
    ("number", "waited_s", "accept_lag", "late"),
    [
        (0, SLACK_S, False, False),
        (0, SLACK_S + 1, False, True),
        (PARTITIONS - 1, SLACK_S + 1, False, True),
        (PARTITIONS, SLACK_S + 1, False, False),
        (0, SLACK_S + 1, True, False),
    ],
    ids=["as long as the slack", "longer", "the last lane of tokens", "a lane of metrics", "accepted"],
)
def test_a_lane_is_too_late_if(number: int, waited_s: float, accept_lag: bool, late: bool) -> None:
    error = timely(accept_lag=accept_lag).too_late(number, waited_s)

    assert (error is not None) == late
    assert "--accept-lag" in str(error or "--accept-lag")


class Failing(Lanes):
    """Remembers what it was told to fail."""

    def __init__(self) -> None:
        self.failed: list[int] = []

    def fail(self, number: int, error: RedcatError) -> None:
        assert isinstance(error, LaneStopped)
        self.failed.append(number)


async def test_a_lane_that_becomes_too_late_while_it_serves_is_stopped() -> None:
    async def ping(_: Mapping[int, int]) -> None: ...

    lanes = Failing()
    survey = Survey(Surveyed(lanes, timely(), ping, lambda: 0), stall_s=60)
    late = SLACK_S + 1.0
    survey.view = worker(lane(0, commit_lag_s=late), lane(1, commit_lag_s=late, state="stopped"), lane(2))

    survey._stop_late_lanes()

    assert lanes.failed == [0]


def test_without_policies_nothing_is_too_late() -> None:
    feed = timely()
    feed._policies = PolicyBook()

    assert feed.too_late(0, 1e9) is None
