"""What goes wrong on the way: repeats, rewordings, conflicts, misplaced and invalid records."""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from app.simulator.config import SimulatorConfig
from app.simulator.facts import (
    TOPIC_OF,
    Action,
    Click,
    Fact,
    NoteMetric,
    Outgoing,
    Step,
    content_of,
    key_of,
    value_of,
)
from app.simulator.journeys import Told
from app.simulator.pace import REPEAT_LATENESS
from app.simulator.population import SLOT_BITS, Population
from streams.murmur2 import partition_of

MAX_RECORD_BYTES = 64 * 1024


class Delivery(NamedTuple):
    """A valid record on its way, the fact that it tells, and whether it goes to a wrong partition."""

    due_ms: int
    fact: Fact
    value: bytes
    misplaced: bool


class Spoilt(NamedTuple):
    """An invalid record and the dead-letter code it must get."""

    record: Outgoing
    code: str


class Noise:
    """Turns facts into records."""

    def __init__(self, random: Random, population: Population, config: SimulatorConfig) -> None:
        self._random = random
        self._population = population
        self._partitions = config.partitions
        self._mix = config.mix
        self._calm = 1 - config.mix.disturbed

    def deliver(self, told: Sequence[Told]) -> tuple[list[Outgoing], list[Fact]]:
        """The records of facts with one key and the fact of each: nearly always every fact once."""
        draw, calm = self._random.random, self._calm
        key = key_of(told[0].fact)
        records: list[Outgoing] = []
        facts: list[Fact] = []
        for due_ms, fact in told:
            chance = draw()
            if chance < calm:
                records.append(Outgoing(TOPIC_OF[fact.__class__], None, key, value_of(fact), due_ms))
                facts.append(fact)
                continue
            for one in self._disturb(Delivery(due_ms, fact, value_of(fact), False), chance - calm):
                partition = self._wrong_partition(key) if one.misplaced else None
                records.append(Outgoing(TOPIC_OF[one.fact.__class__], partition, key, one.value, one.due_ms))
                facts.append(one.fact)
        return records, facts

    def _wrong_partition(self, key: bytes) -> int | None:
        if self._partitions == 1:
            return None
        step = self._random.randrange(1, self._partitions)
        return (partition_of(key, self._partitions) + step) % self._partitions

    def _disturb(self, first: Delivery, chance: float) -> list[Delivery]:
        mix = self._mix
        if chance < mix.misplaced:
            repeat = [self._later(first)] if self._random.random() < 0.2 else []
            return [first._replace(misplaced=True), *repeat]
        chance -= mix.misplaced
        if chance < mix.conflicting:
            return self._conflict(first)
        chance -= mix.conflicting
        if chance < mix.reworded:
            return [first, self._later(first._replace(value=reworded(self._random, first.fact)))]
        chance -= mix.reworded
        if chance < mix.repeated_step and not isinstance(first.fact, Step):
            return [first]
        deliveries = [first, self._later(first)]
        while self._random.random() < 0.2:
            deliveries.append(self._later(first))
        return deliveries

    def _conflict(self, first: Delivery) -> list[Delivery]:
        """Other contents of the same event, some of them twice; any of them may come first or stand."""
        deliveries = [first]
        while len(deliveries) == 1 or self._random.random() < 0.3:
            rival = self._altered(first.fact)
            if all(value_of(rival) != delivery.value for delivery in deliveries):
                deliveries.append(self._later(first._replace(fact=rival, value=value_of(rival))))
        if self._random.random() < 0.3:
            deliveries.append(self._later(deliveries[-1]))
        if self._random.random() < 0.5:
            first_due_ms = deliveries[1].due_ms
            deliveries[1] = deliveries[1]._replace(due_ms=first.due_ms)
            deliveries[0] = first._replace(due_ms=first_due_ms)
        return deliveries

    def _altered(self, fact: Fact) -> Fact:
        """The fact with another content, at the same time or at another one."""
        random = self._random
        shift_ms = random.choice((0, 0, 1, -1, 60_000, -60_000))
        fact = replace(fact, at_ms=fact.at_ms + shift_ms)
        if isinstance(fact, Click):
            if random.random() < 0.5:
                return replace(fact, to=self._population.link_at(random.getrandbits(SLOT_BITS)))
            return replace(fact, boost_id=f"b{random.getrandbits(16)}")
        if isinstance(fact, Step):
            if fact.amount_minor is not None and random.random() < 0.6:
                return replace(fact, amount_minor=fact.amount_minor + random.randrange(1, 500))
            return replace(fact, order_id=str(6 * 10**18 + random.getrandbits(61)))
        if isinstance(fact, NoteMetric):
            return replace(fact, reads=fact.reads + random.randrange(1, 500))
        if isinstance(fact, Action) and random.random() < 0.5:
            fact = replace(fact, action="cart" if fact.action == "favourite" else "favourite")
        return fact if shift_ms else replace(fact, at_ms=fact.at_ms + 2)

    def _later(self, delivery: Delivery) -> Delivery:
        return delivery._replace(due_ms=delivery.due_ms + REPEAT_LATENESS.draw(self._random))

    def spoil(self, told: Told) -> Spoilt:
        """An invalid record in the likeness of a fact, of the same key but of an event of its own."""
        random = self._random
        fact = replace(told.fact, event_id=f"{random.getrandbits(96):024x}")
        code = "too_large" if random.random() < self._mix.too_large else _CODES[int(random.random() * len(_CODES))]
        key, value = _SPOILERS[code](random, fact)
        partition = random.randrange(self._partitions) if key is None else None
        return Spoilt(Outgoing(TOPIC_OF[type(fact)], partition, key, value, told.due_ms), code)


