"""What decodes, and what must hold of it whatever the bytes are."""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from app.redis_store.forms import pack_entry, pack_moments, pack_state, unpack_entry, unpack_moments, unpack_state
from streams.codec import FACT_TYPES, decode_records
from streams.commits import Clicks, Commit, Increments
from streams.core.facts import Fact
from streams.core.journey import Journey
from streams.errors import LaneStopped, Misconfigured
from streams.publisher_marker import decode_marker, encode_marker
from streams.records import Entry, LastRecord, Marker, Message, ResultRecord, Tip
from streams.stored import JourneyCodec
from streams.words import Words
from tests.fuzz.spoiling import MSGPACK, WORDS, spoilt
from tests.generators.journeys import hard_journeys
from tests.oracle.intake import Invalid, Record, canonical, read
from tests.pure_worker import Consumed

SCENARIOS: Final = 40
TOGETHER: Final = 40  # records in one batch
SAID_OF_STORED: Final = (LaneStopped, Misconfigured)


def fuzz_codec(chance: random.Random, inputs: int) -> None:
    """Every record is a fact or has the code that the independent evaluation gives it; nothing is raised."""
    pool = _records()
    values = [record.value or b"" for record in pool]
    for _ in range(-(-inputs // TOGETHER)):
        topic = chance.choice(tuple(FACT_TYPES))
        of_topic = [chance.choice(pool) for _ in range(TOGETHER)]
        records = [
            Consumed(number, 0, _key(chance, record), spoilt(chance, record.value or b"", values, WORDS))
            for number, record in enumerate(of_topic)
        ]
        decoded = decode_records(topic, records)
        codes = {record.offset: code for record, code, _ in decoded.invalid}
        facts = {record.offset: fact for fact, record in zip(decoded.facts, decoded.sources, strict=True)}
        assert len(codes) + len(facts) == len(records), (topic, records)
        for record in records:
            said = read(Record(topic, 0, record.offset, record.key, record.value))
            if isinstance(said, Invalid):
                assert codes.get(record.offset) == said.code, (topic, record, codes.get(record.offset), said)
            else:
                shown = facts.get(record.offset)
                assert shown is not None, (topic, record, codes[record.offset])
                assert canonical(_fields(shown)) == canonical(said), (topic, record, shown)


def fuzz_journeys(chance: random.Random, inputs: int) -> None:
    """A stored journey comes back as it was; of spoilt bytes nothing but LaneStopped is heard."""
    codec, journeys, values = _journeys()
    for _ in range(inputs):
        number = chance.randrange(len(values))
        if chance.random() < 0.02:
            assert codec.unpack("t1", values[number]) == (journeys[number], 1)
        try:
            codec.unpack("t1", spoilt(chance, values[number], values, MSGPACK))
        except LaneStopped:
            continue


def fuzz_states(chance: random.Random, inputs: int) -> None:
    """Lane states, outbox entries, moments and markers: read, or refused with the reason."""
    forms = _forms()
    values = [value for value, _, _ in forms]
    for _ in range(inputs):
        value, words, unpack = chance.choice(forms)
        try:
            unpack(spoilt(chance, value, values, words))
        except SAID_OF_STORED:
            continue


TARGETS: Final[Mapping[str, Callable[[random.Random, int], None]]] = {
    "codec": fuzz_codec,
    "journeys": fuzz_journeys,
    "states": fuzz_states,
}


@cache
def _records() -> list[Record]:
    return [record for seed in range(SCENARIOS) for record in hard_journeys(seed).records if record.value]


@cache
def _journeys() -> tuple[JourneyCodec, list[Journey], list[bytes]]:
    codec, journeys = JourneyCodec(Words()), list[Journey]()
    for seed in range(SCENARIOS):
        journey = Journey({}, {}, {}, {}, [])
        for fact in _facts(seed):
            if fact.token == "t1":
                journey.absorb(fact)
                journeys.append(Journey(dict(journey.clicks), dict(journey.entries), dict(journey.actions), {}, []))
                journeys[-1].steps.update(journey.steps)
                journeys[-1].lost.extend(journey.lost)
    return codec, journeys, [codec.pack(journey, 1) for journey in journeys]


def _facts(seed: int) -> Iterator[Fact]:
    for record in hard_journeys(seed, bad=False).records:
        if record.topic != "note-metric":
            yield from decode_records(record.topic, [Consumed(0, 0, record.key, record.value)]).facts


def _forms() -> list[tuple[bytes, tuple[bytes, ...], Callable[[bytes], object]]]:
    marker = Marker(
        Tip("a", 7),
        {"order": 9, "click-out": 3},
        [1, 2],
        {"order:internal": [(1, 2)]},
        "changes",
        {"order": LastRecord(8, 9, 7)},
    )
    message = Message("dead-letter", 0, 5, b"t1", b"{}", [("h", b"v")])
    entry = Entry(marker, 6, [ResultRecord(b"t1", "order:o1@7", "order", b"{}")], [message])
    commit = Commit(
        *({"order": 9}, [1], {"order:internal": [(1, 2)]}, {"order": LastRecord(8, 5, 77)}, 12, [], []),
        *(Increments({}, {}), entry, None),
        clicks=Clicks(5, 4),
    )
    cell = ("n1", None, "m1", "tmall", "fmcg", "note", "ad")
    return [
        (pack_state(commit, 3), MSGPACK, lambda value: unpack_state(value, b"key")),
        (pack_entry(entry), MSGPACK, lambda value: unpack_entry(value, b"key")),
        (pack_moments({cell: {(5, 6, "orders"): 1}}), MSGPACK, lambda value: unpack_moments([value], b"key")),
        (encode_marker(marker), WORDS, decode_marker),
    ]


def _key(chance: random.Random, record: Record) -> bytes | None:
    return record.key if chance.random() < 0.95 else chance.choice((None, b"", b"\xff", b"t2", b"t1 "))


def _fields(fact: object) -> dict[str, object]:
    names: tuple[str, ...] = fact.__struct_fields__  # type: ignore[attr-defined]  # facts are structs
    return {name: content for name in names if (content := getattr(fact, name)) is not None}
