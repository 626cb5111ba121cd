"""A worker's place in the consumer group: which lanes are its own, and proof that they still are."""
# ruff: noqa: SLF001  # aiokafka's coordinator sends no heartbeat and commits no offsets on demand by public methods

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    InconsistentGroupProtocolError,
    InvalidSessionTimeoutError,
    KafkaError,
    NoError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest, LeaveGroupRequest
from aiokafka.structs import OffsetAndMetadata

from streams.errors import Misconfigured, Refused, Unavailable
from streams.feed_assignor import LaneAssignor
from streams.feed_places import Places
from streams.feed_records import name_of

logger = logging.getLogger(__name__)

HEARTBEAT_MS = 1000  # also how soon the members notice that one joined or left
NEVER_MS = 2**31 - 1
RETRY_S = 0.1
PAUSE_S = 1.0
LEAVE_S = 1.0
PATIENCE_S = 5.0


class Group:
    """Membership in the consumer group, by aiokafka's coordinator; the lanes are fetched by others.

    What the group shares out are partition numbers, and with one go the lanes of all kinds.
    `on_change` is told the worker's lanes whenever some are lost or new.  During a rebalance it keeps its lanes until
    the new assignment: nobody else is given them before.  It loses all of them at once when the group has dropped it.
    """

    def __init__(
        self,
        client: AIOKafkaClient,
        name: str,
        places: Places,
        *,
        session_timeout_ms: int,
        on_change: Callable[[frozenset[int]], None],
    ) -> None:
        self.lanes: frozenset[int] = frozenset()
        self._client = client
        self._name = name
        self._places = places
        self.has_joined = False  # once at least
        self.waiting: tuple[str, ...] = ()  # partitions of lanes whose other topics are not here
        self._on_change = on_change
        self._session_timeout_ms = session_timeout_ms
        self._joined = asyncio.Event()
        self._closing = False
        self._failures: set[asyncio.Future[None]] = set()  # aiokafka fails these when it cannot go on
        self._subscription = SubscriptionState()
        self._subscription.register_fetch_waiters(self._failures)
        self._subscription.subscribe(set(places.names), listener=_Listener(self._revoked, self._assigned))
        self._coordinator = GroupCoordinator(
            client,
            self._subscription,
            group_id=name,
            session_timeout_ms=session_timeout_ms,
            rebalance_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=NEVER_MS,
            enable_auto_commit=False,
            assignors=(LaneAssignor(places.partitions, lambda: self._coordinator.generation),),
        )

    async def confirm(self, lane: int) -> None:
        """Return after the group accepted a heartbeat in the present generation, in which `lane` is ours.

        Waits for a rebalance to end.  Raises Refused when the lane is not ours, Unavailable when there is no answer.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await self._settle()
                    if self._closing or lane not in self.lanes:
                        raise Refused(f"lane {lane} is not this worker's")
                    if await self._heartbeat():
                        return
        except TimeoutError as error:
            raise Unavailable(f"lane {lane}: group {self._name} did not answer a heartbeat") from error

    async def commit(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> bool:
        """Commit offsets, each with a note, for people to look at; False if that did not work, the next time may."""
        committed = {partition: OffsetAndMetadata(*noted) for partition, noted in offsets.items()}
        if not self._is_settled() or not committed:
            return False
        try:
            await self._coordinator._do_commit_offsets(self._subscription.subscription.assignment, committed)
        except KafkaError as error:
            logger.info("offsets not committed", extra={"error": repr(error)})
            return False
        return True

    async def notes(self, partitions: Iterable[TopicPartition]) -> list[str]:
        """The notes that were committed with the offsets of partitions.  Raises Unavailable."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await self._coordinator.fetch_committed_offsets(list(partitions))
        except (TimeoutError, KafkaError) as error:
            raise Unavailable(f"group {self._name} does not tell its offsets: {error!r}") from error
        return [noted.metadata for noted in found.values()]

    async def watch(self) -> None:
        """Go on after errors of the group, until cancelled.

        Raises Misconfigured when the group cannot be ours, Unavailable when membership has ended.
        """
        while True:
            try:
                self._coordinator.check_errors()
                await self._failure()
            except GroupAuthorizationFailedError as error:
                raise Misconfigured(f"not allowed to be in consumer group {self._name}: grant READ on it") from error
            except InconsistentGroupProtocolError as error:
                raise Misconfigured(f"consumer group {self._name} is in use by something else than Redcat") from error
            except InvalidSessionTimeoutError as error:
                timeout_ms = self._session_timeout_ms
                raise Misconfigured(f"Kafka does not take a session timeout of {timeout_ms} ms") from error
            except KafkaError as error:
                if self._coordinator._coordination_task.done():
                    raise Unavailable(f"membership in group {self._name} has ended") from error
                logger.warning("group failed, joining again", extra={"error": repr(error)})
                await asyncio.sleep(PAUSE_S)
                self._coordinator.request_rejoin()

    async def _failure(self) -> None:
        """Return when the coordinator has an error to report."""
        failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._failures.add(failure)
        try:
            with contextlib.suppress(KafkaError):
                await failure
        finally:
            self._failures.discard(failure)

    async def close(self) -> None:
        """Leave the group at once, so that its lanes go to others without waiting for the session to time out."""
        self._closing = True
        self._joined.set()
        node, member = self._coordinator.coordinator_id, self._coordinator.member_id
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._coordinator.close()
        except (TimeoutError, KafkaError):
            # It waits for others to join, or Kafka is away; its own connection is taken by the request to join.
            if node is not None and member:
                with contextlib.suppress(KafkaError, TimeoutError):
                    async with asyncio.timeout(LEAVE_S):
                        await self._client.send(node, LeaveGroupRequest(self._name, member), group="leave")
        self._set(frozenset())

    def _is_settled(self) -> bool:
        """True while this is a member and no rebalance is known to be under way."""
        coordinator = self._coordinator
        return (
            coordinator.generation > 0
            and self._joined.is_set()
            and not coordinator._rejoin_needed_fut.done()
            and not self._subscription.reassignment_in_progress
        )

    async def _settle(self) -> None:
        while not self._is_settled() and not self._closing:
            self._joined.clear()
            await self._joined.wait()

    async def _heartbeat(self) -> bool:
        """True when the group accepted a heartbeat and nothing has changed meanwhile."""
        coordinator = self._coordinator
        generation, member = coordinator.generation, coordinator.member_id
        try:
            reply = await coordinator._send_req(HeartbeatRequest(self._name, generation, member))
        except KafkaError:
            await asyncio.sleep(RETRY_S)
            return False
        error = for_code(reply.error_code)
        if error is NoError:
            return self._is_settled() and coordinator.generation == generation
        if error is RebalanceInProgressError:
            coordinator.request_rejoin()
        elif error in (IllegalGenerationError, UnknownMemberIdError):
            if coordinator.generation == generation:
                coordinator.reset_generation()
        else:
            coordinator.coordinator_dead()
            await asyncio.sleep(RETRY_S)
        return False

    def _revoked(self) -> None:
        """The group is about to be joined again."""
        self._joined.clear()
        if self._coordinator.generation <= 0:
            self._set(frozenset())

    def _assigned(self, partitions: Iterable[TopicPartition]) -> None:
        assigned = frozenset(partitions)
        whole = self._places.whole(assigned)
        waiting = assigned.difference(*(self._places.lanes[lane] for lane in whole))
        self.waiting, self.has_joined = tuple(sorted(map(name_of, waiting))), True
        if waiting:
            # The group's leader is of a version that shares out topics one by one.
            logger.warning("lanes wait for all their topics", extra={"partitions": self.waiting})
        self._set(whole)
        self._joined.set()

    def _set(self, lanes: frozenset[int]) -> None:
        if lanes != self.lanes:
            self.lanes = lanes
            self._on_change(lanes)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Passes on what the coordinator says of rebalances."""

    def __init__(self, revoked: Callable[[], None], assigned: Callable[[Iterable[TopicPartition]], None]) -> None:
        self._revoked = revoked
        self._assigned = assigned

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  # all of them
        self._revoked()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned(assigned)
