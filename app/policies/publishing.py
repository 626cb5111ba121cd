"""Putting policies into force while workers run: what may be published, and the publishing."""

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Final, NamedTuple

import msgspec

from app.connections import until_answered
from app.kafka_sender import Sending, kafka_sender
from app.policies.file import policy_texts
from app.policies.in_force import policy_feed
from app.reading import reading
from app.redis_store.namespace import NoNamespace
from app.redis_store.reader import LaneOverview, Reader
from app.settings import Settings
from app.simulator.facts import Outgoing
from streams.core.policy import Policy, parse_policy
from streams.feed_policies import PolicyRecord
from streams.lane_policies import IMPLAUSIBLE_MS, reaches_back
from streams.topics import POLICY, TOKEN_TOPICS, topics_of

ONE_PARTITION: Final = 0


class InForce(NamedTuple):
    """What is known of policies in Kafka and in Redis."""

    own: dict[int, str]  # that the namespace was made with: version -> canonical JSON
    published: dict[int, str]
    records: list[PolicyRecord]  # of the policy topic
    lanes: list[LaneOverview]  # token lanes that have a state

    @property
    def texts(self) -> dict[int, str]:
        """All policies by version."""
        return dict(sorted((self.own | self.published).items()))

    def policies(self) -> list[Policy]:
        """All policies, by version."""
        return [parse_policy(msgspec.json.decode(text)) for text in self.texts.values()]

    def latest_click_ms(self, at_ms: int) -> int:
        """The latest click that any lane has absorbed; one dated more than an hour after `at_ms` says nothing."""
        found = (click for lane in self.lanes for click in lane.clicks if click <= at_ms + IMPLAUSIBLE_MS)
        return max(found, default=0)


class Plan(NamedTuple):
    """What publishing a file would do."""

    new: list[Policy]
    known: list[int]
    contradicted: list[int]  # versions in force with another content
    retroactive: list[Policy]  # new ones that say something about clicks that were absorbed
    latest_click_ms: int


async def read_in_force(settings: Settings) -> InForce:
    """Everything that is known of policies; a namespace need not exist yet."""
    feed = policy_feed(settings)
    await until_answered(feed.start, server=f"Kafka at {settings.kafka}")
    try:
        records = await feed.read_to_end()
    finally:
        await feed.stop()
    published: dict[int, str] = {}
    for record in records:
        if record.policy is not None:
            published.setdefault(record.policy.version, *policy_texts([record.policy]).values())
    try:
        async with AsyncExitStack() as opened:
            reader = await opened.enter_async_context(reading(settings))
            namespace, lanes = reader.namespace, await token_lanes(reader)
    except NoNamespace:
        return InForce({}, published, records, [])
    return InForce(namespace.policies, published | namespace.published, records, lanes)


async def token_lanes(reader: Reader) -> list[LaneOverview]:
    """The lanes of tokens that have a state."""
    partitions = reader.namespace.partitions
    lanes = await reader.lanes()
    return [lane for lane in lanes if topics_of(lane.lane, partitions) == TOKEN_TOPICS and lane.policies]


def plan(policies: Iterable[Policy], in_force: InForce, at_ms: int) -> Plan:
    """What would happen at a time of the wall clock."""
    texts, known = in_force.texts, in_force.policies()
    latest_ms = in_force.latest_click_ms(at_ms)
    new: list[Policy] = []
    same: list[int] = []
    contradicted: list[int] = []
    for policy in policies:
        (text,) = policy_texts([policy]).values()
        if policy.version not in texts:
            new.append(policy)
        else:
            (same if texts[policy.version] == text else contradicted).append(policy.version)
    retroactive = [policy for policy in new if reaches_back(policy, known, latest_ms)]
    return Plan(new, same, contradicted, retroactive, latest_ms)


async def publish(policies: Sequence[Policy], settings: Settings) -> None:
    """Put policies into force, all or none."""
    records = [
        Outgoing(POLICY, ONE_PARTITION, str(version).encode(), text.encode(), None)
        for version, text in policy_texts(list(policies)).items()
    ]
    sending = Sending(transactional_id=f"{settings.topic_prefix}{settings.group}.policy")
    async with kafka_sender(settings, sending) as sender:
        await sender.send(records)
