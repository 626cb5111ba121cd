"""Bytes to facts and back: the only place that knows how records are written on the wire."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from streams.core.facts import CARRIES_AMOUNT, ID_PATTERN, MAX_RECORD_BYTES, Action, Click, Entry, Fact, Step
from streams.core.metrics import NoteMetric
from streams.core.results import Result
from streams.records import Record

Content: TypeAlias = Fact | NoteMetric

FACT_TYPES: Final[Mapping[str, type[Content]]] = {
    "click-out": Click,
    "shop-entry": Entry,
    "shop-action": Action,
    "order": Step,
    "note-metric": NoteMetric,
}

encode_result: Callable[[Result], bytes] = msgspec.json.Encoder().encode

CHUNK: Final = 100
LONGEST_NUMBER: Final = 20
LARGE: Final = 10**LONGEST_NUMBER  # stands for every number that is too large for any field


class InvalidRecord(Exception):
    """A record that is no fact: why (a code of the dead letters) and a message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Decoded(NamedTuple):
    """Records of one topic: the facts, the record that each came from, and the records that are no facts."""

    facts: list[Any]  # of the topic's type
    sources: list[Record]
    invalid: list[tuple[Record, str, str]]  # with code and message


# What is left of a text when these are taken away is no part of an id.
_ALPHABET = bytes(code for code in range(128) if re.fullmatch(ID_PATTERN, chr(code)))
_CAPITALS = re.compile(r"[A-Z]{3}")


def decode_records(topic: str, records: Sequence[Record]) -> Decoded:
    """All records of one topic as facts, and those that are none with the reason."""
    decoded = Decoded([], [], [])
    suspects: list[Record] = []
    for first in range(0, len(records), CHUNK):
        facts, sources, doubtful = _decode_quickly(topic, records[first : first + CHUNK])
        suspects += doubtful
        _sift(topic, facts, sources, decoded, suspects)
    for record in suspects:
        try:
            decoded.facts.append(examine(topic, record.key, record.value))
            decoded.sources.append(record)
        except InvalidRecord as problem:
            # Not the exception itself: its traceback would keep the whole batch alive until the next collection.
            decoded.invalid.append((record, problem.code, problem.message))
    return decoded


def _decode_quickly(topic: str, records: Sequence[Record]) -> tuple[list[Any], list[Record], list[Record]]:
    """What has the form of a fact, the records it came from, and those that need a closer look."""
    decode = _DECODERS[topic]
    facts: list[Any] = []
    sources: list[Record] = []
    suspects: list[Record] = []
    for record in records:
        try:
            facts.append(decode(record.value))
        except (ValueError, TypeError, RecursionError):  # None is a TypeError: no JSON either
            suspects.append(record)
        else:
            sources.append(record)
    return facts, sources, suspects


def _sift(topic: str, facts: list[Any], sources: list[Record], decoded: Decoded, suspects: list[Record]) -> None:
    """Put clean facts to `decoded` and the records of others to `suspects`, halving until it is clear which are which.

    Looking at many facts together costs a fifth of looking at each.
    """
    if _clean(topic, facts, sources):
        decoded.facts.extend(facts)
        decoded.sources.extend(sources)
    elif len(facts) == 1:
        suspects += sources
    else:
        half = len(facts) // 2
        _sift(topic, facts[:half], sources[:half], decoded, suspects)
        _sift(topic, facts[half:], sources[half:], decoded, suspects)


def _clean(topic: str, facts: Sequence[Any], records: Sequence[Record]) -> bool:
    """Whether keys, sizes, encoding and the characters of ids are right in all of these."""
    values = [record.value or b"" for record in records]
    ids_of = _IDS[topic]
    try:
        ids = "".join([ids_of(fact) for fact in facts]).encode()
    except UnicodeEncodeError:
        return False
    return (
        [record.key for record in records] == keys_of(topic, facts)
        and not ids.translate(None, _ALPHABET)
        and b"".join(values).isascii()
        and max(map(len, values), default=0) <= MAX_RECORD_BYTES
    )


def keys_of(topic: str, facts: Iterable[Any]) -> list[bytes]:
    """The record keys that facts of a topic must have."""
    if topic == "note-metric":
        return [fact.note_id.encode() for fact in facts]
    return [fact.token.encode() for fact in facts]


def _click_ids(c: Click) -> str:
    return (
        f"{c.token}{c.event_id}{c.note_id}{c.platform}{c.merchant_id}{c.category}"
        f"{c.campaign_id or ''}{c.creator_id or ''}{c.poster_id or ''}{c.boost_id or ''}"
    )


def _visit_ids(v: Entry | Action) -> str:
    return f"{v.token}{v.event_id}{v.platform}{v.merchant_id}"


