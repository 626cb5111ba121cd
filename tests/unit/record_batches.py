"""Record batches as Kafka stores them."""

import struct

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"
BASE_OFFSET, CRC, ATTRIBUTES = 0, 17, 21
CONTROL = 0x20


AT_MS = 1_700_000_000_000


def batch(
    offset: int, count: int, *, producer: int = -1, control: bytes | None = None, at_ms: int = AT_MS, every_ms: int = 0
) -> bytes:
    """A record batch as Kafka stores it; with `control` a control batch of one record."""
    builder = DefaultRecordBatchBuilder(2, 0, int(producer >= 0), producer, 0, 0, 1 << 20)
    for place in range(count):
        builder.append(place, at_ms + place * every_ms, control or b"t", str(offset + place).encode(), [])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, BASE_OFFSET, offset)
    if control is not None:
        data[ATTRIBUTES + 1] |= CONTROL
        struct.pack_into(">I", data, CRC, calc_crc32c(bytes(data[ATTRIBUTES:])))
    return bytes(data)
