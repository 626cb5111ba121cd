"""The checks at the door: what a record says, or why it says nothing."""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Fields: TypeAlias = dict[str, Any]
"""What one record says: only the fields that are read, only those that are present."""

Check: TypeAlias = Callable[[object], bool]

LARGEST_VALUE = 64 * 1024
TOKEN_TOPICS = ("click-out", "shop-entry", "shop-action", "order")
TOPICS = (*TOKEN_TOPICS, "note-metric")


class Record(NamedTuple):
    """One record of an input topic, as Kafka holds it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Invalid(NamedTuple):
    """A record that can be no fact, with the code of its dead letter."""

    code: str


def _is_whole(value: object, lowest: int, end: int) -> bool:
    """A JSON integer in [lowest, end); true and 5.0 are not integers."""
    return type(value) is int and lowest <= value < end


def is_id(value: object) -> bool:
    """One to 128 characters of the alphabet of ids, and nothing after them."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._~:@+-]{1,128}", value) is not None


def is_time(value: object) -> bool:
    """Milliseconds since 1970, from 10^12 up to but not including 2^43."""
    return _is_whole(value, 10**12, 2**43)


def is_amount(value: object) -> bool:
    """Minor units, or a cumulative figure of a note: 0 to 10^12, both included."""
    return _is_whole(value, 0, 10**12 + 1)


def is_currency(value: object) -> bool:
    """Three capital letters."""
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{3}", value) is not None


def one_of(*words: str) -> Check:
    """One of these words, exactly."""
    return lambda value: isinstance(value, str) and value in words


COMMON: dict[str, Check] = {
    "event_id": is_id,
    "token": is_id,
    "at_ms": is_time,
    "platform": is_id,
    "merchant_id": is_id,
}
MONEY: dict[str, Check] = {"amount_minor": is_amount, "currency": is_currency}
STATUSES = ("deposit", "paid", "received", "settled", "closed", "refunded", "frozen", "unfrozen")

REQUIRED: dict[str, dict[str, Check]] = {
    "click-out": COMMON
    | {"note_id": is_id, "note_kind": one_of("ad", "ugc"), "link": one_of("note", "comment"), "category": is_id},
    "shop-entry": COMMON,
    "shop-action": COMMON | {"action": one_of("favourite", "cart")},
    "order": COMMON | {"order_id": is_id, "status": one_of(*STATUSES)},
    "note-metric": {
        "event_id": is_id,
        "note_id": is_id,
        "at_ms": is_time,
        "reads": is_amount,
        "likes": is_amount,
        "saves": is_amount,
    },
}
OPTIONAL: dict[str, dict[str, Check]] = {
    "click-out": {"campaign_id": is_id, "creator_id": is_id, "poster_id": is_id, "boost_id": is_id},
    "note-metric": {"comments": is_amount, "shares": is_amount},
}
CARRIED_BY_STATUS: dict[str, dict[str, Check]] = {
    "deposit": MONEY,
    "paid": MONEY,
    "refunded": MONEY | {"refund_id": is_id},
}


def key_field(topic: str) -> str:
    """The field that the record's key repeats."""
    return "note_id" if topic == "note-metric" else "token"


def read(record: Record) -> Fields | Invalid:
    """The fields that the record says, or the first code that applies to it."""
    if record.value is not None and len(record.value) > LARGEST_VALUE:
        return Invalid("too_large")
    document = _parse(record.value)
    if not isinstance(document, dict):
        return Invalid("not_json")
    present = {name: value for name, value in document.items() if value is not None}
    required = REQUIRED[record.topic] | _carried(record.topic, present)
    if not required.keys() <= present.keys():
        return Invalid("missing_field")
    checks = required | OPTIONAL.get(record.topic, {})
    fields = {name: present[name] for name in checks if name in present}
    if not all(checks[name](value) for name, value in fields.items()):
        return Invalid("bad_field")
    if record.key != fields[key_field(record.topic)].encode():
        return Invalid("key_mismatch")
    return fields


def canonical(fields: Fields) -> bytes:
    """The canonical JSON of what was read: sorted by name, no spaces, UTF-8."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _carried(topic: str, present: Fields) -> dict[str, Check]:
    """The fields that an order step carries because of its status; on all other statuses they are not read."""
    status = present.get("status")
    return CARRIED_BY_STATUS.get(status, {}) if topic == "order" and isinstance(status, str) else {}


def _parse(value: bytes | None) -> object:
    """The JSON document of `value`, or None if it is none; the last of several equal names in an object wins."""
    try:
        return _DECODER.decode((value or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _not_a_number(word: str) -> object:
    raise ValueError(word)


def _whole_number(digits: str) -> int:
    # Python refuses to read numbers of thousands of digits; the first 40 already say "out of every range".
    return int(digits[:40])


_DECODER = json.JSONDecoder(parse_constant=_not_a_number, parse_int=_whole_number)