def _step_ids(s: Step) -> str:
    return f"{s.token}{s.event_id}{s.platform}{s.merchant_id}{s.order_id}{s.refund_id or ''}"


def _metric_ids(m: NoteMetric) -> str:
    return f"{m.note_id}{m.event_id}"


_step = msgspec.json.Decoder(Step).decode


def _decode_step(value: bytes) -> Step:
    """A step with just what is read on its status; raises ValueError when something needed is missing."""
    step = _step(value)
    carries, refunds = step.status in CARRIES_AMOUNT, step.status == "refunded"
    if carries and (step.amount_minor is None or step.currency is None or not _CAPITALS.fullmatch(step.currency)):
        raise ValueError
    if refunds and step.refund_id is None:
        raise ValueError
    if (carries or (step.amount_minor is None and step.currency is None)) and (refunds or step.refund_id is None):
        return step
    return msgspec.structs.replace(
        step,
        amount_minor=step.amount_minor if carries else None,
        currency=step.currency if carries else None,
        refund_id=step.refund_id if refunds else None,
    )


_DECODERS: dict[str, Callable[[Any], Content]] = {
    "click-out": msgspec.json.Decoder(Click).decode,
    "shop-entry": msgspec.json.Decoder(Entry).decode,
    "shop-action": msgspec.json.Decoder(Action).decode,
    "order": _decode_step,
    "note-metric": msgspec.json.Decoder(NoteMetric).decode,
}
_IDS: dict[str, Callable[[Any], str]] = {
    "click-out": _click_ids,
    "shop-entry": _visit_ids,
    "shop-action": _visit_ids,
    "order": _step_ids,
    "note-metric": _metric_ids,
}

_REQUIRED = {
    topic: {field.name for field in msgspec.structs.fields(kind) if field.required}
    for topic, kind in FACT_TYPES.items()
}


def examine(topic: str, key: bytes | None, value: bytes | None) -> Content:
    """Decode one record with care; raises InvalidRecord with the first code that applies."""
    fields = _read_object(value)
    kind = FACT_TYPES[topic]
    needed = _REQUIRED[topic] | _heed_status(fields) if kind is Step else _REQUIRED[topic]
    missing = [name for name in kind.__struct_fields__ if name in needed and name not in fields]
    if missing:
        raise InvalidRecord("missing_field", f"missing: {', '.join(missing)}")
    try:
        # Without the others: what a name that is not read consists of is nobody's concern.
        fact = msgspec.convert({name: fields[name] for name in kind.__struct_fields__ if name in fields}, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # half a surrogate pair is no character
        raise InvalidRecord("bad_field", str(error)) from None
    _check_ids(fact)
    if [key] != keys_of(topic, [fact]):
        right = "note_id" if isinstance(fact, NoteMetric) else "token"
        raise InvalidRecord("key_mismatch", "the key is absent" if key is None else f"the key is not the {right}")
    return fact


def _read_object(value: bytes | None) -> dict[str, Any]:
    """The fields that are present, null being absent."""
    if value is not None and len(value) > MAX_RECORD_BYTES:
        raise InvalidRecord("too_large", f"{len(value)} bytes, at most {MAX_RECORD_BYTES} are read")
    try:
        # Unlike msgspec the standard library reads any number, however long: what is not read may hold one.
        fields = json.loads((value or b"").decode(), parse_constant=_no_number, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InvalidRecord("not_json", f"not JSON in UTF-8: {error}" if value else "empty") from None
    if not isinstance(fields, dict):
        raise InvalidRecord("not_json", "not a JSON object")
    return {name: content for name, content in fields.items() if content is not None}


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _whole(digits: str) -> int:
    return int(digits) if len(digits) < LONGEST_NUMBER else LARGE


def _heed_status(step: dict[str, Any]) -> set[str]:
    """Drop what is not read on this status; the names of what it must carry."""
    status = step.get("status")
    carries = isinstance(status, str) and status in CARRIES_AMOUNT
    read = {"amount_minor", "currency"} if carries else set()
    if status == "refunded":
        read.add("refund_id")
    for name in {"amount_minor", "currency", "refund_id"} - read:
        step.pop(name, None)
    return read


def _check_ids(fact: Content) -> None:
    for name in fact.__struct_fields__:
        content = getattr(fact, name)
        if not isinstance(content, str):
            continue
        if name == "currency":
            if not _CAPITALS.fullmatch(content):
                raise InvalidRecord("bad_field", f"currency: {content!r} is not three capital letters")
        elif not re.fullmatch(ID_PATTERN, content):
            raise InvalidRecord("bad_field", f"{name}: {content[:40]!r} has characters outside {ID_PATTERN}")
