"""The sharing out of partition numbers as aiokafka's coordinator wants it."""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from streams.assignor import Claim, share_out


class LaneAssignor:
    """Assigns partition numbers, each of all topics that a member reads and never of a part of them.

    So members that read different topics, of which some are newer, can be in one group: no lane is split.
    """

    name = "redcat-lanes"

    def __init__(self, partitions: int, generation: Callable[[], int]) -> None:
        self._partitions = partitions
        self._generation = generation
        self._claim = Claim([], 0)

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What this member tells the group's leader: its topics, and the partition numbers that it held last."""
        return ConsumerProtocolMemberMetadata(0, sorted(topics), msgspec.json.encode(self._claim))

    def assign(
        self,
        cluster: ClusterMetadata,  # noqa: ARG002  # the number of partitions is a setting
        members: Mapping[str, ConsumerProtocolMemberMetadata],
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """What the leader tells each member."""
        claims = {member: _claim(metadata.user_data) for member, metadata in members.items()}
        return {
            member: ConsumerProtocolMemberAssignment(0, [(topic, share) for topic in members[member].subscription], b"")
            for member, share in share_out(claims, self._partitions).items()
        }

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Remember what to claim the next time."""
        numbers = {partition.partition for partition in assignment.partitions()}
        self._claim = Claim(sorted(numbers), self._generation())


def _claim(user_data: bytes | None) -> Claim:
    """What another version of the worker says of itself may not be readable: then it claims nothing."""
    try:
        return msgspec.json.decode(user_data or b"[[], 0]", type=Claim)
    except msgspec.DecodeError:
        return Claim([], 0)
