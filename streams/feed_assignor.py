"""The sharing out of lanes as aiokafka's coordinator wants it."""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from streams.assignor import Claim, share_out


class LaneAssignor:
    """Assigns lanes: one partition number of all topics that a member reads, never a part of them."""

    name = "redcat-lanes"

    def __init__(self, lanes: int, generation: Callable[[], int]) -> None:
        self._lanes = lanes
        self._generation = generation
        self._claim = Claim([], 0)

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this member tells the group's leader: its topics, and the lanes that it held last."""
        return ConsumerProtocolMemberMetadata(0, sorted(topics), msgspec.json.encode(self._claim))

    def assign(
        self,
        cluster: ClusterMetadata,  # noqa: ARG002  # the number of lanes is a setting
        members: Mapping[str, ConsumerProtocolMemberMetadata],
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """What the leader tells each member."""
        claims = {member: _claim(metadata.user_data) for member, metadata in members.items()}
        return {
            member: ConsumerProtocolMemberAssignment(0, [(topic, lanes) for topic in members[member].subscription], b"")
            for member, lanes in share_out(claims, self._lanes).items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Remember what to claim the next time."""
        lanes = {partition.partition for partition in assignment.partitions()}
        self._claim = Claim(sorted(lanes), self._generation())


def _claim(user_data: bytes | None) -> Claim:
    """What another version of the worker says of itself may not be readable: then it claims nothing."""
    try:
        return msgspec.json.decode(user_data or b"[[], 0]", type=Claim)
    except msgspec.DecodeError:
        return Claim([], 0)
