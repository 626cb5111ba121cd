"""Restatement: policies enter a lane while it runs, and the journeys held are brought under them page by page."""

import logging
from collections.abc import Callable
from typing import Final, TypeAlias

from streams.digesting import Digest
from streams.metric_digest import is_stored_name
from streams.murmur2 import partitions_of
from streams.owner import Owner
from streams.records import Entry, Tip

log = logging.getLogger(__name__)

TakeTrim: TypeAlias = Callable[[], Tip | None]
"""The tip up to which the store may trim, given once: to be called for a commit only."""

REST_MS: Final = 30_000  # before journeys that could not be restated are tried again


class Restatement:
    """What is to be done for the policies of a lane between two batches.

    How far it has come is not stored: a new owner begins anew, and passes quickly over journeys that are done.
    """

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._cursor = 0
        self._failed = 0
        self._rest_until_ms = 0

    def due(self) -> bool:
        """Whether there are journeys to be restated that are not left for later."""
        policies, now_ms = self._owner.policies, self._owner.around.now_ms()
        return policies.restating != "" and now_ms >= self._rest_until_ms

    async def enter_news(self, take_trim: TakeTrim) -> Entry | None:
        """Let policies enter that the worker has learnt of, by a commit of their own."""
        policies = self._owner.policies
        if not (versions := policies.news()):
            return None
        policies.enter(versions)
        self._cursor = 0
        said = {"lane": self._owner.lane, "versions": versions, "restating": policies.restating}
        log.info("policies enter", extra=said)
        return await self._owner.commit_in_place(self._digest([]), take_trim())

    async def restate_page(self, take_trim: TakeTrim) -> Entry | None:
        """Bring some journeys under the policies in force; None when there was nothing to change."""
        policies, owner = self._owner.policies, self._owner
        digest = self._digest(await self._next_page())
        self._failed += digest.failed
        if self._cursor == 0 and not self._failed:
            policies.restating = ""
        elif self._cursor == 0:
            # Some wait for a mended core; until then all is looked through again now and then.
            self._failed, self._rest_until_ms = 0, owner.around.now_ms() + REST_MS
        if policies.restating and not digest.results and not digest.journeys():
            return None
        return await owner.commit_in_place(digest, take_trim())

    async def mark_published(self, marker: Tip) -> None:
        """Commit that readers have seen what `marker` covers, together with what is still to be told again."""
        owner = self._owner
        await owner.commit(self._digest([]), positions=owner.positions, parked=owner.parked, last={}, published=marker)

    async def _next_page(self) -> list[tuple[str, bytes]]:
        owner = self._owner
        self._cursor, page = await owner.around.store.tokens(owner.lane, self._cursor)
        tokens = [token for token in dict.fromkeys(page) if not is_stored_name(token)]
        lanes = partitions_of([token.encode() for token in tokens], owner.around.partitions)
        mine = [token for token, lane in zip(tokens, lanes, strict=True) if lane == owner.lane]
        loaded = await owner.around.store.load(owner.lane, owner.tip, mine)
        return [(token, value) for token, value in zip(mine, loaded, strict=True) if value is not None]

    def _digest(self, held: list[tuple[str, bytes]]) -> Digest:
        owner = self._owner
        everything = owner.policies.restating == "all"
        return owner.digester.restate(held, owner.tip.sequence + 1, everything=everything)