def reworded(random: Random, fact: Fact) -> bytes:
    """The same content in other bytes: order of fields, spaces, nulls, unknown and unread fields."""
    fields = list(content_of(fact).items())
    random.shuffle(fields)
    fields.append(("x_trace", f"{random.getrandbits(32):08x}"))
    if isinstance(fact, Click) and fact.boost_id is None:
        fields.append(("boost_id", None))
    if isinstance(fact, NoteMetric) and fact.shares is None:
        fields.append(("shares", None))
    if isinstance(fact, Step) and fact.amount_minor is None:
        fields += [("amount_minor", random.randrange(100_000)), ("currency", "CNY")]
    return json.dumps(dict(fields)).encode()


def _not_json(random: Random, fact: Fact) -> tuple[bytes | None, bytes | None]:
    key, value = key_of(fact), value_of(fact)
    garbage = (b"", None, value[:-1], b"[" + value + b"]", value + b"}", b'"' + key + b'"', b"null", b"\x00\xff\xfe")
    return key, random.choice(garbage)


def _missing_field(random: Random, fact: Fact) -> tuple[bytes | None, bytes | None]:
    fields = content_of(fact)
    needed = [name for name in fields if name not in _OPTIONAL]
    name = random.choice(needed)
    if random.random() < 0.3:
        fields[name] = None
    else:
        del fields[name]
    return key_of(fact), json.dumps(fields).encode()


def _bad_field(random: Random, fact: Fact) -> tuple[bytes | None, bytes | None]:
    fields = content_of(fact)
    fits = [(name, content) for name, content in _BAD_CONTENTS if name in fields]
    name, content = random.choice(fits)
    return key_of(fact), json.dumps({**fields, name: content}).encode()


def _key_mismatch(random: Random, fact: Fact) -> tuple[bytes | None, bytes | None]:
    keys = (None, b"", f"{random.getrandbits(128):032x}".encode(), key_of(fact).upper() + b"-", b"\xff")
    return random.choice(keys), value_of(fact)


def _too_large(random: Random, fact: Fact) -> tuple[bytes | None, bytes | None]:
    value = value_of(fact)[:-1] + b',"x_padding":"'
    padding = MAX_RECORD_BYTES + random.choice((1, 2, 1_000)) - len(value) - 2
    return key_of(fact), value + b"." * padding + b'"}'


Spoiler = Callable[[Random, Fact], tuple[bytes | None, bytes | None]]

_SPOILERS: Final[Mapping[str, Spoiler]] = {
    "too_large": _too_large,
    "not_json": _not_json,
    "missing_field": _missing_field,
    "bad_field": _bad_field,
    "key_mismatch": _key_mismatch,
}
_CODES = [code for code in _SPOILERS if code != "too_large"]
_OPTIONAL = frozenset(("campaign_id", "creator_id", "poster_id", "boost_id", "comments", "shares"))
_BAD_CONTENTS: tuple[tuple[str, Any], ...] = (
    ("event_id", ""),
    ("event_id", "e" * 129),
    ("token", "with blank"),
    ("at_ms", "1772380800000"),
    ("at_ms", 1_772_380_800),
    ("at_ms", 2**43),
    ("at_ms", 1_772_380_800_000.5),
    ("platform", "淘宝"),
    ("merchant_id", 123_456_789),
    ("note_kind", "video"),
    ("link", "profile"),
    ("category", "fmcg/skincare"),
    ("action", "share"),
    ("note_id", "n 1"),
    ("reads", -1),
    ("likes", 1.5),
    ("saves", 10**12 + 1),
    ("comments", "12"),
    ("status", "shipped"),
    ("order_id", 4_611_686_018_427_387_904),
    ("amount_minor", -1),
    ("amount_minor", 10**12 + 1),
    ("amount_minor", "990"),
    ("currency", "cny"),
    ("refund_id", ["r1"]),
)
