"""Only lanes of tokens can be too late, by the shortest slack of all policies, and only if nobody has accepted it."""

import pytest

from app.health.timely import TimelyFeed
from streams.core.policy import parse_policy
from streams.feed import KafkaFeed
from streams.policy_book import PolicyBook
from streams.topics import physical_kinds
from tests.generators.policies import DEFAULT_POLICY

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
    ("lane", "waited_s", "accept_lag", "late"),
    [
        (0, SLACK_S, False, False),
        (0, SLACK_S + 1, False, True),
        (PARTITIONS - 1, SLACK_S + 1, False, True),
        (PARTITIONS, SLACK_S + 1, False, False),
        (0, SLACK_S + 1, True, False),
    ],
    ids=["as long as the slack", "longer", "the last lane of tokens", "a lane of metrics", "accepted"],
)
def test_a_lane_is_too_late_if(lane: int, waited_s: float, accept_lag: bool, late: bool) -> None:
    error = timely(accept_lag=accept_lag).too_late(lane, waited_s)

    assert (error is not None) == late
    assert "--accept-lag" in str(error or "--accept-lag")


def test_without_policies_nothing_is_too_late() -> None:
    feed = timely()
    feed._policies = PolicyBook()

    assert feed.too_late(0, 1e9) is None
