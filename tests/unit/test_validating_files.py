"""Records to be checked are read from any file, whatever is in it, without growing with it."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from app.validating.files import BLOCK_BYTES, LONGEST_LINE, chunks, opened
from streams.errors import Misconfigured


def lines_of(file: Path | str, *, topic: str | None = None, limit: int | None = None) -> list[tuple[int, Any]]:
    """Numbers of lines, with their record or the reason why they are none."""
    with opened(str(file)) as lines:
        found: list[tuple[int, Any]] = []
        for chunk in chunks(lines.blocks, topic=topic, partitions=4, limit=limit):
            found += [(bad.number, bad.message) for bad in chunk.bad]
            found += [
                (record.offset, (*place, record.key, record.value))
                for place, records in chunk.records.items()
                for record in records
            ]
    return sorted(found)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_are_read_packed_or_not_whatever_they_end_in(tmp_path: Path, pack: Any) -> None:
    file = tmp_path / "records"
    file.write_bytes(
        pack(
            b'{"topic": "order", "value": {"token": "t1"}}\r\n\n'
            b'{"topic": "order", "value": {}, "key": "k", "partition": 3}\nnonsense\n  \n'
            b'{"topic": "orders", "value": {}}\n{"topic": "policy", "value": "text"}'
        )
    )

    found = lines_of(file)

    assert [number for number, _ in found] == [1, 3, 4, 6, 7]
    assert found[0][1] == ("order", None, b"t1", b'{"token": "t1"}')
    assert found[1][1] == ("order", 3, b"k", b"{}")
    assert found[2][1].startswith("JSON is malformed")
    assert found[3][1].startswith("topic 'orders' is none of")
    assert found[4][1] == ("policy", None, None, b"text")
    assert lines_of(file, limit=2) == found[:2]


def test_plain_values_are_keyed_as_they_should_be(tmp_path: Path) -> None:
    file = tmp_path / "values"
    file.write_bytes(b'{"token": "t1"}\r\n{"token": 5}\nnonsense\n[]\n{}\n')

    keys = [record[2] for _, record in lines_of(file, topic="order")]

    assert keys == [b"t1", b"5", None, None, None]


def test_endless_lines_take_no_memory_and_hide_nothing(tmp_path: Path) -> None:
    file = tmp_path / "records.gz"
    good = b'{"topic": "order", "value": {}}\n'
    file.write_bytes(
        gzip.compress(good + b"x" * (LONGEST_LINE + 3 * BLOCK_BYTES) + b"\n" + good + b"y" * 2 * LONGEST_LINE)
    )

    assert [(number, isinstance(what, str)) for number, what in lines_of(file)] == [
        (1, False), (2, True), (3, False), (4, True),
    ]  # fmt: skip


@pytest.mark.parametrize("content", [None, gzip.compress(b"{}\n" * 1000)[:-20]], ids=["missing", "cut off"])
def test_a_file_that_cannot_be_read_is_wrong_use(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "records"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Misconfigured, match="cannot read"):
        lines_of(file)
