"""Records to be checked out of a file or a pipe, in chunks, whatever is in it."""

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Final, NamedTuple

from app.recorded import key_of, read_line
from streams.errors import Misconfigured

STDIN: Final = "-"
GZIP_MAGIC: Final = b"\x1f\x8b"
BLOCK_BYTES: Final = 256 * 1024
LONGEST_LINE: Final = 1024 * 1024
"""In bytes; a record of 64 KiB is shorter even if every character is written as an escape."""


class LineRecord(NamedTuple):
    """The record of one line; its offset is the line's number."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes


class BadLine(NamedTuple):
    """A line that is no record, and why."""

    number: int
    line: bytes
    message: str


class Chunk(NamedTuple):
    """Some lines: the records by topic and by the partition they were meant for (None: that of the key)."""

    records: dict[tuple[str, int | None], list[LineRecord]]
    bad: list[BadLine]


class Lines(NamedTuple):
    """Blocks of lines, and how far they are read."""

    blocks: Iterator[list[bytes]]
    total: int | None  # bytes of the file as it lies there; None for a pipe
    done: Callable[[], int]


@contextmanager
def opened(file: str) -> Iterator[Lines]:
    """The lines of a file or of stdin, unpacked if they are gzipped; raises Misconfigured, also while they are read."""
    try:
        with open(sys.stdin.fileno() if file == STDIN else file, "rb", closefd=file != STDIN) as stream:
            packed = stream.peek(2)[:2] == GZIP_MAGIC
            total = None if file == STDIN else os.fstat(stream.fileno()).st_size
            blocks = _blocks(gzip.GzipFile(fileobj=stream) if packed else stream)
            yield Lines(blocks, total, stream.tell if total is not None else lambda: 0)
    except (OSError, EOFError, zlib.error) as error:
        raise Misconfigured(f"cannot read {file}: {error}") from error


def _blocks(stream: BufferedIOBase) -> Iterator[list[bytes]]:
    """Lines without their line breaks; what is longer than LONGEST_LINE is cut somewhere behind that."""
    rest = b""
    while block := stream.read1(BLOCK_BYTES):
        first, *others = block.split(b"\n")
        if len(rest) <= LONGEST_LINE:
            rest += first
        if others:
            yield [rest, *others[:-1]]
            rest = others[-1]
    if rest:
        yield [rest]


def chunks(
    blocks: Iterable[list[bytes]], *, topic: str | None, partitions: int, limit: int | None = None
) -> Iterator[Chunk]:
    """Records of the first `limit` lines that are not blank: as `redcat replay` reads them, or values of `topic`."""
    first, left = 1, sys.maxsize if limit is None else limit
    for lines in blocks:
        chunk = Chunk({}, [])
        full = [(number, line) for number, line in enumerate(lines, first) if line and not line.isspace()][:left]
        first, left = first + len(lines), left - len(full)
        for number, line in full:
            if len(line) > LONGEST_LINE:
                chunk.bad.append(BadLine(number, line, f"longer than {LONGEST_LINE} bytes"))
            elif topic is None:
                _read(chunk, number, line, partitions)
            else:
                value = line.removesuffix(b"\r")
                chunk.records.setdefault((topic, None), []).append(LineRecord(number, 0, key_of(topic, value), value))
        yield chunk
        if not left:
            return


def _read(chunk: Chunk, number: int, line: bytes, partitions: int) -> None:
    try:
        record = read_line(line, partitions=partitions).record
    except (ValueError, RecursionError) as error:
        chunk.bad.append(BadLine(number, line, str(error)))
    else:
        read = LineRecord(number, 0, record.key, record.value or b"")
        chunk.records.setdefault((record.topic, record.partition), []).append(read)
