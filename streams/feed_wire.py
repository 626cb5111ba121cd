"""The fetch request, version 11, as bytes.

aiokafka describes messages by schemas and walks them field by field; at light load, where a worker fetches often and
little, that would be a quarter of what the feed costs.
"""

from collections.abc import Mapping
from io import BytesIO
from struct import Struct
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response

READ_COMMITTED = 1
FETCH_BYTES = 16 * 1024 * 1024

_INT16, _INT32 = Struct(">h"), Struct(">i")
_HEAD = Struct(">iiiibiii")  # replica, wait, least and most bytes, isolation, session, its epoch, topics
_WANT = Struct(">iiqqi")  # partition, leader epoch, offset, log start, most bytes
_TAIL = b"\0\0\0\0" + b"\0\0"  # no forgotten topics, no rack
_GOT_HEAD = Struct(">ihii")  # throttle, error, session, topics
_GOT = Struct(">ihqqqi")  # partition, error, high watermark, last stable offset, log start, aborted transactions
_ABORTED = Struct(">qq")  # producer, first offset
_DATA = Struct(">ii")  # preferred replica, bytes


class Slice(NamedTuple):
    """What a fetch reply says of one partition."""

    code: int  # 0, or Kafka's number of the error
    end: int  # high watermark
    stable: int  # last stable offset: a read_committed reader gets no further for now
    start: int  # first offset that Kafka still holds
    aborted: list[tuple[int, int]]  # (producer id, first offset) of aborted transactions
    data: bytes

    @property
    def ok(self) -> bool:
        return not self.code

    @property
    def error(self) -> type[KafkaError]:
        found: type[KafkaError] = for_code(self.code)
        return found


class FetchReply(Response):  # type: ignore[misc]  # aiokafka has no types
    """The reply by partition."""

    API_KEY = 1
    API_VERSION = 11

    def __init__(self, slices: dict[TopicPartition, Slice]) -> None:
        self.slices = slices

    def __repr__(self) -> str:
        return f"FetchReply({len(self.slices)} partitions)"

    @classmethod
    def decode(cls, data: BytesIO) -> "FetchReply":
        """Read what follows the header."""
        view, at = data.getbuffer(), data.tell()
        *_, topics = _GOT_HEAD.unpack_from(view, at)
        at += _GOT_HEAD.size
        slices: dict[TopicPartition, Slice] = {}
        for _ in range(topics):
            (length,) = _INT16.unpack_from(view, at)
            name = str(view[at + 2 : at + 2 + length], "utf-8")
            at += 2 + length
            (partitions,) = _INT32.unpack_from(view, at)
            at += 4
            for _ in range(partitions):
                number, at, got = _slice(view, at)
                slices[TopicPartition(name, number)] = got
        return cls(slices)


def _slice(view: memoryview, at: int) -> tuple[int, int, Slice]:
    """One partition's number, where it ends, and what it says."""
    number, code, end, stable, start, count = _GOT.unpack_from(view, at)
    at += _GOT.size
    aborted = [_ABORTED.unpack_from(view, at + place * _ABORTED.size) for place in range(count)]
    at += len(aborted) * _ABORTED.size
    _, size = _DATA.unpack_from(view, at)
    at += _DATA.size
    after = at + max(size, 0)
    return number, after, Slice(code, end, stable, start, aborted, bytes(view[at:after]))


class FetchStruct(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    """The request as it is sent."""

    API_KEY = 1
    API_VERSION = 11
    RESPONSE_TYPE = FetchReply
    SCHEMA = None

    def __init__(self, topics: Mapping[str, list[tuple[int, int]]], wait_ms: int, partition_bytes: int) -> None:
        self._topics = topics
        self._wait_ms = wait_ms
        self._partition_bytes = partition_bytes

    def __repr__(self) -> str:
        return f"FetchRequest({self._topics})"

    def encode(self) -> bytes:
        """What follows the header."""
        most = self._partition_bytes
        parts = [_HEAD.pack(-1, self._wait_ms, 1, FETCH_BYTES, READ_COMMITTED, 0, -1, len(self._topics))]
        for topic, wanted in self._topics.items():
            name = topic.encode()
            parts += (_INT16.pack(len(name)), name, _INT32.pack(len(wanted)))
            parts += [_WANT.pack(partition, -1, offset, -1, most) for partition, offset in wanted]
        return b"".join(parts) + _TAIL


class FetchRequest(Request[FetchStruct]):  # type: ignore[misc]  # aiokafka has no types
    """Read committed records; partitions named first are served first."""

    API_KEY = 1

    def __init__(self, topics: Mapping[str, list[tuple[int, int]]], wait_ms: int, partition_bytes: int) -> None:
        self._arguments: Any = (topics, wait_ms, partition_bytes)

    def build(self, request_struct_class: type[FetchStruct]) -> FetchStruct:
        return request_struct_class(*self._arguments)
