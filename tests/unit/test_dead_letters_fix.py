"""A fix makes one object of a record's object, and changes nothing that it does not name."""

import json
from typing import Any

import pytest

from app.dead_letters.fix import Fix, FixFailed
from streams.errors import Misconfigured
from tests.unit.dead_letters import letter


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        (".platform |= ascii_downcase", {"platform": "TMALL", "at_ms": 1}, {"platform": "tmall", "at_ms": 1}),
        (".at_ms *= 1000", {"at_ms": 1_800_000_000}, {"at_ms": 1_800_000_000_000}),
        (".at_ms |= tonumber", {"at_ms": "1800000000000"}, {"at_ms": 1_800_000_000_000}),
        ("del(.refund_id) # no refund", {"refund_id": "r", "a": 1}, {"a": 1}),
        ('def clean: gsub(" "; ""); .token |= clean', {"token": " t 1"}, {"token": "t1"}),
        (".token = $key", {}, {"token": "t1"}),
        (".at_ms = $timestamp_ms", {}, {"at_ms": 5}),
        ('if $code == "bad_field" then .a = 1 else . end', {}, {"a": 1}),
        ("{record: ., topic: $topic}", {"a": 1}, {"record": {"a": 1}, "topic": "order"}),
        ('.a = {b: "}"} | .c = "\\(.a.b))"', {}, {"a": {"b": "}"}, "c": "})"}),
        ("first(.x[])", {"x": [{"a": 1}, {"a": 2}]}, {"a": 1}),
    ],
)  # fmt: skip
def test_a_fix_makes_a_better_record(expression: str, value: object, expected: object) -> None:
    record = letter(value, topic="order", code="bad_field", timestamp_ms=5)

    assert json.loads(Fix(expression).apply(record)) == expected


@pytest.mark.parametrize("headers", [{"key": None}, {"key": b"\xff"}, {"code": None, "topic": None, "message": None}])
def test_a_fix_works_on_letters_that_say_little(headers: dict[str, Any]) -> None:
    assert Fix(".a = 1").apply(letter({}, **headers)) == b'{"a":1}'


@pytest.mark.parametrize(
    "value",
    [
        b'{"long":12345678901234567890123,"exact":9007199254740993}',
        '{"text":"红猫 \\u0000 \\" \\\\ /"}'.encode(),
        b'{"b":1,"a":{"d":[null,true,false,1.50],"c":{}}}',
    ],
)
def test_what_a_fix_does_not_name_stays_as_it_is(value: bytes) -> None:
    assert Fix(".").apply(letter(value)) == value


@pytest.mark.parametrize(
    ("expression", "value", "message"),
    [
        (".a.b", {"a": 1}, "Cannot index number"),
        ('error("not this one")', {}, "not this one"),
        (".a", {"a": [1]}, "it makes array of the record, not an object"),
        ("null", {}, "it makes null of the record, not an object"),
        ("empty", {}, "it makes nothing of the record, not one object"),
        ("halt", {}, "it makes nothing of the record, not one object"),
        (".,.", {}, "it makes several of the record, not one object"),
        ("repeat(.)", {}, "it makes several of the record, not one object"),
        ("., error", {}, "not an object|null|{}"),
        ("input", {}, "break"),
        (".", b"", "the record is empty"),
        (".", None, "the record is empty"),
        (".", b"{", "the record is no JSON: "),
        (".", b"{'a': 1}", "the record is no JSON: "),
        (".", b'{"a": NaN}', "the record is no JSON: NaN is no JSON"),
        (".", b'{"a": 1} {}', "the record is no JSON: "),
        (".", b'{"a": "\xff"}', "the record is no JSON: "),
        (".", b'\xef\xbb\xbf{"a": 1}', "the record is no JSON: "),
        (".", b'{"a":' * 100_000, "the record is no JSON: "),
        (".", b"[{}]", "the record is no JSON object"),
        (".", b'{"a": "\\ud800"}', "surrogate"),
    ],
)
def test_a_fix_that_fails_says_why(expression: str, value: object, message: str) -> None:
    with pytest.raises(FixFailed, match=message):
        Fix(expression).apply(letter(value))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "Top-level program not given"),
        (".[", "syntax error, unexpected end of file at <top-level>, line 1, column 2$"),
        (".a | nosuch", "nosuch/0 is not defined at <top-level>, line 1, column 6$"),
        ("$record", r"\$record is not defined"),
        (") | (.", "syntax error"),
        ('import "x" as x; .', "module not found: x$"),
        ("def f: 1;", "Top-level program not given"),
    ],
)
def test_what_is_no_expression_is_refused_at_once(expression: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=rf"^--fix is no jq expression: .*{message}"):
        Fix(expression)
