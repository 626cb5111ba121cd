"""Recorded traffic is read line by line; what is no record is refused by its line, and nothing is sent then."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app import cli
from app.recorded import BadLine, Recorded, read_lines
from app.simulator.facts import Outgoing
from streams.errors import Misconfigured

CLICK = {"token": "t1", "at_ms": 1_772_380_800_000}


def line(**fields: object) -> bytes:
    return json.dumps({"topic": "click-out", "value": CLICK} | fields).encode()


def read_one(text: bytes) -> Recorded:
    (recorded,) = read_lines([text], partitions=4)
    return recorded


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (None, b"t1", None)),
        ({"key": "other"}, (None, b"other", None)),
        ({"key": None}, (None, None, None)),
        ({"partition": 3}, (3, b"t1", None)),
        ({"timestamp_ms": 5}, (None, b"t1", 5)),
        ({"topic": "note-metric", "value": {"note_id": "n1"}}, (None, b"n1", None)),
        ({"topic": "policy", "value": {"version": 7}}, (None, b"7", None)),
        ({"value": {"token": 5.5}}, (None, None, None)),
        ({"value": {}}, (None, None, None)),
    ],
)
def test_a_line_says_where_its_record_goes(fields: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    record = read_one(line(**fields)).record

    assert (record.partition, record.key, record.timestamp_ms) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"topic":"order","value": {"b": 1.50,  "a": [] }}', b'{"b": 1.50,  "a": [] }'),
        (b'{"topic":"order","value":"not json"}', b"not json"),
        ('{"topic":"order","value":"\\u7ea2猫"}'.encode(), "红猫".encode()),
        (b'{"topic":"order","value":""}', b""),
        (b'\t{"value":{},"topic":"order"}\r\n', b"{}"),
    ],
)
def test_values_are_sent_byte_for_byte_and_strings_as_they_are(text: bytes, value: bytes) -> None:
    assert read_one(text).record.value == value


def test_event_time_is_read_for_pacing() -> None:
    assert read_one(line()).at_ms == CLICK["at_ms"]
    assert read_one(line(value="garbage")).at_ms is None
    assert read_one(line(value={"at_ms": "soon"})).at_ms is None


def test_blank_lines_are_no_records() -> None:
    assert len(list(read_lines([b"\n", line(), b"  \r\n", line(), b""], partitions=4))) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"nonsense", "line 2: JSON is malformed"),
        (line()[:-5], "line 2: Input data was truncated"),
        (b"[]", "line 2: Expected `object`"),
        (b'{"topic": "order"}', "line 2: Object missing required field `value`"),
        (b'{"value": {}}', "line 2: Object missing required field `topic`"),
        (line(topic="orders"), "line 2: topic 'orders' is none of click-out, shop-entry, shop-action, order"),
        (line(value=None), "line 2: value must be an object, or a string"),
        (line(value=[1]), "line 2: value must be an object, or a string"),
        (line(value=5), "line 2: value must be an object, or a string"),
        (line(vlaue={}), "line 2: Object contains unknown field `vlaue`"),
        (line(key=5), "line 2: Expected `str"),
        (line(partition=4), "line 2: partition 4 is not one of 0 to 3"),
        (line(partition=-1), "line 2: partition -1 is not one of 0 to 3"),
        (line(timestamp_ms=-1), "line 2: timestamp_ms -1 is negative"),
        (line(timestamp_ms="now"), "line 2: Expected `int"),
        (b'{"topic": "order", "value": "\xff"}', "line 2: 'utf-8' codec can't decode"),
        (b'{"topic": "order", "value": ' + b'{"a":' * 10_000, "line 2: "),
    ],
)
def test_a_bad_line_is_named(text: bytes, message: str) -> None:
    with pytest.raises(BadLine) as raised:
        list(read_lines([line(), text, line()], partitions=4))

    assert str(raised.value).startswith(message)


def test_what_comes_before_a_bad_line_is_still_read() -> None:
    lines = read_lines([line(), b"nonsense"], partitions=4)

    assert next(lines).record == Outgoing("click-out", None, b"t1", json.dumps(CLICK).encode(), None)
    with pytest.raises(BadLine):
        next(lines)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_with_a_bad_line_ends_the_command_before_it_looks_for_kafka(tmp_path: Path, pack: Any) -> None:
    file = tmp_path / "traffic.ndjson"
    file.write_bytes(pack(line() + b"\n\nnonsense\n"))

    result = CliRunner().invoke(cli.build(["replay"]), ["replay", str(file)])

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"redcat: {file}, line 3: JSON is malformed")


@pytest.mark.parametrize("content", [None, gzip.compress(line() * 100)[:-20]], ids=["missing", "cut off"])
def test_a_file_that_cannot_be_read_is_wrong_use(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "traffic.ndjson"
    if content is not None:
        file.write_bytes(content)

    result = CliRunner().invoke(cli.build(["replay"]), ["replay", str(file)])

    assert isinstance(result.exception, Misconfigured)
    assert f"cannot read {file}" in str(result.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "-", "--speed", "2", "--rate", "5"],
        ["replay", "-", "--speed", "0"],
        ["replay", "-", "--rate", "-1"],
        ["simulate", "--events", "0"],
        ["simulate", "--rate", "0"],
        ["simulate", "--days", "0"],
    ],
)
def test_impossible_options_are_wrong_use(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.build(arguments), arguments).exit_code == 2


def test_a_truth_file_needs_a_folder(tmp_path: Path) -> None:
    arguments = ["simulate", "--truth", str(tmp_path / "none" / "truth.json")]

    result = CliRunner().invoke(cli.build(arguments), arguments)

    assert isinstance(result.exception, Misconfigured)
