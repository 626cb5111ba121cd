"""`redcat explain`: a journey as the store holds it, read and explained under the policies it was computed under."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from streams.core.explain import Explanation, explain
from streams.core.journey import Journey
from streams.core.policy import parse_policy
from streams.core.terms import PolicySet
from streams.errors import LaneStopped
from streams.stored import JourneyCodec
from streams.words import Words


class Stored(Protocol):
    """A journey as the store holds it, and what is needed to read it."""

    @property
    def lane(self) -> int: ...
    @property
    def value(self) -> bytes: ...
    @property
    def ttl_ms(self) -> int | None: ...
    @property
    def words(self) -> list[str]: ...
    @property
    def policies(self) -> list[int]: ...


class Journeys(Protocol):
    """Where journeys are found."""

    @property
    def policies(self) -> Mapping[int, str]:
        """The canonical JSON of every policy, by version."""
        ...

    async def journey(self, token: str) -> Stored | None:
        """What is held of a token."""
        ...

    async def tokens_of_order(self, order_id: str) -> list[str]:
        """The tokens whose journeys hold an order."""
        ...


class Explained(NamedTuple):
    """A journey explained."""

    token: str
    lane: int
    kept_ms: int | None  # how long it will still be kept if nothing comes; None: for ever
    versions: list[int]  # of the policies it was computed under
    explanation: Explanation


class Held(NamedTuple):
    """A journey that is held, and the policies it was computed under."""

    token: str
    lane: int
    kept_ms: int | None
    journey: Journey
    policies: PolicySet


async def read_journey(journeys: Journeys, token: str) -> Held | None:
    """The journey of a token; None if nothing is held of it, LaneStopped if it cannot be read."""
    stored = await journeys.journey(token)
    if stored is None:
        return None
    journey, count = JourneyCodec(Words(stored.words)).unpack(token, stored.value)
    _require_facts(token, journey)
    versions = stored.policies[:count] or stored.policies
    return Held(token, stored.lane, stored.ttl_ms, journey, policy_set(versions, journeys.policies))


async def explained(journeys: Journeys, token: str) -> Explained | None:
    """The explanation of a token's journey; None if nothing is held of it, LaneStopped if it cannot be read."""
    held = await read_journey(journeys, token)
    return None if held is None else explained_journey(held)


def explained_journey(held: Held) -> Explained:
    """The explanation of a journey that was read."""
    told = explain(held.journey, held.policies)
    return Explained(held.token, held.lane, held.kept_ms, held.policies.versions, told)


async def explained_order(journeys: Journeys, order_id: str) -> list[Explained]:
    """The explanations of all journeys that hold an order; more than one token may have it."""
    found = [await explained(journeys, token) for token in await journeys.tokens_of_order(order_id)]
    return [one for one in found if one is not None]


def policy_set(versions: list[int], texts: Mapping[int, str]) -> PolicySet:
    """The policies of these versions, or of all where a lane has none yet; LaneStopped if one cannot be had."""
    try:
        return PolicySet(parse_policy(msgspec.json.decode(texts[version])) for version in versions or texts)
    except KeyError as error:
        raise LaneStopped(f"the namespace does not know policy {error}, which its lanes work under") from error
    except (ValueError, msgspec.DecodeError) as error:
        raise LaneStopped(f"a policy of the namespace cannot be read: {error}") from error


def _require_facts(token: str, journey: Journey) -> None:
    """Bytes can be read and yet be no facts, such as those of another lane's words."""
    standing = (journey.clicks, journey.entries, journey.actions, journey.steps)
    for fact in (*journey.lost, *(fact for facts in standing for fact in facts.values())):
        try:
            msgspec.convert(msgspec.structs.asdict(fact), type(fact))
        except msgspec.ValidationError as error:
            raise LaneStopped(f"journey {token} holds what is no fact: {error}") from error


def json_of(found: Explained) -> dict[str, Any]:
    """An explanation as JSON tells it."""
    told: dict[str, Any] = msgspec.to_builtins(found.explanation)
    return {"token": found.token, "lane": found.lane, "kept_ms": found.kept_ms, "policies": found.versions} | {
        name: value for name, value in told.items() if name != "token"
    }
