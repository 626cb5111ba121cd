"""Lanes are shared out evenly, whole, and stay where they are as far as that allows."""

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from hypothesis import given
from hypothesis import strategies as st

from streams.assignor import Claim, share_out
from streams.feed_assignor import LaneAssignor

NEW = Claim([], 0)

STORIES = [
    ("one member has all", {"a": NEW}, 3, {"a": [0, 1, 2]}),
    ("two share evenly", {"a": NEW, "b": NEW}, 4, {"a": [0, 1], "b": [2, 3]}),
    ("more members than lanes", {"a": NEW, "b": NEW, "c": NEW}, 2, {"a": [0], "b": [1], "c": []}),
    (
        "who joins takes what is too much elsewhere",
        {"a": Claim([0, 1, 2, 3], 1), "b": NEW},
        4,
        {"a": [0, 1], "b": [2, 3]},
    ),
    (
        "who stays keeps his lanes when another leaves",
        {"a": Claim([1, 3], 2), "c": Claim([0], 2)},
        4,
        {"a": [1, 3], "c": [0, 2]},
    ),
    (
        "who holds more keeps the greater share",
        {"a": Claim([0], 1), "b": Claim([1, 2], 1)},
        3,
        {"a": [0], "b": [1, 2]},
    ),
    (
        "who comes back after a pause does not take lanes from who has them since",
        {"a": Claim([0, 1], 3), "b": Claim([0], 5), "c": Claim([1], 5)},
        2,
        {"a": [], "b": [0], "c": [1]},
    ),
    ("lanes that do not exist are not claimed", {"a": Claim([7, -1], 1)}, 1, {"a": [0]}),
]


@pytest.mark.parametrize(("claims", "lanes", "shares"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_lanes_are_shared_out(claims: dict[str, Claim], lanes: int, shares: dict[str, list[int]]) -> None:
    assert share_out(claims, lanes) == shares


CLAIMS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2),
    st.builds(Claim, st.lists(st.integers(-1, 20), max_size=12), st.integers(0, 5)),
    min_size=1,
)


@given(CLAIMS, st.integers(0, 16))
def test_each_lane_has_one_member_and_shares_differ_by_one_at_most(claims: dict[str, Claim], lanes: int) -> None:
    shares = share_out(claims, lanes)

    assert shares.keys() == claims.keys()
    assert sorted(lane for share in shares.values() for lane in share) == list(range(lanes))
    sizes = [len(share) for share in shares.values()]
    assert max(sizes) - min(sizes) <= 1


@given(CLAIMS, st.integers(0, 16))
def test_shares_that_were_given_are_given_again(claims: dict[str, Claim], lanes: int) -> None:
    shares = share_out(claims, lanes)

    assert share_out({member: Claim(share, 9) for member, share in shares.items()}, lanes) == shares


def test_a_lane_is_whole_also_where_members_read_different_topics() -> None:
    assignor = LaneAssignor(4, generation=lambda: 1)
    members = {
        "new": ConsumerProtocolMemberMetadata(0, ["click-out", "order", "shop-action"], b""),
        "old": ConsumerProtocolMemberMetadata(0, ["click-out", "order"], b"of another version"),
    }

    assigned = assignor.assign(None, members)

    lanes = {member: dict(assignment.assignment) for member, assignment in assigned.items()}
    assert lanes == {
        "new": {"click-out": [0, 1], "order": [0, 1], "shop-action": [0, 1]},
        "old": {"click-out": [2, 3], "order": [2, 3]},
    }


def test_a_member_claims_what_it_was_assigned() -> None:
    assignor = LaneAssignor(2, generation=lambda: 7)

    assignor.on_assignment(assignor.assign(None, {"z": assignor.metadata(["order"])})["z"])
    members = {"a": ConsumerProtocolMemberMetadata(0, ["order"], b""), "z": assignor.metadata(["order"])}

    assigned = assignor.assign(None, members)
    assert {member: dict(assignment.assignment) for member, assignment in assigned.items()} == {
        "a": {"order": [1]},
        "z": {"order": [0]},
    }
