"""Where in Kafka the lanes are: which partitions of which topics make up each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from aiokafka import TopicPartition

from streams.errors import LaneStopped
from streams.records import Positions

Kinds: TypeAlias = Sequence[Mapping[str, str]]
"""For each kind of lane its topics and their names in Kafka."""


class Places:
    """With P partitions, lane k * P + p is partition p of the topics of kind k."""

    def __init__(self, kinds: Kinds, partitions: int) -> None:
        self.partitions = partitions
        self.names = sorted({name for topics in kinds for name in topics.values()})
        """What the topics are called in Kafka."""
        self.lanes = {
            kind * partitions + number: {TopicPartition(name, number): topic for topic, name in topics.items()}
            for kind, topics in enumerate(kinds)
            for number in range(partitions)
        }
        """The partitions that make up each lane, and their topics."""

    def whole(self, assigned: Iterable[TopicPartition]) -> frozenset[int]:
        """The lanes of which all partitions are assigned."""
        here = set(assigned)
        return frozenset(lane for lane, places in self.lanes.items() if places.keys() <= here)

    def require_topics(self, lane: int, positions: Positions, until: Positions) -> None:
        """Raise LaneStopped if a newer version has read a topic that is not known here and must be read again."""
        known = self.lanes[lane].values()
        for topic, end in until.items():
            if topic not in known and positions.get(topic, 0) < end:
                raise LaneStopped(
                    f"lane {lane}: results were published up to offset {end} of topic {topic}, which this version does "
                    "not read: run a newer Redcat"
                )
