"""Records at the door: bad ones with the code of their dead letter, and odd ones that are good all the same."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.behaviour.builders import click, entry, favourite, metric, paid, refund, step
from tests.generators.records import Written

LARGEST_VALUE = 64 * 1024


class Delivered(NamedTuple):
    """A record as it lies in Kafka, and the code of its dead letter; None: it is good."""

    name: str
    topic: str
    key: bytes | None
    value: bytes | None
    code: str | None


KINDS = {
    "click": click("k"),
    "entry": entry("e", at=1),
    "action": favourite("a", at=1),
    "unpaid step": step("received", "s", at=1),
    "payment": paid("p", at=1),
    "refund": refund("r", at=1),
    "figures": metric("m", at=1),
}


def _padded(length: int) -> bytes:
    """An entry of exactly so many bytes, most of them in a field that nobody reads."""
    bare = entry("e", at=1).but(padding="").value
    return entry("e", at=1).but(padding="x" * (length - len(bare))).value


def _with_raw(member: bytes) -> bytes:
    """An entry that also holds this member, spelled as it is."""
    return entry("e", at=1).value[:-1] + b", " + member + b"}"


def _raw(name: str, value: bytes | None, code: str | None) -> Delivered:
    return Delivered(name, "shop-entry", b"t1", value, code)


def _altered(kind: str, changes: Mapping[str, Any], code: str | None) -> Delivered:
    written = KINDS[kind]
    shown = json.dumps(changes)
    name = f"{kind} with {shown if len(shown) < 80 else shown[:80] + '...'}"
    return Delivered(name, written.topic, written.key, written.but(**changes).value, code)


def _keyed(kind: str, key: bytes | None, code: str | None) -> Delivered:
    return Delivered(f"{kind} with key {key!r}", KINDS[kind].topic, key, KINDS[kind].value, code)


def _without_each_field() -> Iterator[Delivered]:
    """Of every kind of record, all that lack one field, absent or null; none of them is optional."""
    for kind, written in KINDS.items():
        for name in written.fields:
            rest = {field: value for field, value in written.fields.items() if field != name}
            bare = Written(written.topic, rest).value
            yield Delivered(f"{kind} without {name}", written.topic, written.key, bare, "missing_field")
            yield _altered(kind, {name: None}, "missing_field")


SIZES = [
    _raw("64 KiB", _padded(LARGEST_VALUE), None),
    _raw("a byte more than 64 KiB", _padded(LARGEST_VALUE + 1), "too_large"),
    _raw("too large goes before not JSON", b"x" * (LARGEST_VALUE + 1), "too_large"),
]

NOT_JSON: list[tuple[str, bytes | None]] = [
    ("no value", None),
    ("an empty value", b""),
    ("only spaces", b"  \n"),
    ("null", b"null"),
    ("a list", b"[" + entry("e", at=1).value + b"]"),
    ("a string", b'"entry"'),
    ("a number", b"1750176000000"),
    ("a truncated object", entry("e", at=1).value[:-1]),
    ("something after the object", entry("e", at=1).value + b"}"),
    ("two objects", entry("e", at=1).value * 2),
    ("a comma too many", entry("e", at=1).value[:-1] + b",}"),
    ("single quotes", entry("e", at=1).value.replace(b'"', b"'")),
    ("a byte order mark", b"\xef\xbb\xbf" + entry("e", at=1).value),
    ("UTF-16", entry("e", at=1).value.decode().encode("utf-16")),
    ("a form feed before the object", b"\x0c" + entry("e", at=1).value),
    ("NaN in a field that nobody reads", _with_raw(b'"x": NaN')),
    ("Infinity in a field that nobody reads", _with_raw(b'"x": -Infinity')),
    ("a leading zero in a field that nobody reads", _with_raw(b'"x": 01')),
    ("a bad escape in a field that nobody reads", _with_raw(rb'"x": "\q"')),
    ("a line break within a string that nobody reads", _with_raw(b'"x": "a\nb"')),
    ("no UTF-8 in a field that nobody reads", _with_raw(b'"x": "\xff"')),
    ("no UTF-8 in a name that nobody reads", _with_raw(b'"\xff": 1')),
    ("an overlong byte sequence in a field that nobody reads", _with_raw(b'"x": "\xc0\x80"')),
    ("a surrogate in bytes in a field that nobody reads", _with_raw(b'"x": "\xed\xa0\x80"')),
    ("lists nested 30,000 deep", _with_raw(b'"x": ' + b"[" * 30_000 + b"]" * 30_000)),
    ("a wrong type before the place where the JSON breaks", b'{"event_id": 5, "token": oops'),
]

ODD_BUT_GOOD: list[tuple[str, bytes]] = [
    ("spaces and line breaks around everything", b" \n" + json.dumps(KINDS["entry"].fields, indent=2).encode() + b"\t"),
    ("escaped letters in an id", entry("e", at=1).value.replace(b'"t1"', rb'"\u00741"')),
    ("lists nested 100 deep", _with_raw(b'"x": ' + b"[" * 100 + b"]" * 100)),
    ("a number of 5,000 digits that nobody reads", _with_raw(b'"x": ' + b"9" * 5_000)),
    ("a number beyond all floats that nobody reads", _with_raw(b'"x": 1e400')),
    ("letters of all alphabets that nobody reads", _with_raw('"笔记": "é"'.encode())),
    ("half a surrogate pair in a field that nobody reads", _with_raw(rb'"x": "\ud800"')),
    ("half a surrogate pair in a name that nobody reads", _with_raw(rb'"\udc00": 1')),
    ("of equal names the last one counts", b'{"token": "t2", ' + entry("e", at=1).value[1:]),
    ("of equal names the last one counts, null before it too", b'{"token": null, ' + entry("e", at=1).value[1:]),
]

ORDER_OF_CODES = [
    _raw("missing goes before bad", b'{"event_id": 5}', "missing_field"),
    _raw("an empty object", b"{}", "missing_field"),
    _raw("a null after a value", _with_raw(b'"token": null'), "missing_field"),
    Delivered("bad goes before a wrong key", "shop-entry", b"t2", entry("e", at=1).but(at_ms=1).value, "bad_field"),
    Delivered("a payment of a bad status has no amount to miss", "order", b"t1", step("gone", at=1).value, "bad_field"),
]

TIMES = [(10**12, None), (2**43 - 1, None), (10**12 - 1, "bad_field"), (2**43, "bad_field"), (-(10**12), "bad_field")]
NO_WHOLE_NUMBERS = ["1750176000000", 1750176000000.0, 1.5e12, True, [], {}, "", float(2**43)]
IDS = ["a", "a" * 128, "AZaz09._~:@+-", ".", "null"]
NO_IDS = ["", "a" * 129, "a\n", " a", "a b", "a/b", "a#", "é", "笔记", "a\u0000", "\ud800", 5, True, ["a"], {"a": "b"}]
ID_FIELDS = [
    *(("click", name) for name in ("event_id", "note_id", "platform", "merchant_id", "category")),
    *(("click", name) for name in ("campaign_id", "creator_id", "poster_id", "boost_id")),
    ("payment", "order_id"),
    ("refund", "refund_id"),
]
NO_WORDS = [
    ("click", "note_kind", ["AD", "ads", "", 1, ["ad"]]),
    ("click", "link", ["Note", "comment ", True]),
    ("action", "action", ["favorite", "entry", 0]),
    ("payment", "status", ["Paid", "paid\n", "gone", 5, ["paid"], {"paid": 1}]),
    ("payment", "currency", ["cny", "CN", "CNYY", "CNY\n", "C1Y", "ÇNY", 156, ["CNY"]]),
]

FIELDS = [
    *(_altered("click", {"at_ms": value}, code) for value, code in TIMES),
    *(_altered("entry", {"at_ms": value}, "bad_field") for value in NO_WHOLE_NUMBERS),
    *(_altered(kind, {name: value}, None) for kind, name in ID_FIELDS for value in IDS),
    *(_altered(kind, {name: value}, "bad_field") for kind, name in ID_FIELDS for value in NO_IDS),
    *(_altered(kind, {name: value}, "bad_field") for kind, name, values in NO_WORDS for value in values),
    *(_altered("click", {"token": value}, "bad_field") for value in NO_IDS),
    *(_altered("payment", {"amount_minor": value}, None) for value in (0, 1, 10**12)),
    *(_altered("payment", {"amount_minor": value}, "bad_field") for value in (-1, 10**12 + 1, 1.0, "1", False, 10**30)),
    *(_altered("figures", {name: -1}, "bad_field") for name in ("reads", "likes", "saves", "comments", "shares")),
    *(_altered("figures", {name: 5.0}, "bad_field") for name in ("reads", "comments")),
    *(_altered("click", {name: None}, None) for name in ("campaign_id", "creator_id", "poster_id", "boost_id")),
    _raw("a time of 5,000 digits", _with_raw(b'"at_ms": ' + b"9" * 5_000), "bad_field"),
    _raw("minus nothing is a whole number, but no time", _with_raw(b'"at_ms": -0'), "bad_field"),
]

READ_ON_SOME_STATUSES_ONLY = [
    _altered("unpaid step", {"amount_minor": "many", "currency": 5, "refund_id": []}, None),
    _altered("payment", {"refund_id": "not an id"}, None),
    _altered("payment", {"status": "deposit", "refund_id": 7}, None),
    _altered("refund", {"refund_id": "not an id"}, "bad_field"),
    _altered("payment", {"status": "refunded"}, "missing_field"),
    _altered("refund", {"status": "settled", "amount_minor": -1, "currency": "cny"}, None),
    _altered("entry", {"status": "paid"}, None),
    _altered("entry", {"order_id": 5, "status": "gone", "amount_minor": -1, "note_id": ""}, None),
]

KEYS = [
    _keyed("entry", None, "key_mismatch"),
    _keyed("entry", b"", "key_mismatch"),
    _keyed("entry", b"t2", "key_mismatch"),
    _keyed("entry", b"t1 ", "key_mismatch"),
    _keyed("entry", b'"t1"', "key_mismatch"),
    _keyed("entry", b"\xff\xfe", "key_mismatch"),
    _keyed("figures", b"n1", None),
    _keyed("figures", b"m", "key_mismatch"),
    _keyed("figures", None, "key_mismatch"),
]

DELIVERED: list[Delivered] = [
    *SIZES,
    *(_raw(name, value, "not_json") for name, value in NOT_JSON),
    *(_raw(name, value, None) for name, value in ODD_BUT_GOOD),
    *(Delivered(f"{kind} as it should be", w.topic, w.key, w.value, None) for kind, w in KINDS.items()),
    *_without_each_field(),
    *ORDER_OF_CODES,
    *FIELDS,
    *READ_ON_SOME_STATUSES_ONLY,
    *KEYS,
]
