"""From where to where records are copied."""

import dataclasses
from collections.abc import Sequence
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from app.settings import Settings
from streams.errors import Misconfigured
from streams.topics import LAST_ONLY, METRIC_TOPICS, POLICY, TOKEN_TOPICS, Topic, copied, physical, physical_names

COPIED: Final = (*TOKEN_TOPICS, *METRIC_TOPICS, POLICY)
"""What is input; everything else is made of it by the workers of the new namespace."""


class Route(NamedTuple):
    """A namespace's settings, and those of another one on the same servers."""

    source: Settings
    target: Settings

    @property
    def transactional_id(self) -> str:
        """Of all who copy into the target: each ends the one before."""
        return physical(self.target.topic_prefix, f"{self.target.group}.copy")

    @property
    def journal(self) -> Topic:
        """The topic that says how far the copy is."""
        return Topic(copied(self.target.group), "copy", LAST_ONLY)

    @property
    def journal_place(self) -> TopicPartition:
        """Where in Kafka that is said."""
        return TopicPartition(physical(self.target.topic_prefix, self.journal.name), 0)

    @property
    def sources(self) -> dict[str, str]:
        """The topics that are read, logical to physical names."""
        return physical_names(self.source.topic_prefix, COPIED)

    def target_places(self) -> dict[TopicPartition, str]:
        """Every partition that is written to, and its topic's logical name."""
        return {
            TopicPartition(name, number): logical
            for logical, name in physical_names(self.target.topic_prefix, COPIED).items()
            for number in range(self.target.partitions)
        }

    def names(self) -> Sequence[str]:
        """All these topics as Kafka knows them."""
        both = (self.source.topic_prefix, self.target.topic_prefix)
        return [*(physical(prefix, name) for prefix in both for name in COPIED), self.journal_place.topic]


def route(source: Settings, *, prefix: str, group: str, partitions: int) -> Route:
    """The way from a namespace to a new one; raises Misconfigured if that would not be another one."""
    if prefix == source.topic_prefix:
        raise Misconfigured(
            f"the topics with prefix {prefix!r} are those to be copied: --to-prefix must be another one"
        )
    if group == source.group:
        raise Misconfigured(f"group {group} is what the topics to be copied belong to: --to-group must be another one")
    try:
        target = dataclasses.replace(
            source, topic_prefix=prefix, group=group, partitions=partitions, shards=min(source.shards, partitions)
        )
    except Misconfigured as error:
        raise Misconfigured(f"the target does not do: {error}") from error
    return Route(source, target)
