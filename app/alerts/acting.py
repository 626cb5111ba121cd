"""The evaluator that acts: it remembers each step and publishes its transitions, exactly once whatever happens.

A step is committed to the store together with its transitions; these are published in a Kafka transaction with a
marker; then the store learns that they are.  Whoever takes over looks at store and marker and knows how far it came.
"""

import secrets
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from app.alerts.life import Life, Moment, after_pause, step
from app.alerts.notices import About, Notices, delivered, due
from app.alerts.record import AlertRecord
from app.alerts.requests import Requests
from app.alerts.rules import Rules
from app.alerts.takeover import GoOn, Restore, decide
from app.redis_store.alerts import Remembered as Found
from streams.alert_records import AlertMarker, Transition
from streams.errors import LaneStopped
from streams.records import Tip

LEASE_MS: Final = 10_000
PAUSE_MS: Final = 10 * 60_000  # without evaluation; after a longer one scopes are heard anew


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """All that is stored of one step."""

    life: Life = Life()
    notices: Notices = Notices()


class Store(Protocol):
    """See app.redis_store.alerts.AlertStore."""

    async def acquire(self, nonce: str, lease_ms: int) -> Found | None: ...

    async def commit(self, tip: Tip, state: bytes, transitions: bytes | None, memory: bytes | None) -> Tip: ...

    async def published(self, tip: Tip, of: Tip) -> None: ...

    async def restore(self, tip: Tip, state: bytes, published: Tip) -> Tip: ...

    async def renew(self, tip: Tip, lease_ms: int) -> None: ...

    async def release(self, tip: Tip) -> None: ...


class Producer(Protocol):
    """See streams.publisher_alerts.AlertProducer."""

    async def publish(self, transitions: Sequence[Transition], marker: AlertMarker) -> None: ...

    async def close(self) -> None: ...


class Publisher(Protocol):
    """See streams.publisher_alerts.AlertPublisher."""

    async def open(self) -> Producer: ...

    async def read_marker(self) -> AlertMarker | None: ...


class Acting:
    """One turn of acting, from take-over to the first error; made by `take_over`."""

    def __init__(self, store: Store, producer: Producer, tip: Tip, remembered: Remembered) -> None:
        self.remembered = remembered
        self._store = store
        self._producer = producer
        self._tip = tip

    async def act(
        self, moment: Moment, rules: Rules, asked: Requests, *, taken: set[str], memory: bytes | None = None
    ) -> list[AlertRecord]:
        """Take a step and publish its transitions; `taken` are messages that all channels have taken.

        `memory`, if it is time to remember that too, is what detectors have learnt.

        After any error this object is of no use: what was done is known to whoever takes over.
        """
        life = self.remembered.life
        if moment.at_ms - life.at_ms > PAUSE_MS:
            life = after_pause(life, moment.at_ms)
        life, records = step(life, moment, rules)
        ended = [record for record in records if record.state == "resolved"]
        notices = delivered(self.remembered.notices, taken)
        notices = due(notices, life, ended, asked, About(rules, moment.places))
        remembered = Remembered(life=life, notices=notices)
        state = msgspec.json.encode(remembered)
        transitions = msgspec.json.encode(records) if records else None
        self._tip = await self._store.commit(self._tip, state, transitions, memory)
        if records:
            await self._producer.publish(transitions_of(records), _marker(self._tip, state))
            await self._store.published(self._tip, self._tip)
        self.remembered = remembered
        return records

    async def renew(self) -> None:
        """Keep others from taking over; raises Refused if one has."""
        await self._store.renew(self._tip, LEASE_MS)

    async def release(self) -> None:
        """Let another one act at once."""
        await self._producer.close()
        await self._store.release(self._tip)


async def take_over(store: Store, publisher: Publisher) -> Acting | None:
    """Begin to act, if nobody else does: first shut out older evaluators, then look how far they came."""
    found = await store.acquire(secrets.token_hex(8), LEASE_MS)
    if found is None:
        return None
    producer = await publisher.open()
    marker = await publisher.read_marker()
    tip, state, waiting = found.tip, found.state, found.unpublished
    decision = decide(None if marker is None else marker.tip, found.published, None if waiting is None else waiting.tip)
    if isinstance(decision, Restore) and marker is not None:
        state = bytes(marker.state)
        tip = await store.restore(tip, state, marker.tip)
    elif waiting is not None and state is not None:
        if isinstance(decision, GoOn):
            await producer.publish(transitions_of(_records(waiting.value)), _marker(waiting.tip, state))
        await store.published(tip, waiting.tip)
    return Acting(store, producer, tip, Remembered() if state is None else read_remembered(state))


def read_remembered(state: bytes) -> Remembered:
    """What is stored; LaneStopped if it cannot be read."""
    try:
        return msgspec.json.decode(state, type=Remembered)
    except msgspec.DecodeError as error:
        raise LaneStopped(f"what is remembered about alerts cannot be read: {error}") from error


def transitions_of(records: Sequence[AlertRecord]) -> list[Transition]:
    """Records as they are published."""
    return [Transition(one.at_ms, one.alert_id.encode(), msgspec.json.encode(one)) for one in records]


def _records(value: bytes) -> list[AlertRecord]:
    return msgspec.json.decode(value, type=list[AlertRecord])


def _marker(tip: Tip, state: bytes) -> AlertMarker:
    return AlertMarker(tip.nonce, tip.sequence, msgspec.Raw(state))
