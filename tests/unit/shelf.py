"""Journeys without a store, for explanations; and how these look as a file gets them."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from rich.console import Console

from app.explaining.explanation import Explained
from app.explaining.texts_en import ExplainTexts
from app.explaining.times import Zone, zone
from app.explaining.view import View
from app.explaining.writing import write
from app.policies.file import policy_texts
from streams.core.facts import Action, Click, Entry, Fact, Step
from streams.core.journey import Journey
from streams.core.policy import parse_policy
from streams.stored import JourneyCodec
from streams.words import Words
from tests.behaviour.builders import DAY, after
from tests.generators.policies import DEFAULT_POLICY, Document
from tests.generators.records import Written
from tests.oracle.intake import TOKEN_TOPICS, Invalid, Record, read

SHANGHAI = zone("Asia/Shanghai")
NOW_MS = after(30 * DAY)
KINDS: dict[str, type[Fact]] = dict(zip(TOKEN_TOPICS, (Click, Entry, Action, Step), strict=True))


class Held(NamedTuple):
    """A journey as a store would hold it."""

    lane: int
    value: bytes
    ttl_ms: int | None
    words: list[str]
    policies: list[int]


class Shelf:
    """Journeys in a dictionary; all of lane 3."""

    def __init__(self, policies: Sequence[Document] = (DEFAULT_POLICY,)) -> None:
        self.policies = policy_texts([parse_policy(dict(document)) for document in policies])
        self.journeys: dict[str, Held] = {}

    def put(
        self, records: Sequence[Written | Record], *, ttl_ms: int | None = 5 * DAY, count: int | None = None
    ) -> "Shelf":
        """Keep what the good records of token topics say."""
        journeys: dict[str, Journey] = {}
        for one in records:
            record = one if isinstance(one, Record) else Record(one.topic, 0, 0, one.key, one.value)
            if record.topic in KINDS and not isinstance(fields := read(record), Invalid):
                fact = msgspec.convert(fields, KINDS[record.topic])
                journeys.setdefault(fact.token, Journey()).absorb(fact)
        for token, journey in journeys.items():
            words = Words()
            value = JourneyCodec(words).pack(journey, count or len(self.policies))
            self.journeys[token] = Held(3, value, ttl_ms, words.new, list(self.policies))
        return self

    async def journey(self, token: str) -> Held | None:
        """What is held of a token."""
        return self.journeys.get(token)

    async def tokens_of_order(self, order_id: str) -> list[str]:
        """All tokens that hold steps of the order."""
        found = [token for token in self.journeys if await self._holds(token, order_id)]
        return sorted(found)

    async def _holds(self, token: str, order_id: str) -> bool:
        held = self.journeys[token]
        journey, _ = JourneyCodec(Words(held.words)).unpack(token, held.value)
        return any(step.order_id == order_id for step in journey.steps.values())


def written(found: Explained, texts: ExplainTexts, *, at: Zone = SHANGHAI, order: str | None = None) -> str:
    """The lines about a journey as a file gets them."""
    output = io.StringIO()
    write(View(found, texts, at, NOW_MS).lines(order), Console(file=output, width=80))
    return output.getvalue()
