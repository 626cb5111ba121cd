"""Parked records: those that a lane has set aside as dead letters although they were valid, and must set aside again.

A silent replay comes to the very state whose results were published only if it takes exactly what was taken then.  So
every marker says what was parked, in little space:

- What the core could not digest, by its offsets ("order:internal").
- What came to a full journey, per topic and token by the first such offset ("order:token_overflow:" and a digest of
  the token): a full journey stays full, so from that offset on the token's records of this topic bring nothing new.
  However many there are, that is one span.  Older versions noted their offsets ("order:token_overflow"), which hold.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from streams.records import Positions, Record, Spans

INTERNAL: Final = "internal"
OVERFLOW: Final = "token_overflow"
PARK_CODES: Final = (INTERNAL, OVERFLOW)
FOR_EVER: Final = 2**62  # beyond every offset


def within(offset: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether an offset lies in one of the ascending spans."""
    index = bisect_right(spans, offset, key=lambda span: span[0])
    return index > 0 and offset < spans[index - 1][1]


def park(parked: Spans, aside: Iterable[tuple[str, str, Record]]) -> Spans:
    """`parked` with more records, given as topic, code and record; other codes than `PARK_CODES` are not parked."""
    grown, offsets = dict(parked), dict[str, list[int]]()
    for topic, code, record in aside:
        if code == INTERNAL:
            offsets.setdefault(f"{topic}:{code}", []).append(record.offset)
        elif code == OVERFLOW and not _by_offset(grown, topic, record.offset):
            name = full_name(topic, record.key)
            first = min(record.offset, grown.get(name, [(FOR_EVER, FOR_EVER)])[0][0])
            grown[name] = [(first, FOR_EVER)]
    return add_spans(grown, offsets)


def parked_code(parked: Spans, topic: str, offset: int) -> str | None:
    """The code under which a record is parked by its offset, whatever it says; None: it is not."""
    return next((code for code in PARK_CODES if within(offset, parked.get(f"{topic}:{code}", ()))), None)


def comes_too_late(parked: Spans, topic: str, record: Record) -> bool:
    """Whether a record's journey was full when it came: what it brings is in the journey already or is parked."""
    return within(record.offset, parked.get(full_name(topic, record.key), ()))


def is_parked(parked: Spans, topic: str, record: Record) -> bool:
    """Whether a record that brought something new was parked."""
    return parked_code(parked, topic, record.offset) is not None or comes_too_late(parked, topic, record)


def has_full(parked: Spans) -> bool:
    """Whether any journeys were full."""
    return any(map(_is_full, parked))


def full_name(topic: str, key: bytes | None) -> str:
    """The name under which a full journey is noted; it does not tell the token."""
    return f"{topic}:{OVERFLOW}:{blake2b(key or b'', digest_size=8).hexdigest()}"


def topic_of(name: str) -> str:
    """The topic of a name."""
    return name.partition(":")[0]


def difference(parked: Spans, other: Spans, below: Positions) -> Spans:
    """The spans of `parked` below the positions that are not in `other`."""
    found: Spans = {}
    for name, spans in parked.items():
        known = other.get(name, [])
        alone = list(_alone(spans, known, below.get(topic_of(name), 0), whole=_is_full(name)))
        if alone:
            found[name] = alone
    return found


def add_spans(parked: Spans, aside: Mapping[str, Sequence[int]]) -> Spans:
    """`parked` with more offsets by topic and code; adjoining offsets become one span."""
    grown = dict(parked)
    for name, offsets in aside.items():
        spans: list[tuple[int, int]] = []
        for first, end in sorted([*parked.get(name, []), *((offset, offset + 1) for offset in offsets)]):
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((first, end))
        grown[name] = spans
    return grown


def without(parked: Spans, taken: Spans, below: Positions) -> Spans:
    """`parked` without the spans of `taken` below some positions; those are single offsets."""
    left: Spans = {}
    for name, spans in parked.items():
        end = below.get(topic_of(name), 0)
        gone = {offset for first, last in taken.get(name, []) for offset in range(first, last) if offset < end}
        if gone:
            offsets = [offset for first, last in spans for offset in range(first, last) if offset not in gone]
            left |= add_spans({}, {name: offsets})
        else:
            left[name] = spans
    return {name: spans for name, spans in left.items() if spans}


def _alone(
    spans: Sequence[tuple[int, int]], known: Sequence[tuple[int, int]], below: int, *, whole: bool
) -> Iterator[tuple[int, int]]:
    if whole:
        first, end = spans[0][0], min(below, known[0][0] if known else FOR_EVER)
        if first < end:
            yield first, end
        return
    for first, last in spans:
        for offset in range(first, min(last, below)):
            if not within(offset, known):
                yield offset, offset + 1


def _is_full(name: str) -> bool:
    return name.count(":") > 1


def _by_offset(parked: Spans, topic: str, offset: int) -> bool:
    return within(offset, parked.get(f"{topic}:{OVERFLOW}", ()))
