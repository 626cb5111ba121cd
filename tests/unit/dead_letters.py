"""Dead letters for tests, that name only what a test is about."""

import msgspec
import orjson

from app.dead_letters.letters import Letter

NOW_MS = 1_800_000_000_000
ENTRY = {"token": "t1", "event_id": "e1", "at_ms": NOW_MS, "platform": "tmall", "merchant_id": "m1"}
ORDER = {**ENTRY, "order_id": "o1", "status": "received"}


class Stored(msgspec.Struct):
    """A record as Kafka gives it."""

    offset: int = 0
    timestamp: int = NOW_MS
    key: bytes | None = b"t1"
    value: bytes | None = b"{}"
    headers: list[tuple[str, bytes | None]] = []


def letter(value: object = ENTRY, **said: object) -> Letter:
    """A letter of an entry that was right, but for what is said; a value that is not bytes is written as JSON."""
    fields: dict[str, object] = {
        "partition": 0,
        "offset": 7,
        "code": "internal",
        "message": "it failed",
        "topic": "shop-entry",
        "original_partition": 1,
        "original_offset": 42,
        "timestamp_ms": NOW_MS,
        "key": b"t1",
        "value": value if isinstance(value, bytes) or value is None else orjson.dumps(value),
        "headers": [],
    }
    return msgspec.convert(fields | said, Letter, strict=False)
