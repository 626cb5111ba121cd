"""The policies that a worker works under: its own, those remembered by the namespace, and those published meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from app.connections import kafka_options
from app.policies.file import policy_texts
from app.redis_store.namespace import Namespace, contradicted
from app.settings import Settings
from streams.core.policy import parse_policy
from streams.errors import RedcatError
from streams.feed_policies import PolicyFeed, PolicyRecord
from streams.policy_book import PolicyBook
from streams.topics import POLICY, physical

log = logging.getLogger(__name__)

REMIND_S: Final = 5.0  # so soon a namespace that was lost with the store is there again
RECONNECT_S: Final = 2.0

Remember: TypeAlias = Callable[[Mapping[int, str]], Awaitable[Namespace]]
"""Tells the namespace what was published, and returns it."""


def policy_feed(settings: Settings) -> PolicyFeed:
    """A reader of the policy topic."""
    return PolicyFeed(kafka_options(settings), physical(settings.topic_prefix, POLICY))


class PoliciesInForce:
    """Keeps a worker's policy book up to date with the policy topic."""

    def __init__(self, feed: PolicyFeed, book: PolicyBook, remember: Remember) -> None:
        self._feed = feed
        self._book = book
        self._remember = remember
        self._published: dict[int, str] = {}
        self._stopped = False

    async def start(self) -> None:
        """Read everything that was published so far."""
        await self._feed.start()
        self._hear(await self._feed.read_to_end())

    async def stop(self) -> None:
        """Disconnect."""
        self._stopped = True
        await self._feed.stop()

    async def run(self) -> None:
        """Learn what is published, until stopped; servers that are away are waited for."""
        clock = asyncio.get_running_loop().time
        reminded = clock()
        while True:
            try:
                news = self._hear(await self._feed.more())
                if news or clock() > reminded + REMIND_S:
                    await self.learn()
                    reminded = clock()
            except RedcatError as error:
                if self._stopped:
                    return
                log.warning("the policies in force are not known for certain", extra={"error": str(error)})
                await asyncio.sleep(RECONNECT_S)

    def _hear(self, records: Iterable[PolicyRecord]) -> bool:
        """Take records of the topic; whether there were any policies among them."""
        news = False
        for partition, offset, policy, problem in records:
            where = {"partition": partition, "offset": offset}
            if policy is None:
                log.error("a record of the policy topic is no policy", extra=where | {"problem": problem})
                continue
            (text,) = policy_texts([policy]).values()
            if self._published.setdefault(policy.version, text) != text:
                log.error("a policy was published again with another content: it has no effect", extra=where)
            news = True
        return news

    async def learn(self) -> None:
        """Tell the namespace what was published, and learn from it all that is in force."""
        namespace = await self._remember(self._published)
        for version in contradicted(namespace, self._published):
            self._published[version] = namespace.in_force[version]
            log.error(
                "a policy in force was published with another content: it has no effect", extra={"version": version}
            )
        self._book.add(parse_policy(msgspec.json.decode(text)) for text in namespace.in_force.values())
